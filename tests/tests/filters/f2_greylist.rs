//! Greylisting: an async database call at RCPT, shared state.
use milter_proto::*;
use std::{collections::HashMap, io, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::Mutex;

#[derive(Default)]
struct Database(Mutex<HashMap<(IpAddr, String, String), u32>>);
impl Database {
    /// Borrowed arguments on purpose: commands may be passed on across an await.
    async fn seen(&self, ip: IpAddr, sender: &str, recipient: Text<'_>) -> Result<u32, io::Error> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut db = self.0.lock().await;
        let recipient = recipient.to_str().map_err(io::Error::other)?.to_owned();
        let n = db.entry((ip, sender.to_owned(), recipient)).or_default();
        *n += 1;
        Ok(*n)
    }
}
struct Greylist {
    db: Arc<Database>,
    ip: Option<IpAddr>,
    sender: String,
}
impl Greylist {
    async fn connect(&mut self, connect: Connect<'_>, _: &mut Context) {
        self.ip = connect.ip();
    }
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) {
        self.sender = mail.sender().to_string();
    }
    /// Fails open: without an answer of the database nobody is greylisted. An `Err` would fail the recipient.
    async fn rcpt(&mut self, rcpt: Rcpt<'_>, _: &mut Context) -> Verdict {
        let Some(ip) = self.ip else { return Verdict::Continue };
        match self.db.seen(ip, &self.sender, rcpt.recipient()).await {
            Ok(1) => {
                SmtpReply::temp_fail(format_args!("greylisted {}, come back later", rcpt.recipient())).into()
            }
            Ok(_) | Err(_) => Verdict::Continue,
        }
    }
}
fn milter(db: Arc<Database>) -> impl Application {
    Milter::per_connection(move || Greylist { db: db.clone(), ip: None, sender: String::new() })
        .on_connect(Greylist::connect)
        .on_mail(Greylist::mail)
        .on_rcpt(Greylist::rcpt)
}

mod tests {
    use super::*;
    use milter_proto::testing::Script;

    #[tokio::test]
    async fn the_second_try_passes() {
        let milter = Arc::new(milter(Arc::default()));
        let script =
            || Script::new().connect("192.0.2.1").helo("x").mail("<a@b>").rcpt("<c@d>").rcpt("<e@f>");
        let greylisted = |to: &str| format!("y 451 4.7.1 greylisted {to}, come back later");
        let first = script().mail("<other@b>").rcpt("<c@d>").rcpt("<c@d>").play(milter.clone()).await;
        let (c, e) = (greylisted("<c@d>"), greylisted("<e@f>"));
        assert_eq!(first.to_string(), format!("O, {c}, {e}, {c}, c"));
        assert_eq!(script().play(milter.clone()).await.to_string(), "O, c, c");
        let elsewhere = Script::new().connect("2001:db8::1").mail("<a@b>").rcpt("<c@d>").play(milter).await;
        assert_eq!(elsewhere.to_string(), format!("O, {c}"));
    }

    #[tokio::test]
    async fn what_the_database_does_not_know_passes() {
        let strange = Script::new().connect("192.0.2.1").mail("<a@b>").rcpt(b"<\xff>").rcpt("<c@d>").abort();
        assert_eq!(strange.play(milter(Arc::default())).await.letters(), "Ocy");
        let unknown = Script::new().connect("unknown").mail("<a@b>").rcpt("<c@d>");
        assert_eq!(unknown.play(milter(Arc::default())).await.letters(), "Oc");
    }
}
