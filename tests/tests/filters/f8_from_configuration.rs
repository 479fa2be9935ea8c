//! A filter made at run time from configuration; closures; a builder returned from a function and kept in a struct;
//! one filter shared by several connections; a call that is dropped.
use milter_proto::*;
use std::sync::Arc;

struct Config {
    scan_body: bool,
    tag: Option<String>,
    blocked: Vec<String>,
}
struct Filter {
    config: Arc<Config>,
    bytes: usize,
}
impl Filter {
    async fn helo(_: &mut (), helo: Helo<'_>, _: &mut Context) -> Verdict {
        if helo.name().is_empty() { Verdict::Reject } else { Verdict::Continue }
    }
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Verdict {
        if self.config.blocked.iter().any(|b| mail.sender() == **b) {
            Verdict::Reject
        } else {
            Verdict::Continue
        }
    }
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        self.bytes += chunk.len();
    }
    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        if let Some(tag) = &self.config.tag {
            cx.add_header(tag, self.bytes.to_string())?;
        }
        Ok(Verdict::Continue)
    }
}

/// Static dispatch and run-time presence: an `Option` of a hook is a hook. What isn't on is negotiated away, as if
/// never declared.
fn milter(config: Arc<Config>) -> impl Application {
    let c = config.clone();
    Milter::per_message(move || Filter { config: c.clone(), bytes: 0 })
        .actions(Actions::ADD_HEADERS)
        .on_helo(Filter::helo)
        .on_mail((!config.blocked.is_empty()).then_some(Filter::mail))
        .on_body(config.scan_body.then_some(Filter::body))
        .on_end_of_message(config.tag.is_some().then_some(Filter::end_of_message))
}
/// The open-ended case (a loop over plug-ins): box once, the type stays the same.
fn boxed(config: Arc<Config>) -> impl Application {
    let c = config.clone();
    let milter = Milter::per_message(move || Filter { config: c.clone(), bytes: 0 });
    let mut milter = milter.actions(Actions::ADD_HEADERS).boxed();
    if config.scan_body {
        milter = milter.on_body(Filter::body).boxed();
    }
    if config.tag.is_some() {
        milter = milter.on_end_of_message(Filter::end_of_message).boxed();
    }
    milter
}
/// By reference: `Application: 'static` frees the result from the borrow of `config`; no `+ use<>` needed in edition
/// 2024.
fn by_reference(config: &Config) -> impl Application {
    let count = async |n: &mut usize, chunk: BodyChunk<'_>, _: &mut Context| *n += chunk.len();
    Milter::per_connection(|| 0).on_body(config.scan_body.then_some(count))
}
/// Kept in a struct.
struct Service<M> {
    milter: Arc<M>,
}
impl<M: Application> Service<M> {
    async fn play(&self, script: testing::Script) -> String {
        script.play(self.milter.clone()).await.to_string()
    }
}
/// A closure that captures an Arc. `async move |…|` does not compile (it lends from itself). Mostly the capture
/// belongs into the value that hooks borrow; where not, `With` carries it:
fn capturing(db: Arc<String>) -> impl Application {
    let mail = async |db: &Arc<String>, n: &mut u32, mail: Mail<'_>, _: &mut Context| {
        *n += 1;
        if mail.sender() == ***db || *n > 2 { Verdict::Reject } else { Verdict::Continue }
    };
    Milter::per_connection(|| 0).on_mail(With(db, mail))
}

mod tests {
    use super::*;
    use milter_proto::testing::{Script, now};
    use std::future::pending;
    use std::pin::pin;
    use std::task::{self, Waker};

    fn config(scan_body: bool, tag: Option<&str>) -> Arc<Config> {
        let tag = tag.map(str::to_owned);
        Arc::new(Config { scan_body, tag, blocked: vec!["<x@y>".to_owned()] })
    }

    fn script() -> Script {
        let first = Script::new().helo("x").mail("<a>").body("12345").end_of_message();
        first.mail("<a>").body("no").abort().mail("<x@y>").mail("<a>").body("1234").end_of_message()
    }

