//! What a hook logs stands at the level `debug` under the connection, the message with its queue id, and the stage.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use milter_proto::{CommandKind, Connect, Context, EndOfMessage, Mail, Milter, Verdict};
use milter_tests::{RawMta, packet, sample, serve};
use tracing::Level;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines of hooks.
    fn spoken(&self) -> Vec<String> {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::str::from_utf8(&octets).unwrap().lines();
        lines.filter(|line| line.ends_with("spoken")).map(str::to_owned).collect()
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
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(move || writer.clone())
        .with_target(false)
        .with_ansi(false)
        .without_time();
    // Of this process, which has no other test: the server has threads of its own.
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
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
        log.spoken(),
        [
            r#" INFO connection{id=1}:hook{stage="connect"}: spoken"#,
            r#" INFO connection{id=1}:message{number=1}:hook{stage="mail"}: spoken"#,
            r#" INFO connection{id=1}:message{number=1 queue_id="A\u{1b}[1mB"}:hook{stage="end_of_message"}: spoken"#,
        ]
    );
}
