//! One runtime per core: `one-runtime-per-core ADDRESS:PORT`.
//!
//! Connections stay on the thread that accepted them, and no work is stolen between threads: that costs less than a runtime
//! with many threads, and balances less well. docs/performance.md of the repository says when it is worth it.

use milter_tokio::{Application, Context, Mail, Milter, Server, SmtpReply, Verdict};
use std::io;
use std::net::TcpListener;
use std::thread;
use tokio::runtime::{Builder, Runtime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: one-runtime-per-core ADDRESS:PORT")?;
    let cores = thread::available_parallelism()?.get();
    Ok(serve(servers(TcpListener::bind(address)?, milter, cores)?)?)
}

fn milter() -> impl Application {
    Milter::per_message(|| ()).on_mail(async |_: &mut (), mail: Mail<'_>, _: &mut Context| {
        match mail.address().ends_with(b"@spam.example") {
            true => SmtpReply::reject("no mail from there").into(),
            false => Verdict::Continue,
        }
    })
}

/// A server for each core, on the same socket: whichever is free takes the next connection.
///
/// The socket is closed when the last of them stops listening, so nobody else may hold it.
fn servers<M: Application>(
    listener: TcpListener,
    milter: impl Fn() -> M,
    cores: usize,
) -> io::Result<Vec<Server<M>>> {
    (0..cores).map(|_| Server::new(milter()).listen_on(listener.try_clone()?)).collect()
}

/// Serves until SIGTERM or SIGINT, which each of the servers hears, and until all of them have ended.
fn serve<M: Application>(servers: Vec<Server<M>>) -> io::Result<()> {
    // All of them, before one serves: nobody notices if a runtime is missing later.
    let runtimes: Vec<Runtime> = servers
        .iter()
        .map(|_| Builder::new_current_thread().enable_all().build())
        .collect::<io::Result<_>>()?;
    thread::scope(|scope| {
        let run =
            |(runtime, server): (Runtime, Server<M>)| scope.spawn(move || runtime.block_on(server.run()));
        let threads: Vec<_> = runtimes.into_iter().zip(servers).map(run).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("hooks that panic are caught"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use milter_tokio::{Arguments, BodyVerdict, BoxError, Client, Command, Handle, Options, Timeouts};

    #[test]
    fn each_server_serves_and_finishes_its_messages() {
        for serving in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("bound");
            let servers = servers(listener, milter, 2).expect("two servers");
            let handles: Vec<_> = servers.iter().map(Server::handle).collect();
            // With the other one gone, only this one can take the connection.
            handles[1 - serving].drain();
            thread::scope(|scope| {
                let served = scope.spawn(|| serve(servers));
                let asked =
                    Builder::new_current_thread().enable_all().build().map_err(BoxError::from).and_then(
                        |runtime| runtime.block_on(finish_message(&address.to_string(), &handles[serving])),
                    );
                // Whatever came of it: else nothing would end.
                handles.iter().for_each(Handle::stop);
                served.join().expect("no panic").expect("ended well");
                assert_eq!(asked.expect("served"), Some(BodyVerdict::Continue));
            });
            assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
        }
    }

    /// The answer to a message that the server has begun when it is to end.
    async fn finish_message<M: Application>(
        address: &str,
        server: &Handle<M>,
    ) -> Result<Option<BodyVerdict>, BoxError> {
        let mut mta = Client::connect(&address.parse()?, Options::CURRENT, Timeouts::default()).await?;
        let mail = Mail::new("<a@b.example>".try_into()?, Arguments::default())?;
        mta.send(&Command::Mail(mail)).await?;
        server.drain();
        Ok(mta.end_of_message(|_| {}).await?.map(|answer| answer.verdict))
    }
}
