//! What an operator reads of hooks that fail: at once, and with the message that it was.

use milter_tokio::{Context, EndOfMessage, Mail, Milter, ModificationError, Verdict, converse};
use std::io::Write;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let log = self.0.lock().expect("not poisoned");
        String::from_utf8_lossy(&log).lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Plays packets to a filter and gives what it answered and logged. The stream stays open: nothing waits for its end.
async fn play(milter: impl milter_tokio::Application, packets: &[&[u8]]) -> (Vec<u8>, Vec<String>) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (mut mta, filter) = tokio::io::duplex(1 << 16);
    mta.write_all(b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff").await.expect("room");
    for packet in packets {
        mta.write_all(packet).await.expect("room");
    }
    let mut serving = pin!(converse(filter, milter, 7));
    // Everything is there: it is done when it has to wait for more.
    let _ = std::future::poll_fn(|cx| std::task::Poll::Ready(serving.as_mut().poll(cx))).await;
    let mut answers = vec![0; 1 << 16];
    let count = mta.read(&mut answers).await.expect("answers");
    answers.truncate(count);
    (answers.split_off(17), log.lines())
}

const MAIL: &[u8] = b"\0\0\0\x05M<a>\0";
const QUEUE_ID: &[u8] = b"\0\0\0\x09DEi\x004XyZ\0";
const END: &[u8] = b"\0\0\0\x01E";

#[tokio::test(flavor = "current_thread")]
async fn a_failure_is_logged_at_once_with_its_message() {
    let end = async |_: &mut (), _: EndOfMessage, cx: &mut Context| -> Result<Verdict, ModificationError> {
        cx.add_header("X-Undeclared", "1")?;
        Ok(Verdict::Continue)
    };
    let milter = Milter::per_message(|| ()).on_end_of_message(end);
    let (answers, log) = play(milter, &[QUEUE_ID, END]).await;
    assert_eq!(answers, b"\0\0\0\x01t");
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].contains("the hook for end_of_message failed: "), "{log:?}");
    assert!(log[0].contains("declare it by `.actions(…)`"), "{log:?}");
    assert!(log[0].ends_with(r#"connection=7 message_number=1 queue_id="4XyZ""#), "{log:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_panic_in_a_silent_hook_still_fails_its_message() {
    let mail = async |_: &mut (), mail: Mail<'_>, _: &mut Context| {
        assert!(mail.sender().is_empty(), "a bug in the filter");
    };
    let milter = Milter::per_message(|| ()).on_mail(mail);
    let (answers, log) = play(milter, &[MAIL, QUEUE_ID, END]).await;
    assert_eq!(answers, b"\0\0\0\x01t");
    assert!(log[0].contains("the hook for mail did not finish"), "{log:?}");
}
