//! The filter under attack: it tells what it has seen of a message, and misbehaves when the sender's address says so.

mod hostile_values;

pub(crate) use hostile_values::HOSTILE_VALUES;

use hostile_values::refused;
use milter_proto::{
    Actions, Application, BodyChunk, BoxError, Context, Deadlines, EndOfHeaders, EndOfMessage, Header, Helo,
    Mail, Milter, Rcpt, Verdict,
};
use milter_server::{Runtime, Server};
use milter_tests::Adapter;
use std::future::{Future, pending, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// How much a filter replaces that has much to say.
pub(crate) const LARGE_BODY: usize = 3 << 20;
/// How many headers it adds.
pub(crate) const LARGE_HEADERS: usize = 2000;

static LARGE: [u8; LARGE_BODY] = [b'x'; LARGE_BODY];

/// What is set at the filter under attack.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen
    spec: String,
    /// What to run on
    #[arg(long, value_parser = crate::command::adapter)]
    runtime: Adapter,
    /// The limit of connections
    #[arg(long)]
    max_connections: Option<usize>,
    /// How many milliseconds messages may take at the end
    #[arg(long)]
    drain_timeout: Option<u64>,
    /// How many milliseconds to wait for the first packet
    #[arg(long)]
    first_packet: Option<u64>,
    /// How many milliseconds to wait for the rest of a packet
    #[arg(long)]
    packet: Option<u64>,
    /// How many milliseconds to wait between packets
    #[arg(long)]
    idle: Option<u64>,
    /// How many milliseconds to wait for a hook
    #[arg(long)]
    hook: Option<u64>,
}

/// Serves the filter until a signal ends it.
pub(crate) fn run(options: &Options) -> Result<(), BoxError> {
    match options.runtime {
        Adapter::Tokio => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let served = runtime.block_on(serve::<milter_tokio::Tokio>(options));
            runtime.shutdown_background();
            served
        }
        Adapter::AsyncStd => async_std::task::block_on(serve::<milter_async_std::AsyncStd>(options)),
        Adapter::Smol => smol::block_on(serve::<milter_smol::Smol>(options)),
    }
}

async fn serve<R: Runtime>(options: &Options) -> Result<(), BoxError> {
    let mut server = Server::<_, R>::new(filter::<R>()).deadlines(deadlines(options));
    if let Some(connections) = options.max_connections {
        server = server.max_connections(connections);
    }
    if let Some(timeout) = options.drain_timeout {
        server = server.drain_timeout(Duration::from_millis(timeout));
    }
    let server = server.listen(&options.spec)?;
    let endpoints = server.endpoints()?;
    let mut serving = pin!(server.run());
    // The server first: whoever reads that we listen may send a signal at once.
    if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(serving.as_mut().poll(cx))).await {
        return Ok(ended?);
    }
    for endpoint in endpoints {
        println!("listening on {endpoint}");
    }
    Ok(serving.await?)
}

fn deadlines(options: &Options) -> Deadlines {
    let mut deadlines = Deadlines::default();
    let milliseconds = |set: Option<u64>, default| set.map(Duration::from_millis).or(default);
    deadlines.first_packet = milliseconds(options.first_packet, deadlines.first_packet);
    deadlines.packet = milliseconds(options.packet, deadlines.packet);
    deadlines.idle = milliseconds(options.idle, deadlines.idle);
    deadlines.hook = milliseconds(options.hook, deadlines.hook);
    deadlines.end_of_message = milliseconds(options.hook, deadlines.end_of_message);
    deadlines
}

fn filter<R: Runtime>() -> impl Application {
    let all = Actions::ADD_HEADERS
        | Actions::CHANGE_HEADERS
        | Actions::CHANGE_BODY
        | Actions::ADD_RECIPIENTS
        | Actions::CHANGE_SENDER
        | Actions::QUARANTINE;
    Milter::per_connection(Peer::default)
        .actions_if_offered(all)
        .on_connect(async |_: &mut Peer, _: milter_proto::Connect<'_>, _: &mut Context| Verdict::Continue)
        .on_helo(Peer::helo)
        .message(Peer::message::<R>)
        .on_mail(Message::mail)
        .on_rcpt(Message::rcpt)
        .on_header(Message::header)
        .on_end_of_headers(async |_: &mut Message<R>, _: EndOfHeaders, _: &mut Context| {})
        .on_body(Message::body)
        .on_end_of_message(Message::end)
}

#[derive(Default)]
struct Peer {
    helo: String,
    messages: u64,
}

impl Peer {
    async fn helo(&mut self, helo: Helo<'_>, _: &mut Context) -> Verdict {
        self.helo = helo.name().to_string_lossy().into_owned();
        Verdict::Continue
    }

    fn message<R>(&mut self) -> Message<R> {
        self.messages += 1;
        Message {
            helo: self.helo.clone(),
            number: self.messages,
            sender: String::new(),
            recipients: 0,
            headers: 0,
            octets: 0,
            runtime: PhantomData,
        }
    }
}

struct Message<R> {
    helo: String,
    number: u64,
    sender: String,
    recipients: u64,
    headers: u64,
    octets: u64,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Message<R> {
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Verdict {
        self.sender = mail.sender().to_string_lossy().into_owned();
        match &*self.sender {
            "<panic@mail>" => panic!("as the sender says"),
            "<hang@mail>" => pending().await,
            _ => Verdict::Continue,
        }
    }

    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
        self.recipients += 1;
        Verdict::Continue
    }

    async fn header(&mut self, _: Header<'_>, _: &mut Context) {
        self.headers += 1;
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        self.octets += chunk.len() as u64;
    }

    async fn end(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, BoxError> {
        match &*self.sender {
            "<panic@end>" => panic!("as the sender says"),
            "<hang@end>" => pending().await,
            "<slow@end>" => R::sleep(Duration::from_secs(2)).await,
            "<pause@end>" => R::sleep(Duration::from_millis(300)).await,
            "<much@end>" => {
                for number in 0..LARGE_HEADERS {
                    cx.add_header("X-Much", format!("{number:032}"))?;
                }
                cx.replace_body(&LARGE[..])?;
                return Ok(Verdict::Continue);
            }
            "<values@end>" => {
                let refused = refused(cx);
                cx.add_header("X-Refused", refused)?;
                return Ok(Verdict::Continue);
            }
            _ => {}
        }
        let queue_id = cx.macros.queue_id().map(|id| id.to_string_lossy().into_owned()).unwrap_or_default();
        let Self { helo, number, sender, recipients, headers, octets, .. } = self;
        cx.add_header(
            "X-Seen",
            format!(
                "helo={helo} sender={sender} recipients={recipients} headers={headers} octets={octets} queue={queue_id} message={number}"
            ),
        )?;
        Ok(Verdict::Continue)
    }
}
