//! Trials from beginning to end, whatever happens on the way.

use std::time::{Duration, Instant};

use milter_proto::{Application, Mta, MtaRules, Options};
use milter_tokio::{Client, Timeouts, converse};
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::time::timeout;

use super::exchange::Exchange;
use super::plan::Plan;
use super::report::{Failure, MessageBefore, Report, Verdict};
use super::words;

/// Room for a full packet in each direction.
const IN_MEMORY: usize = 128 << 10;
/// How long the filter may take to see that it is over.
const END: Duration = Duration::from_secs(1);

/// Tries a filter in this process: no socket, no port.
pub async fn run_in_memory(plan: &Plan, milter: impl Application, timeouts: Timeouts) -> Report {
    let (ours, its) = duplex(IN_MEMORY);
    let filter = tokio::spawn(converse(its, milter, 1));
    let report = run(ours, plan, Options::CURRENT, timeouts).await;
    if report.failure.is_some() {
        // It may wait for what never comes.
        filter.abort();
    }
    // What it says of a connection that is over was said in the report; a hook that blocks its thread is not waited for.
    let _ = timeout(END, filter).await;
    report
}

/// Tries the filter at the other end of a stream.
pub async fn run<S>(stream: S, plan: &Plan, offer: Options, timeouts: Timeouts) -> Report
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begun = Instant::now();
    let mta = match plan.rules {
        MtaRules::Sendmail => Mta::new(offer).strict(),
        _ => Mta::new(offer),
    };
    let mut report = unasked(plan);
    match Client::over(stream, mta, timeouts).await {
        Ok(client) => {
            let mut exchange = Exchange::new(plan, client, &mut report);
            if let Err(error) = exchange.run(offer).await {
                let stage = words::stage_name(exchange.command());
                report.fail(stage, error.to_string());
            } else if let Err(error) = exchange.quit().await {
                report.notes.push(format!("at the end: {error}"));
            }
        }
        Err(error) => report.fail("negotiation", error.to_string()),
    }
    report.count();
    report.milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
    report
}

/// A report on a trial that has not begun.
fn unasked(plan: &Plan) -> Report {
    let message = plan.held(&[], false);
    Report {
        verdict: Verdict::Accepted,
        message: MessageBefore {
            subject: plan.subject.clone(),
            headers: message.headers().count(),
            body_octets: message.body().len(),
        },
        negotiation: None,
        stages: Vec::new(),
        modifications: Vec::new(),
        notes: plan.notes.clone(),
        failure: None,
        milliseconds: 0.0,
        before: message.clone(),
        after: message,
    }
}

impl Report {
    /// A trial of a filter that could not even be reached.
    pub fn unreachable(plan: &Plan, error: impl ToString) -> Self {
        let mut report = unasked(plan);
        report.fail("connection", error.to_string());
        report
    }

    fn fail(&mut self, stage: &'static str, error: String) {
        self.verdict = Verdict::Failed;
        self.failure = Some(Failure { stage, error });
    }
}
