//! A filter for load generators: `bench-filter {noop|work|nr} SPEC [--runtime tokio|tokio1|async-std|smol]`.
//!
//! - `noop`: every hook is declared and replies.
//! - `work`: rejects recipients that begin with `<reject@`, counts the body, adds `X-Body-Length`.
//! - `nr`: every hook is declared, and none but the end of the message replies.

use milter_bench_codec::{replied, silent};
use milter_tokio::{
    Actions, Application, BodyChunk, Connect, Context, Data, EndOfHeaders, EndOfMessage, Header, Helo, Mail,
    Milter, ModificationError, Rcpt, Server, Unknown, Verdict,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (variant, endpoint, runtime) = match arguments.as_slice() {
        [variant, endpoint] => (*variant, *endpoint, "tokio"),
        [variant, endpoint, "--runtime", runtime] => (*variant, *endpoint, *runtime),
        _ => {
            eprintln!("usage: bench-filter noop|work|nr SPEC [--runtime tokio|tokio1|async-std|smol]");
            return ExitCode::from(2);
        }
    };
    let ended = match variant {
        "noop" => run(replied(), endpoint, runtime),
        "work" => run(work(), endpoint, runtime),
        "nr" => run(silent(), endpoint, runtime),
        _ => Err(format!("{variant} is none of noop, work and nr").into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-filter: {error}");
            ExitCode::FAILURE
        }
    }
}

type Ended = Result<(), Box<dyn std::error::Error>>;

fn run(milter: impl Application, endpoint: &str, runtime: &str) -> Ended {
    match runtime {
        "tokio" => tokio(tokio::runtime::Builder::new_multi_thread(), milter, endpoint),
        // On one thread: the recipe of one runtime per core.
        "tokio1" => tokio(tokio::runtime::Builder::new_current_thread(), milter, endpoint),
        "async-std" => {
            Ok(async_std::task::block_on(milter_async_std::Server::new(milter).listen(endpoint)?.run())?)
        }
        "smol" => Ok(smol::block_on(milter_smol::Server::new(milter).listen(endpoint)?.run())?),
        _ => Err(format!("{runtime} is none of tokio, tokio1, async-std and smol").into()),
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
