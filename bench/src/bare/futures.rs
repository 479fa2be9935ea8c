//! On smol and async-std, which share their traits.

use super::{Connection, READ, Stages};
use milter_tokio::StdListener;
use smol::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

pub(super) fn smol(listener: StdListener, stages: Stages) -> io::Result<()> {
    smol::block_on(async {
        match listener {
            StdListener::Tcp(listener) => {
                let listener = smol::net::TcpListener::try_from(listener)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    smol::spawn(serve(stream, stages)).detach();
                }
            }
            StdListener::Unix(listener) => {
                let listener = smol::net::unix::UnixListener::try_from(listener)?;
                loop {
                    smol::spawn(serve(listener.accept().await?.0, stages)).detach();
                }
            }
        }
    })
}

pub(super) fn async_std(listener: StdListener, stages: Stages) -> io::Result<()> {
    async_std::task::block_on(async {
        match listener {
            StdListener::Tcp(listener) => {
                let listener = async_std::net::TcpListener::from(listener);
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    async_std::task::spawn(serve(stream, stages));
                }
            }
            StdListener::Unix(listener) => {
                let listener = async_std::os::unix::net::UnixListener::from(listener);
                loop {
                    async_std::task::spawn(serve(listener.accept().await?.0, stages));
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
                let octets = ready!(Pin::new(&mut stream).poll_read(cx, buffer))?;
                Poll::Ready(io::Result::Ok(connection.answer(&buffer[..octets], &mut answers)))
            })
        });
        let flow = read.await?;
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            answers.clear();
        }
        if flow.is_break() {
            return Ok(());
        }
    }
}
