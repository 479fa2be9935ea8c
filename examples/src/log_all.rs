//! Logs everything that an MTA tells a filter, and changes nothing.

mod record;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use milter_proto::{
    Abort, Application, BodyChunk, Connect, Context, Data, EndOfHeaders, EndOfMessage, Header, Helo, Mail,
    Milter, Peer, Quit, Rcpt, Unknown, Verdict,
};
use record::{Record, Value};

/// The filter. It hears of recipients too that the MTA itself rejected.
pub fn milter(log: Log) -> impl Application {
    let log = Arc::new(log);
    Milter::per_connection(move || Logger { log: Arc::clone(&log) })
        .rejected_recipients()
        .on_connect(Logger::connect)
        .on_helo(Logger::helo)
        .on_mail(Logger::mail)
        .on_rcpt(Logger::rcpt)
        .on_data(Logger::data)
        .on_header(Logger::header)
        .on_end_of_headers(Logger::end_of_headers)
        .on_body(Logger::body)
        .on_end_of_message(Logger::end_of_message)
        .on_abort(Logger::abort)
        .on_quit(Logger::quit)
        .on_unknown(Logger::unknown)
}

/// How an event is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Where events are written to, a line each.
pub struct Log {
    format: Format,
    output: Mutex<Box<dyn Write + Send>>,
    broken: AtomicBool,
}

impl Log {
    /// A log on stdout.
    pub fn stdout(format: Format) -> Self {
        Self::new(format, io::stdout())
    }

    /// A log on anything.
    pub fn new(format: Format, output: impl Write + Send + 'static) -> Self {
        Self { format, output: Mutex::new(Box::new(output)), broken: AtomicBool::new(false) }
    }

    /// Writes a line, whole and at once. A log that cannot be written stops no mail.
    fn write(&self, record: &Record<'_>) {
        let line = match self.format {
            Format::Text => record.to_text(),
            Format::Json => record.to_json(),
        };
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let written = output.write_all(&line).and_then(|()| output.flush());
        let was_broken = self.broken.swap(written.is_err(), Ordering::Relaxed);
        match written {
            Err(error) if !was_broken => tracing::error!("events are lost: cannot write the log: {error}"),
            _ => {}
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("format", &self.format).finish_non_exhaustive()
    }
}

struct Logger {
    log: Arc<Log>,
}

// The command's fields have the order in which they stand here.
impl Logger {
    async fn connect(&mut self, connect: Connect<'_>, cx: &mut Context) {
        let peer = connect.peer();
        let (family, port) = match peer {
            Peer::Unknown => ("unknown", None),
            Peer::Ipv4 { port, .. } => ("inet", Some(port)),
            Peer::Ipv6 { port, .. } => ("inet6", Some(port)),
            Peer::Local { .. } => ("unix", None),
        };
        let address = (peer != Peer::Unknown).then(|| ("address", Value::Octets(peer.text().as_bytes())));
        let port = port.map(|port| ("port", Value::Number(port.into())));
        let fields = [
            Some(("hostname", Value::Octets(connect.hostname().as_bytes()))),
            Some(("family", Value::Octets(family.as_bytes()))),
            address,
            port,
        ];
        self.log(cx, "connect", fields.into_iter().flatten());
    }

    async fn helo(&mut self, helo: Helo<'_>, cx: &mut Context) {
        self.log(cx, "helo", [("name", Value::Octets(helo.name().as_bytes()))]);
    }

    async fn mail(&mut self, mail: Mail<'_>, cx: &mut Context) {
        let sender = Value::Octets(mail.sender().as_bytes());
        self.log(cx, "mail", [("sender", sender), ("arguments", Value::Arguments(mail.arguments()))]);
    }

    async fn rcpt(&mut self, rcpt: Rcpt<'_>, cx: &mut Context) {
        let recipient = Value::Octets(rcpt.recipient().as_bytes());
        self.log(cx, "rcpt", [("recipient", recipient), ("arguments", Value::Arguments(rcpt.arguments()))]);
    }

    async fn data(&mut self, _: Data, cx: &mut Context) {
        self.log(cx, "data", []);
    }

    async fn header(&mut self, header: Header<'_>, cx: &mut Context) {
        let name = Value::Octets(header.name().as_bytes());
        self.log(cx, "header", [("name", name), ("value", Value::Octets(header.value().as_bytes()))]);
    }

    async fn end_of_headers(&mut self, _: EndOfHeaders, cx: &mut Context) {
        self.log(cx, "end_of_headers", []);
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, cx: &mut Context) {
        let octets = chunk.as_bytes();
        self.log(cx, "body", [("bytes", Value::Number(octets.len())), ("data", Value::Octets(octets))]);
    }

    async fn end_of_message(&mut self, _: EndOfMessage, cx: &mut Context) -> Verdict {
        self.log(cx, "end_of_message", []);
        Verdict::Continue
    }

    async fn abort(&mut self, _: Abort, cx: &mut Context) {
        self.log(cx, "abort", []);
    }

    async fn quit(&mut self, _: Quit, cx: &mut Context) {
        self.log(cx, "quit", []);
    }

