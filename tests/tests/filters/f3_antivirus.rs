//! Antivirus: streams chunks to another task over a channel and, as a variant, straight to a clamd-like socket.
use bytes::Bytes;
use milter_proto::*;
use std::{io, net::SocketAddr, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::{net::TcpStream, sync::mpsc, sync::oneshot};

#[derive(Default)]
struct ViaTask {
    scan: Option<(mpsc::Sender<Bytes>, oneshot::Receiver<bool>)>,
}
impl ViaTask {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {
        let (send, mut chunks) = mpsc::channel::<Bytes>(4);
        let (answer, infected) = oneshot::channel();
        tokio::spawn(async move {
            let mut found = false;
            while let Some(chunk) = chunks.recv().await {
                found |= chunk.windows(5).any(|window| window == b"EICAR");
            }
            tokio::time::sleep(Duration::from_millis(50)).await; // the slow verdict
            let _ = answer.send(found);
        });
        self.scan = Some((send, infected)); // an aborted message drops it: the task ends by itself
    }
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> Result<(), BoxError> {
        let (send, _) = self.scan.as_ref().ok_or("no scan")?;
        // Without the copy: E0521 borrowed data escapes outside of method.
        send.send(Bytes::copy_from_slice(&chunk)).await?;
        Ok(())
    }
    async fn end_of_message(&mut self, _: EndOfMessage, _: &mut Context) -> Result<Verdict, BoxError> {
        let (send, infected) = self.scan.take().ok_or("no scan")?;
        drop(send);
        Ok(if infected.await? { SmtpReply::reject("virus found").into() } else { Verdict::Continue })
    }
}
fn via_task() -> impl Application {
    Milter::per_message(ViaTask::default)
        .on_mail(ViaTask::mail)
        .on_body(ViaTask::body)
        .on_end_of_message(ViaTask::end_of_message)
}

struct ViaSocket {
    clamd: SocketAddr,
    stream: Option<TcpStream>,
}
impl ViaSocket {
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(TcpStream::connect(self.clamd).await?),
        };
        stream.write_u32(chunk.len() as u32).await?;
        stream.write_all(&chunk).await // no copy: the MTA waits in its send buffer while we write
    }
    async fn end_of_message(&mut self, _: EndOfMessage, _: &mut Context) -> io::Result<Verdict> {
        let Some(mut stream) = self.stream.take() else { return Ok(Verdict::Continue) };
        stream.write_u32(0).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(if answer.contains("FOUND") { Verdict::Reject } else { Verdict::Continue })
    }
}
fn via_socket(clamd: SocketAddr) -> impl Application {
    // Per message: an abort drops the stream, so half a message is never scanned with the next one.
    Milter::per_message(move || ViaSocket { clamd, stream: None })
        .on_body(ViaSocket::body)
        .on_end_of_message(ViaSocket::end_of_message)
}

mod tests {
    use super::*;
    use milter_proto::testing::Script;
    use tokio::net::TcpListener;

    fn message(script: Script, body: &[u8]) -> Script {
        script.mail("<a@b>").rcpt("<c@d>").body(body).end_of_message()
    }

    /// A scanner, and how many connections it has had.
    async fn clamd() -> (SocketAddr, mpsc::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (report, lengths) = mpsc::channel(10);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut all = vec![];
                while let Ok(length @ 1..) = stream.read_u32().await {
                    let mut chunk = vec![0; length as usize];
                    stream.read_exact(&mut chunk).await.unwrap();
                    all.extend(chunk);
                }
                let infected = all.windows(5).any(|window| window == b"EICAR");
                let _ = stream.write_all(if infected { b"FOUND" } else { b"OK" }).await;
                report.send(all.len()).await.unwrap();
            }
        });
        (address, lengths)
    }

    #[tokio::test]
    async fn scans_in_a_task() {
        let script = message(Script::new().connect("192.0.2.1"), b"..EICAR..");
        let script = message(script, &[b'x'; 200_000]).mail("<a@b>").body("EICAR").abort();
        let outcome = message(script, b"").play(via_task()).await;
        assert_eq!(outcome.to_string(), "O, y 550 5.7.1 virus found, c, c");
    }

    #[tokio::test]
    async fn scans_over_a_socket() {
        let (address, mut lengths) = clamd().await;
        let script = message(message(Script::new(), b"..EICAR.."), b"fine").mail("<a@b>").body("EI").abort();
        let outcome = message(script, &[b'x'; 70_000]).play(via_socket(address)).await;
        assert_eq!(outcome.to_string(), "O, r, c, c");
        drop(outcome);
        let mut lengths =
            [lengths.recv().await, lengths.recv().await, lengths.recv().await, lengths.recv().await];
        lengths.sort_unstable();
        assert_eq!(lengths, [Some(2), Some(4), Some(9), Some(70_000)], "each message has its own stream");
    }

    #[tokio::test]
    async fn without_a_scanner_mail_is_put_off() {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // nobody listens there
        let script = message(message(Script::new(), b"one"), b"");
        // The silent hook for the body fails: remembered until the end of the message. The next message has no body.
        assert_eq!(script.play(via_socket(address)).await.to_string(), "O, t, c");
    }

    /// What a driver does with a hook that takes too long: it drops the call.
    #[tokio::test]
    async fn a_hook_that_outlives_its_limit_fails_and_closes() {
        let mail = Mail::new("<a>".try_into().unwrap(), Arguments::default()).unwrap();
        let mut commands = vec![];
        for command in
            [Command::Negotiate(Options::CURRENT), Command::Mail(mail), Command::EndOfMessage(None)]
        {
            command.encode(&mut commands);
        }
        let mut conversation = Conversation::new(via_task(), 1);
        conversation.receive(&commands);
        let mut written = vec![];
        loop {
            match conversation.step().unwrap() {
                Step::Read => panic!("it closes by itself"),
                Step::Write(bytes) => written.extend_from_slice(bytes),
                Step::Event(call) => {
                    let progress = call.takes_progress();
                    let finished = tokio::time::timeout(Duration::from_millis(5), call).await.is_ok();
                    assert_eq!(finished, !progress);
                }
                Step::Close => break,
            }
        }
        assert!(written.ends_with(b"\0\0\0\x01t"));
        let failure = conversation.take_failure().unwrap();
        assert!(failure.stage == CommandKind::EndOfMessage && failure.error.is_none(), "{failure}");
    }
}
