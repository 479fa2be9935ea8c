//! Code of the filter that panics.

use crate::scene::{CONTINUE, On, Scene, answers, command, commands};
use milter_proto::{
    Application, CommandKind, Context, EndOfMessage, FailureVerdict, Header, Mail, Milter, Rcpt, Verdict,
};
use milter_tests::{RawMta, packet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As `panic!` does, without a report on stderr.
fn panics() -> ! {
    resume_unwind(Box::new("a bug in the filter"))
}

/// A message whose sender says where the filter panics.
#[derive(Default)]
struct Message {
    at: Option<u8>,
}

impl Message {
    fn reaches(&self, stage: u8) {
        if self.at == Some(stage) {
            panics();
        }
    }

    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Verdict {
        self.at = mail.address().as_bytes().first().copied();
        self.reaches(b'M');
        Verdict::Continue
    }

    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
        self.reaches(b'R');
        Verdict::Continue
    }

    async fn header(&mut self, _: Header<'_>, _: &mut Context) {
        self.reaches(b'L');
    }

    async fn end_of_message(&mut self, _: EndOfMessage, _: &mut Context) -> Verdict {
        self.reaches(b'E');
        Verdict::Continue
    }

    fn milter(failure: FailureVerdict) -> impl Application {
        Milter::per_message(Self::default)
            .on_failure(failure)
            .on_mail(Self::mail)
            .on_rcpt(Self::rcpt)
            .on_header(Self::header)
            .on_end_of_message(Self::end_of_message)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.reaches(b'D');
        }
    }
}

fn mail(panics_at: &str) -> Vec<u8> {
    packet(b'M', format!("<{panics_at}>\0").as_bytes())
}

/// Others that have a message open, and finish it.
struct Others(Vec<RawMta>);

impl Others {
    fn of(scene: &Scene) -> Self {
        let mut others: Vec<RawMta> = (0..3).map(|_| scene.negotiate()).collect();
        for other in &mut others {
            other.ask(&mail("nowhere"), CONTINUE);
        }
        Self(others)
    }

    #[track_caller]
    fn are_untouched(mut self) {
        for other in &mut self.0 {
            other.ask(&commands("RLE"), &answers("cc"));
        }
    }
}

pub(crate) fn hook(on: On) {
    for (failure, answer) in [
        (FailureVerdict::TempFail, "t"),
        (FailureVerdict::Reject, "r"),
        // So that the MTA does what it is configured to do.
        (FailureVerdict::Close, ""),
    ] {
        let scene = on.serve(Message::milter(failure));
        let others = Others::of(&scene);
        // What comes before the panic, what panics, and what asks for an answer if that was silent.
        for (at, before, continued, panicking, asking) in [
            ("M", "", "", "", ""),
            ("R", "", "c", "R", ""),
            ("L", "R", "cc", "L", "E"),
            ("E", "RL", "cc", "E", ""),
        ] {
            let mut mta = scene.negotiate();
            mta.send(&mail(at));
            mta.send(&commands(before));
            mta.expect(&answers(continued));
            mta.send(&commands(panicking));
            // It is closed already where that is the failure verdict.
            let _ = mta.try_send(&commands(asking));
            assert_eq!(mta.rest(), answers(answer), "{failure:?} at {at}");
        }
        scene.wait_for_connections(3);
        others.are_untouched();
    }
}

pub(crate) fn destructor_of_a_message(on: On) {
    let scene = on.serve(Message::milter(FailureVerdict::TempFail));
    let others = Others::of(&scene);
    // At its end and at its abort: nobody knows what became of the message, so that nothing is said.
    for end in ["RE", "A"] {
        let mut mta = scene.negotiate();
        mta.ask(&mail("D"), CONTINUE);
        mta.send(&commands(end));
        let answer = mta.rest();
        assert_eq!(answer, answers(if end == "RE" { "c" } else { "" }), "{end}");
    }
    // The connection itself is closed within a message.
    let mut mta = scene.negotiate();
    mta.ask(&mail("D"), CONTINUE);
    mta.end();
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(3);
    others.are_untouched();
}

pub(crate) fn factory(on: On) {
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let milter = Milter::per_connection(move || {
        if broken.load(Ordering::SeqCst) {
            panics();
        }
    })
    .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue);
    let scene = on.serve(milter);
    let mut other = scene.negotiate();
    let mut renewed = scene.negotiate();

    is_broken.store(true, Ordering::SeqCst);
    assert_eq!(scene.connect().rest(), b"");
    // A new SMTP session on the same connection has values of its own.
    renewed.ask(&command(CommandKind::Mail), CONTINUE);
    renewed.send(&commands("K"));
    assert_eq!(renewed.rest(), b"");
    scene.wait_for_connections(1);

    is_broken.store(false, Ordering::SeqCst);
    other.ask(&command(CommandKind::Mail), CONTINUE);
    scene.connect().negotiate();
}

pub(crate) fn factory_of_a_message(on: On) {
    let milter = Milter::per_message(|| -> () { panics() })
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue);
    let scene = on.serve(milter);
    // The message fails as if its hook had panicked.
    for _ in 0..2 {
        let mut mta = scene.negotiate();
        mta.send(&command(CommandKind::Mail));
        assert_eq!(mta.rest(), answers("t"));
    }
    scene.wait_for_connections(0);
}
