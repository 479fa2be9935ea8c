//! What is logged of hooks. What one logs itself stands at the level `debug` under the connection, the message with its
//! queue id, and the stage.

use std::future::pending;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use milter_proto::{
    Application, CommandKind, Connect, Context, Deadlines, EndOfMessage, Mail, Milter, Verdict,
};
use milter_tests::{Adapter, RawMta, Served, Settings, packet, poll, sample, serve};
use tracing::Level;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// That of this process: servers have threads of their own.
    fn installed() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(Level::DEBUG)
                .with_writer(move || writer.clone())
                .with_target(false)
                .with_ansi(false)
                .without_time();
            tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
            log
        })
    }

    /// The lines like this, as soon as there are so many.
    #[track_caller]
    fn wait_for(&self, count: usize, like: impl Fn(&str) -> bool) -> Vec<String> {
        let lines =
            poll(Duration::from_secs(20), || Some(self.lines(&like)).filter(|lines| lines.len() == count));
        lines.unwrap_or_else(|| panic!("not {count}: {:?}", self.lines(&like)))
    }

    /// The lines like this.
    fn lines(&self, like: impl Fn(&str) -> bool) -> Vec<String> {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::str::from_utf8(&octets).unwrap().lines();
        lines.filter(|line| like(line)).map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn speak() -> Verdict {
    tracing::info!("spoken");
    Verdict::Continue
}

#[test]
fn line_of_a_hook_names_its_message_and_stage() {
    let log = Log::installed();
    let filter = serve(
        Milter::per_connection(|| ())
            .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| speak())
            .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| speak())
            .on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| speak()),
    );
    let mut mta = RawMta::connect(filter.spec());
    mta.negotiate();
    let mut octets = Vec::new();
    for kind in [CommandKind::Connect, CommandKind::Mail, CommandKind::EndOfMessage] {
        if kind == CommandKind::EndOfMessage {
            // Whoever reaches the socket chooses it.
            octets.extend(packet(b'D', b"Ei\0A\x1b[1mB\0"));
        }
        sample(kind).encode(&mut octets);
        mta.ask(&octets, &packet(b'c', b""));
        octets.clear();
    }
    assert_eq!(
        log.lines(|line| line.ends_with("spoken")),
        [
            r#" INFO connection{id=1}:hook{stage="connect"}: spoken"#,
            r#" INFO connection{id=1}:message{number=1}:hook{stage="mail"}: spoken"#,
            r#" INFO connection{id=1}:message{number=1 queue_id="A\u{1b}[1mB"}:hook{stage="end_of_message"}: spoken"#,
        ]
    );
}

/// Comes to no verdict, each sender in its way.
fn unfinished() -> impl Application {
    Milter::per_connection(|| ()).on_mail(async |_: &mut (), mail: Mail<'_>, _: &mut Context| {
        match &*mail.sender().to_string_lossy() {
            "<panics@b>" => panic!("on purpose"),
            "<fails@b>" => Err("no space"),
            _ => {
                tracing::info!("waiting");
                pending::<Result<Verdict, &str>>().await
            }
        }
    })
}

fn served(deadlines: Deadlines) -> Served {
    let settings = Settings { deadlines, ..Settings::default() };
    Adapter::Tokio.serve_with(unfinished(), &["inet:127.0.0.1:0"], settings)
}

/// An MTA that has sent MAIL.
fn sends_mail(filter: &Served, sender: &str) -> RawMta {
    let mut mta = RawMta::connect(filter.spec());
    mta.negotiate();
    mta.send(&packet(b'M', format!("<{sender}@b>\0").as_bytes()));
    mta
}

#[test]
fn hook_without_a_verdict_is_told_of_with_its_reason() {
    let log = Log::installed();
    let told = |count| {
        let lines = log.wait_for(count, |line| line.starts_with("ERROR"));
        lines[count - 1].split_once(": ").expect("below its connection").1.to_owned()
    };
    let line = |connection, why| {
        format!("the hook for mail{why} connection={connection} message_number=1 queue_id=\"\"")
    };

    let mut deadlines = Deadlines::default();
    deadlines.hook = Some(Duration::from_millis(500));
    let filter = served(deadlines);
    for (number, sender, why) in [
        (1, "panics", " did not finish: it panicked"),
        (2, "fails", " failed: no space"),
        (3, "waits", " did not finish within 0.5 s"),
    ] {
        sends_mail(&filter, sender).expect(&packet(b't', b""));
        assert_eq!(told(number), line(number, why));
    }

    (deadlines.hook, deadlines.peer_gone) = (None, Some(Duration::from_millis(250)));
    let filter = served(deadlines);
    sends_mail(&filter, "waits").end();
    let gone = " did not finish: the MTA had gone, and it took 0.25 s more";
    assert_eq!(told(4), line(1, gone));
    let _mta = sends_mail(&filter, "waits");
    log.wait_for(3, |line| line.ends_with("waiting"));
    filter.stop();
    assert_eq!(told(5), line(2, " did not finish: the server closes"));
}
