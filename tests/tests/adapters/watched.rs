//! A filter that notes what its hooks are told, for each connection.

use crate::scene::SOON;
use milter_proto::{
    Abort, Application, BodyChunk, CommandKind, Connect, Context, Data, EndOfHeaders, EndOfMessage, Header,
    Helo, Mail, Milter, Quit, Rcpt, Unknown, Verdict,
};
use milter_tests::poll;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What hooks were told, as the letters of the commands, for each connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<BTreeMap<u64, String>>>);

macro_rules! note {
    ($($method:ident $Stage:ident $Command:ty $(, $answer:ident)?;)*) => { $(
        async fn $method(&mut self, _: $Command, cx: &mut Context) $(-> $answer)? {
            self.note(cx, CommandKind::$Stage);
            $($answer::Continue)?
        }
    )* };
}

impl Told {
    note! {
        connect Connect Connect<'_>, Verdict;
        helo Helo Helo<'_>, Verdict;
        mail Mail Mail<'_>, Verdict;
        rcpt Rcpt Rcpt<'_>, Verdict;
        data Data Data, Verdict;
        header Header Header<'_>, Verdict;
        end_of_headers EndOfHeaders EndOfHeaders, Verdict;
        body Body BodyChunk<'_>, Verdict;
        end_of_message EndOfMessage EndOfMessage, Verdict;
        unknown Unknown Unknown<'_>, Verdict;
        abort Abort Abort;
        quit Quit Quit;
    }

    /// A filter with a hook for every stage, which answers by continue.
    pub(crate) fn watcher(&self) -> impl Application + use<> {
        let told = self.clone();
        Milter::per_connection(move || told.clone())
            .on_connect(Self::connect)
            .on_helo(Self::helo)
            .on_mail(Self::mail)
            .on_rcpt(Self::rcpt)
            .on_data(Self::data)
            .on_header(Self::header)
            .on_end_of_headers(Self::end_of_headers)
            .on_body(Self::body)
            .on_end_of_message(Self::end_of_message)
            .on_unknown(Self::unknown)
            .on_abort(Self::abort)
            .on_quit(Self::quit)
    }

    fn note(&self, cx: &Context, stage: CommandKind) {
        self.write(cx.connection_id(), char::from(stage.letter()));
    }

    pub(crate) fn write(&self, connection: u64, letter: char) {
        self.lines().entry(connection).or_default().push(letter);
    }

    /// What the hooks of a connection were told. The first connection is number 1.
    pub(crate) fn on(&self, connection: u64) -> String {
        self.lines().get(&connection).cloned().unwrap_or_default()
    }

    /// Waits until the hooks of a connection were told this.
    #[track_caller]
    pub(crate) fn wait_for(&self, connection: u64, letters: &str) {
        let told = poll(SOON, || (self.on(connection) == letters).then_some(()));
        assert!(told.is_some(), "connection {connection}: {} in place of {letters}", self.on(connection));
    }

    fn lines(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
