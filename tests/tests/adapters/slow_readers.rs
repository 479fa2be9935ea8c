//! An MTA that does not read its answers.

use crate::scene::{On, answers, command, commands};
use crate::watched::Told;
use milter_proto::{Abort, Application, CommandKind, Context, Mail, Milter, Quit, Rcpt, SmtpReply, Verdict};
use milter_tests::{RawMta, packet};
use std::io;
use std::time::{Duration, Instant};

/// A filter that has much to say about every recipient.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verbose {
    pub(crate) told: Told,
}

/// More than any socket holds back for who does not read.
const BOUND: usize = 64 * 1024 * 1024;

impl Verbose {
    const LENGTH: usize = 400;

    pub(crate) fn milter(&self) -> impl Application + use<> {
        let filter = self.clone();
        Milter::per_connection(move || filter.clone())
            .on_mail(async |_: &mut Self, _: Mail<'_>, _: &mut Context| {})
            .on_rcpt(async |_: &mut Self, _: Rcpt<'_>, _: &mut Context| {
                Verdict::from(SmtpReply::new(550, None, &"x".repeat(Self::LENGTH)).unwrap())
            })
            .on_abort(async |filter: &mut Self, _: Abort, cx: &mut Context| {
                filter.told.write(cx.connection_id(), 'A');
            })
            .on_quit(async |filter: &mut Self, _: Quit, cx: &mut Context| {
                filter.told.write(cx.connection_id(), 'Q');
            })
    }

    /// As long as its answer, so that as much waits on the one way as on the other.
    fn recipient() -> Vec<u8> {
        packet(b'R', format!("<{}>\0", "x".repeat(Self::LENGTH)).as_bytes())
    }

    fn answer() -> Vec<u8> {
        packet(b'y', format!("550 {}\0", "x".repeat(Self::LENGTH)).as_bytes())
    }

    /// Sends recipients and reads nothing, until there is no more room for so long, or the filter closes: how many octets
    /// that were, and whether it closed.
    #[track_caller]
    pub(crate) fn flood(&self, mta: &mut RawMta, patience: Duration) -> (usize, Option<io::Error>) {
        let recipients = Self::recipient().repeat(200);
        let mut sent = 0;
        let mut written = Instant::now();
        loop {
            assert!(sent < BOUND, "it reads on and on");
            match mta.send_some(&recipients[sent % recipients.len()..]) {
                Ok(count) => {
                    sent += count;
                    written = Instant::now();
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return (sent, Some(error)),
                Err(_) if written.elapsed() > patience => return (sent, None),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

pub(crate) fn who_never_reads_is_not_read(on: On) {
    let verbose = Verbose::default();
    let scene = on.serve(verbose.milter());
    let mut slow = scene.negotiate();
    slow.send(&command(CommandKind::Mail));
    let (sent, closed) = verbose.flood(&mut slow, Duration::from_millis(200));
    assert!(closed.is_none(), "{closed:?}");

    // Others are served meanwhile.
    let mut other = scene.negotiate();
    other.ask(&commands("MR"), &Verbose::answer());
    other.ask(&command(CommandKind::EndOfMessage), &answers("c"));

    // Whoever reads at last finds everything.
    slow.end();
    let whole = sent / Verbose::recipient().len();
    assert!(slow.rest() == Verbose::answer().repeat(whole), "of {sent} octets");
    verbose.told.wait_for(1, "AQ");
}
