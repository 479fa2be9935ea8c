//! A filter for load generators: `bench-filter {noop|work|nr} SPEC [--runtime tokio|tokio1|async-std|smol] [--bare]`.
//!
//! - `noop`: every hook is declared and replies.
//! - `work`: rejects recipients that begin with `<reject@`, counts the body, adds `X-Body-Length`.
//! - `nr`: every hook is declared, and none but the end of the message replies.
//!
//! With `--bare` it is a server without a library, which answers as `noop` or `nr` does.

use clap::{Parser, ValueEnum};
use milter_bench::Runtime;
use milter_bench::bare::{self, Stages};
use milter_bench_codec::{replied, silent};
use milter_tokio::{
    Actions, Application, BodyChunk, BoxError, Connect, Context, Data, EndOfHeaders, EndOfMessage, Endpoint,
    Header, Helo, Mail, Milter, ModificationError, Rcpt, Server, Unknown, Verdict,
};
use std::process::ExitCode;

/// A filter for load generators
#[derive(Debug, Parser)]
struct Arguments {
    /// What it does
    variant: Variant,
    /// Where it listens
    endpoint: Endpoint,
    /// What it runs on
    #[arg(long, default_value = "tokio")]
    runtime: Runtime,
    /// Without a library: lengths and letters are looked at, the answers are canned
    #[arg(long)]
    bare: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Variant {
    /// Every hook is declared and replies
    Noop,
    /// Rejects recipients that begin with `<reject@`, counts the body, adds `X-Body-Length`
    Work,
    /// Every hook is declared, and none but the end of the message replies
    Nr,
}

fn main() -> ExitCode {
    let Arguments { variant, endpoint, runtime, bare } = Arguments::parse();
    let ended = match (variant, bare) {
        (Variant::Noop, false) => run(replied(), &endpoint, runtime),
        (Variant::Work, false) => run(work(), &endpoint, runtime),
        (Variant::Nr, false) => run(silent(), &endpoint, runtime),
        (Variant::Noop, true) => bare::run(&endpoint, runtime, Stages::Replied).map_err(Into::into),
        (Variant::Nr, true) => bare::run(&endpoint, runtime, Stages::Silent).map_err(Into::into),
        (Variant::Work, true) => Err("the bare server does no work".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-filter: {error}");
            ExitCode::FAILURE
        }
    }
}

type Ended = Result<(), BoxError>;

fn run(milter: impl Application, endpoint: &Endpoint, runtime: Runtime) -> Ended {
    let endpoint = endpoint.to_string();
    match runtime {
        Runtime::Tokio => tokio(tokio::runtime::Builder::new_multi_thread(), milter, &endpoint),
        Runtime::Tokio1 => tokio(tokio::runtime::Builder::new_current_thread(), milter, &endpoint),
        Runtime::AsyncStd => {
            Ok(async_std::task::block_on(milter_async_std::Server::new(milter).listen(endpoint)?.run())?)
        }
        Runtime::Smol => Ok(smol::block_on(milter_smol::Server::new(milter).listen(endpoint)?.run())?),
    }
}

fn tokio(mut builder: tokio::runtime::Builder, milter: impl Application, endpoint: &str) -> Ended {
    let runtime = builder.enable_all().build()?;
    let server = Server::new(milter).listen(endpoint)?;
    Ok(runtime.block_on(server.run())?)
}

#[derive(Default)]
struct Work {
    octets: usize,
}

impl Work {
    async fn rcpt(&mut self, rcpt: Rcpt<'_>, _: &mut Context) -> Verdict {
        if rcpt.recipient().starts_with(b"<reject@") { Verdict::Reject } else { Verdict::Continue }
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> Verdict {
        self.octets += chunk.len();
        Verdict::Continue
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        cx.add_header("X-Body-Length", self.octets.to_string())?;
        Ok(Verdict::Continue)
    }
}

fn work() -> impl Application {
    Milter::per_message(Work::default)
        .actions(Actions::ADD_HEADERS)
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| Verdict::Continue)
        .on_helo(async |_: &mut (), _: Helo<'_>, _: &mut Context| Verdict::Continue)
        .on_mail(async |_: &mut Work, _: Mail<'_>, _: &mut Context| Verdict::Continue)
        .on_rcpt(Work::rcpt)
        .on_data(async |_: &mut Work, _: Data, _: &mut Context| Verdict::Continue)
        .on_header(async |_: &mut Work, _: Header<'_>, _: &mut Context| Verdict::Continue)
        .on_end_of_headers(async |_: &mut Work, _: EndOfHeaders, _: &mut Context| Verdict::Continue)
        .on_body(Work::body)
        .on_unknown(async |_: &mut (), _: Unknown<'_>, _: &mut Context| Verdict::Continue)
        .on_end_of_message(Work::end_of_message)
}
