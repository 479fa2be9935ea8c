//! The values that hooks are called on begin and end with their message and their SMTP session, however these end and
//! however many packets come at once.

mod filter;

use filter::{OFFER, packet};
use milter_proto::testing::now;
use milter_proto::{
    Abort, Application, Connect, Context, Conversation, Mail, Milter, Quit, Rcpt, Step, Verdict,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<String>>;

/// A value that writes down what it is called for, and its end.
struct Value {
    name: String,
    log: Log,
}

impl Value {
    fn new(kind: &str, number: &AtomicU32, log: &Log) -> Self {
        let name = format!("{kind}{}", number.fetch_add(1, Ordering::Relaxed) + 1);
        Self { name, log: log.clone() }
    }

    fn note(&self, what: &str) {
        self.log.lock().unwrap().push_str(&format!("{what}:{} ", self.name));
    }

    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {
        self.note("M");
    }

    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
        self.note("R");
        Verdict::Continue
    }

    async fn abort(&mut self, _: Abort, _: &mut Context) {
        self.note("A");
    }

    async fn connect(&mut self, _: Connect<'_>, _: &mut Context) {
        self.note("C");
    }

    async fn quit(&mut self, _: Quit, _: &mut Context) {
        self.note("Q");
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.note("drop");
    }
}

fn play(milter: impl Application, log: &Log, packets: &[&str]) -> String {
    let mut conversation = Conversation::new(milter, 1);
    let packets = packets.iter().flat_map(|text| packet(text.as_bytes()));
    conversation.receive(&OFFER.iter().copied().chain(packets).collect::<Vec<u8>>());
    loop {
        match conversation.step().unwrap() {
            Step::Read => break, // the value of a message that is over does not wait for more bytes

            Step::Write(_) => {}
            Step::Event(call) => now(call.into_future()),
            Step::Close => break,
        }
    }
    log.lock().unwrap().trim_end().to_owned()
}

#[test]
fn each_message_has_a_value_of_its_own_also_when_the_one_before_it_was_aborted() {
    for (with_hook, expected) in [
        (true, "M:m1 R:m1 A:m1 drop:m1 M:m2 A:m2 drop:m2 M:m3 A:m3 drop:m3"),
        (false, "M:m1 R:m1 drop:m1 M:m2 drop:m2 M:m3 drop:m3"),
    ] {
        let (log, number) = (Log::default(), Arc::new(AtomicU32::new(0)));
        let values = log.clone();
        let milter = Milter::per_message(move || Value::new("m", &number, &values))
            .on_mail(Value::mail)
            .on_rcpt(Value::rcpt)
            .on_abort(with_hook.then_some(Value::abort));
        // Aborted by ABORT, by HELO, and by another MAIL; all at once.
        let seen = play(milter, &log, &["M<a>\0", "R<b>\0", "A", "M<a>\0", "Hx\0", "M<a>\0", "A"]);
        assert_eq!(seen, expected);
    }
}

#[test]
fn each_smtp_session_has_a_value_of_its_own() {
    for (with_hook, expected) in
        [(true, "C:c1 Q:c1 drop:c1 C:c2 Q:c2 drop:c2 C:c3 Q:c3"), (false, "C:c1 drop:c1 C:c2 drop:c2 C:c3")]
    {
        let (log, number) = (Log::default(), Arc::new(AtomicU32::new(0)));
        let values = log.clone();
        let milter = Milter::per_connection(move || Value::new("c", &number, &values))
            .on_connect(Value::connect)
            .on_quit(with_hook.then_some(Value::quit));
        assert_eq!(play(milter, &log, &["Ch\0U", "K", "Ch\0U", "K", "Ch\0U", "Q"]), expected);
    }
}
