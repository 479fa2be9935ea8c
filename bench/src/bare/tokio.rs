//! On tokio.

use super::{Connection, READ, Stages};
use milter_tokio::StdListener;
use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;

pub(super) fn run(mut builder: Builder, listener: StdListener, stages: Stages) -> io::Result<()> {
    builder.enable_all().build()?.block_on(async {
        match listener {
            StdListener::Tcp(listener) => {
                let listener = TcpListener::from_std(listener)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    tokio::spawn(serve(stream, stages));
                }
            }
            StdListener::Unix(listener) => {
                let listener = UnixListener::from_std(listener)?;
                loop {
                    tokio::spawn(serve(listener.accept().await?.0, stages));
                }
            }
        }
    })
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, stages: Stages) -> io::Result<()> {
    let mut connection = Connection::new(stages);
    let mut answers = Vec::new();
    loop {
        let read = poll_fn(|cx| {
            READ.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut stream).poll_read(cx, &mut buffer))?;
                Poll::Ready(io::Result::Ok(connection.answer(buffer.filled(), &mut answers)))
            })
        });
        let flow: ControlFlow<()> = read.await?;
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            answers.clear();
        }
        if flow.is_break() {
            return Ok(());
        }
    }
}
