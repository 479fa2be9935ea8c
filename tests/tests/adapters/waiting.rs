//! A filter with a hook that waits until the test lets it go on.

use crate::scene::{On, Scene, command};
use crate::watched::Told;
use milter_proto::{
    Abort, Application, CommandKind, Context, EndOfMessage, Mail, Milter, Quit, Rcpt, Verdict,
};
use milter_tests::{RawMta, Settings};
use smol::channel::{Receiver, Sender, bounded};

/// Its hooks answer by continue, and note the letters of their stages.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    at: CommandKind,
    told: Told,
    opened: Receiver<()>,
}

impl Waiting {
    /// The hook for this stage waits until the gate is dropped. If it is itself dropped before, it notes `!`.
    pub(crate) fn at(stage: CommandKind, told: &Told) -> (Gate, Self) {
        let (gate, opened) = bounded(1);
        (Gate(gate), Self { at: stage, told: told.clone(), opened })
    }

    pub(crate) fn milter(&self) -> impl Application + use<> {
        let filter = self.clone();
        Milter::per_connection(move || filter.clone())
            .on_mail(async |filter: &mut Self, _: Mail<'_>, cx: &mut Context| {
                filter.stage(cx.connection_id(), CommandKind::Mail).await
            })
            .on_rcpt(async |filter: &mut Self, _: Rcpt<'_>, cx: &mut Context| {
                filter.stage(cx.connection_id(), CommandKind::Rcpt).await
            })
            .on_end_of_message(async |filter: &mut Self, _: EndOfMessage, cx: &mut Context| {
                filter.stage(cx.connection_id(), CommandKind::EndOfMessage).await
            })
            .on_abort(async |filter: &mut Self, _: Abort, cx: &mut Context| {
                filter.told.write(cx.connection_id(), 'A');
            })
            .on_quit(async |filter: &mut Self, _: Quit, cx: &mut Context| {
                filter.told.write(cx.connection_id(), 'Q');
            })
    }

    async fn stage(&self, connection: u64, stage: CommandKind) -> Verdict {
        self.told.write(connection, char::from(stage.letter()));
        if stage == self.at {
            let unfinished = Unfinished { told: &self.told, connection };
            // It fails when the gate is open.
            let _ = self.opened.recv().await;
            std::mem::forget(unfinished);
        }
        Verdict::Continue
    }
}

/// An MTA whose MAIL a hook works on, until the gate is dropped.
pub(crate) fn at_mail(on: On, settings: Settings) -> (Told, Gate, Scene, RawMta) {
    let told = Told::default();
    let (gate, filter) = Waiting::at(CommandKind::Mail, &told);
    let scene = on.serve_with(filter.milter(), settings);
    let mut mta = scene.negotiate();
    mta.send(&command(CommandKind::Mail));
    told.wait_for(1, "M");
    (told, gate, scene, mta)
}

/// Open when it is dropped.
#[derive(Debug)]
pub(crate) struct Gate(#[allow(dead_code, reason = "its end is what counts")] Sender<()>);

struct Unfinished<'a> {
    told: &'a Told,
    connection: u64,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.told.write(self.connection, '!');
    }
}