    #[test]
    fn hooks_chosen_at_run_time() {
        let play = |config| now(script().play(milter(config))).to_string();
        assert_eq!(play(config(true, Some("X-N"))), "O, c, c, h X-N: 5, c, c, r, c, h X-N: 4, c");
        assert_eq!(play(config(false, Some("X-N"))), "O, c, c, h X-N: 0, c, c, r, c, h X-N: 0, c");
        assert_eq!(play(config(true, None)), "O, c, c, c, c, r, c, c");
        assert_eq!(
            now(Script::new().helo("").mail("<a>").play(milter(config(true, None)))).to_string(),
            "O, r"
        );
    }

    #[test]
    fn what_is_off_is_negotiated_away() {
        let switched_off = |config| milter(config).wish().agree(Options::CURRENT).unwrap().options().protocol;
        assert!(!switched_off(config(true, None)).contains(Protocol::NO_BODY));
        assert!(switched_off(config(false, None)).contains(Protocol::NO_BODY));
    }

    #[test]
    fn boxed_hooks() {
        let play = |config| now(script().play(boxed(config))).to_string();
        assert_eq!(play(config(true, Some("X-N"))), "O, h X-N: 5, c, h X-N: 4, c");
        assert_eq!(play(config(false, None)), "O, c, c");
    }

    #[test]
    fn by_reference_and_in_a_struct() {
        let milter = by_reference(&config(true, None)); // the configuration is gone
        let service = Service { milter: Arc::new(milter) };
        assert_eq!(now(service.play(script())), "O, c, c");
        assert_eq!(now(service.play(script())), "O, c, c");
    }

    #[test]
    fn closures_with_data() {
        let script = Script::new().mail("<x@y>").mail("<a>").mail("<a>").quit_new_connection().mail("<a>");
        assert_eq!(now(script.play(capturing(Arc::new("<x@y>".into())))).to_string(), "O, r, c, r, c");
    }

    /// A failure is an error of one message: half of what was recorded is never sent, and the next message goes on.
    #[test]
    fn failures() {
        let milter = |verdict| {
            let end = async |count: &mut u32, _: EndOfMessage, cx: &mut Context| {
                *count += 1;
                cx.add_header("X-One", "1")?;
                if *count == 1 {
                    cx.add_header("X Two", "2")?; // a bad name
                }
                Ok::<_, ModificationError>(Verdict::Continue)
            };
            let milter = Milter::per_connection(|| 0).actions(Actions::ADD_HEADERS).on_failure(verdict);
            milter.on_end_of_message(end)
        };
        let play = |verdict| now(script().play(milter(verdict))).to_string();
        assert_eq!(play(FailureVerdict::TempFail), "O, t, h X-One: 1, c");
        assert_eq!(play(FailureVerdict::Reject), "O, r, h X-One: 1, c");
        assert_eq!(play(FailureVerdict::Close), "O");
    }

    /// What a driver does when the peer has gone: it drops the call. The abort hook still runs.
    #[test]
    fn a_dropped_call_is_a_failure_and_abort_still_runs() {
        #[derive(Default)]
        struct Seen(u32);
        impl Seen {
            async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
                self.0 += 1;
                pending().await
            }
            async fn abort(&mut self, _: Abort, _: &mut Context) {
                assert_eq!(self.0, 1, "the same value");
            }
        }
        let milter = Milter::per_message(Seen::default).on_rcpt(Seen::rcpt).on_abort(Seen::abort);
        let mut conversation = Conversation::new(milter, 7);
        let (sender, recipient) = ("<a>".try_into().unwrap(), "<b>".try_into().unwrap());
        let mail = Mail::new(sender, Arguments::default()).unwrap();
        let rcpt = Rcpt::new(recipient, Arguments::default()).unwrap();
        let mut commands = vec![];
        for command in [Command::Negotiate(Options::CURRENT), Command::Mail(mail), Command::Rcpt(rcpt)] {
            command.encode(&mut commands);
        }
        conversation.receive(&commands);
        let (mut called, mut written) = (vec![], vec![]);
        loop {
            match conversation.step().unwrap() {
                Step::Read => panic!("it closes by itself"),
                Step::Write(bytes) => written.extend_from_slice(bytes),
                Step::Event(call) => {
                    called.push(call.stage());
                    let mut running = pin!(call.into_future());
                    let _ = running.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
                }
                Step::Close => break,
            }
        }
        assert_eq!(called, [CommandKind::Rcpt, CommandKind::Abort]);
        assert!(written.ends_with(b"\0\0\0\x01t"));
    }
}