    async fn unknown(&mut self, unknown: Unknown<'_>, cx: &mut Context) {
        self.log(cx, "unknown", [("line", Value::Octets(unknown.line().as_bytes()))]);
    }

    fn log<'a>(
        &self,
        cx: &'a Context,
        event: &'static str,
        fields: impl IntoIterator<Item = (&'static str, Value<'a>)>,
    ) {
        self.log.write(&Record::new(cx, event, fields));
    }
}

#[cfg(test)]
mod tests {
    use milter_proto::CommandKind;
    use milter_proto::testing::{Script, now};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format) -> Vec<String> {
        let script = Script::new()
            .macros(CommandKind::Connect, &[("j", "mta"), ("{daemon_name}", "smtpd")])
            .connect("192.0.2.1")
            .helo("client")
            .mail_with("<a@b>", &["SIZE=10", "BODY=8BITMIME"])
            .macros(CommandKind::Rcpt, &[("{rcpt_mailer}", "error")])
            .rcpt("<c@d>")
            .data()
            .header("Subject", "two\n\tlines \"and\" \\ é")
            .header("X", b"\xff\x1b")
            .end_of_headers()
            .body(b"a\r\nb")
            .end_of_message()
            .unknown("FOO bar")
            .mail("")
            .abort()
            .packet(b'K', b"")
            .packet(b'C', b"localhost\0U")
            .quit();
        let shared = Shared::default();
        let outcome = now(script.play(milter(Log::new(format, shared.clone()))));
        assert_eq!(outcome.to_string(), "O, c");
        let octets = shared.0.lock().unwrap().clone();
        String::from_utf8(octets).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn json_has_every_event_with_all_its_data() {
        let first = r#""connection":1,"message":1,"macros":{"j":"mta","{daemon_name}":"smtpd"}"#;
        let expected = [
            r#"{"event":"connect","connection":1,"message":0,"macros":{"j":"mta","{daemon_name}":"smtpd"},"hostname":"client.example","family":"inet","address":"192.0.2.1","port":25000}"#,
            r#"{"event":"helo","connection":1,"message":0,"macros":{"j":"mta","{daemon_name}":"smtpd"},"name":"client"}"#,
            r#"{"event":"mail",FIRST,"sender":"<a@b>","arguments":["SIZE=10","BODY=8BITMIME"]}"#,
            r#"{"event":"rcpt",RCPT,"recipient":"<c@d>","arguments":[]}"#,
            r#"{"event":"data",RCPT}"#,
            r#"{"event":"header",RCPT,"name":"Subject","value":"two\n\tlines \"and\" \\ é"}"#,
            r#"{"event":"header",RCPT,"name":"X","value":{"base64":"/xs="}}"#,
            r#"{"event":"end_of_headers",RCPT}"#,
            r#"{"event":"body",RCPT,"bytes":4,"data":"a\r\nb"}"#,
            r#"{"event":"end_of_message",RCPT}"#,
            r#"{"event":"unknown",FIRST,"line":"FOO bar"}"#,
            r#"{"event":"mail",SECOND,"sender":"","arguments":[]}"#,
            r#"{"event":"abort",SECOND}"#,
            r#"{"event":"quit",SECOND}"#,
            r#"{"event":"connect","connection":1,"message":2,"macros":{},"hostname":"localhost","family":"unknown"}"#,
            r#"{"event":"quit","connection":1,"message":2,"macros":{}}"#,
        ];
        let second = first.replace(r#""message":1"#, r#""message":2"#);
        let with_rcpt = first.replace(r#"{"j""#, r#"{"{rcpt_mailer}":"error","j""#);
        let expected = expected
            .map(|line| line.replace("FIRST", first).replace("SECOND", &second).replace("RCPT", &with_rcpt));
        assert_eq!(logged(Format::Json), expected);
    }

    #[test]
    fn text_has_a_readable_line_for_every_event() {
        let lines = logged(Format::Text);
        let macros = r#"macros={{rcpt_mailer}="error" j="mta" {daemon_name}="smtpd"}"#;
        assert_eq!(lines.len(), 16);
        assert_eq!(
            lines[0],
            r#"connection 1: connect hostname="client.example" family="inet" address="192.0.2.1" port=25000 macros={j="mta" {daemon_name}="smtpd"}"#
        );
        assert_eq!(
            lines[5..10],
            [
                format!(
                    r#"connection 1 message 1: header name="Subject" value="two\n\tlines \"and\" \\ é" {macros}"#
                ),
                format!(r#"connection 1 message 1: header name="X" value="\xff\u{{1b}}" {macros}"#),
                format!(r#"connection 1 message 1: end_of_headers {macros}"#),
                format!(r#"connection 1 message 1: body bytes=4 data="a\r\nb" {macros}"#),
                format!(r#"connection 1 message 1: end_of_message {macros}"#),
            ]
        );
        assert_eq!(lines[15], "connection 1 message 2: quit");
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_no_mail() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let script = Script::new().mail("<a@b>").rcpt("<c@d>").end_of_message();
        let outcome = now(script.play(milter(Log::new(Format::Json, Broken))));
        assert_eq!(outcome.to_string(), "O, c");
    }
}
