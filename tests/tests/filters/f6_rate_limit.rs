//! Rate limit: what is known of the client lives as long as its connection, the count as long as the message.
use milter_proto::*;
use std::{collections::HashMap, net::IpAddr, sync::Arc, sync::Mutex};

#[derive(Default)]
struct Limiter(Mutex<HashMap<IpAddr, u32>>);
impl Limiter {
    fn count(&self, ip: IpAddr) -> u32 {
        // A std guard is fine as long as no await follows while it lives; else: "future cannot be sent between threads safely".
        let mut counts = self.0.lock().unwrap();
        let n = counts.entry(ip).or_default();
        *n += 1;
        *n
    }
}
struct Client {
    limiter: Arc<Limiter>,
    ip: Option<IpAddr>,
    messages: u32,
}
impl Client {
    async fn connect(&mut self, connect: Connect<'_>, _: &mut Context) {
        self.ip = connect.ip();
    }
    fn message(&mut self) -> Message {
        self.messages += 1;
        Message { limiter: self.limiter.clone(), ip: self.ip, recipients: 0, number: self.messages }
    }
}
struct Message {
    limiter: Arc<Limiter>,
    ip: Option<IpAddr>,
    recipients: u32,
    number: u32,
}
impl Message {
    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
        self.recipients += 1;
        let too_many =
            self.recipients > 2 || self.number > 4 || self.ip.is_some_and(|ip| self.limiter.count(ip) > 9);
        if too_many { SmtpReply::temp_fail("too many recipients").into() } else { Verdict::Continue }
    }
}
fn milter(limiter: Arc<Limiter>) -> impl Application {
    Milter::per_connection(move || Client { limiter: limiter.clone(), ip: None, messages: 0 })
        .on_connect(Client::connect)
        .message(Client::message)
        .on_rcpt(Message::rcpt)
}

mod tests {
    use super::*;
    use milter_proto::testing::{Script, now};

    fn recipients(script: Script, count: usize) -> Script {
        (0..count).fold(script.mail("<a>"), |script, _| script.rcpt("<b>"))
    }

    #[test]
    fn the_count_restarts_with_each_message() {
        let script = recipients(Script::new().connect("192.0.2.1"), 3).end_of_message();
        let script = recipients(recipients(script, 2).abort(), 1).end_of_message();
        let outcome = now(script.play(milter(Arc::default())));
        // The recipients; the end of the message has no hook, and is answered all the same.
        assert_eq!(outcome.to_string(), "O, c, c, y 451 4.7.1 too many recipients, c, c, c, c, c");
    }

    #[test]
    fn messages_are_counted_by_connection() {
        let five = |script| (0..5).fold(script, |script, _| recipients(script, 1).abort());
        let outcome = now(five(five(Script::new()).quit_new_connection()).play(milter(Arc::default())));
        assert_eq!(outcome.letters(), "Occccyccccy");
    }

    #[test]
    fn clients_are_counted_by_address() {
        let milter = Arc::new(milter(Arc::default()));
        let three = |ip| (0..3).fold(Script::new().connect(ip), |script, _| recipients(script, 2).abort());
        assert_eq!(now(three("192.0.2.1").play(milter.clone())).letters(), "Occcccc");
        assert_eq!(now(three("192.0.2.1").play(milter.clone())).letters(), "Occcyyy");
        assert_eq!(now(three("2001:db8::1").play(milter.clone())).letters(), "Occcccc");
        assert_eq!(now(three("IPv6:2001:db8::1").play(milter)).letters(), "Occcyyy");
    }
}
