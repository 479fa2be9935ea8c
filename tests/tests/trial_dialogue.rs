//! What a trial makes of every kind of answer, and of filters that fail, hang or never end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use milter_examples::trial::{Answer, Plan, Report, Verdict, envelope_address, run_in_memory};
use milter_tokio::{
    Abort, Actions, Application, BodyChunk, BodyVerdict, Connect, Context, Data, EndOfHeaders, EndOfMessage,
    EnvelopeAddress, Header, Helo, Mail, MessageVerdict, Milter, Quit, Rcpt, SmtpReply, Timeouts,
    Verdict as Says,
};
use tokio::time::sleep;

fn plan() -> Plan {
    let to = ["<a@b>", "<c@d>", "<e@f>"].map(|text| envelope_address(text).unwrap());
    Plan::new(b"From: x@y\r\nSubject: z\r\nTo: a@b\r\n\r\nbody\r\n".to_vec()).to(to.to_vec())
}

fn tried_within(plan: &Plan, milter: impl Application, limit: Duration) -> Report {
    let mut timeouts = Timeouts::default();
    (timeouts.connect, timeouts.command, timeouts.message) = (limit, limit, limit);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let report = runtime.block_on(run_in_memory(plan, milter, timeouts));
    runtime.shutdown_background();
    report
}

fn tried(milter: impl Application) -> Report {
    tried_within(&plan(), milter, Duration::from_secs(30))
}

/// The answers, and what becomes of the message.
fn words(report: &Report) -> (String, Verdict) {
    let stages = report.stages.iter().map(|stage| {
        let answer = match stage.answer {
            Answer::LeftOut => "-",
            Answer::NoReply => ".",
            Answer::Reply => stage.reply.as_deref().unwrap_or_default(),
            answer => answer.words(),
        };
        format!(
            "{}{} {answer}",
            stage.stage,
            if stage.count > 1 { format!("*{}", stage.count) } else { String::new() }
        )
    });
    (stages.collect::<Vec<_>>().join(", "), report.verdict)
}

#[test]
fn rejection_of_the_session_ends_it() {
    let milter = Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| Says::Reject);
    let report = tried(milter);
    assert_eq!(words(&report), ("connect reject".into(), Verdict::Rejected));
    assert_eq!(report.stages[0].client_hears.as_deref(), Some("550 5.7.1 Command rejected"));
    let milter = Milter::per_connection(|| ())
        .on_helo(async |_: &mut (), _: Helo<'_>, _: &mut Context| Says::TempFail);
    assert_eq!(
        words(&tried(milter)),
        ("connect -, helo temporary failure".into(), Verdict::TemporaryFailure)
    );
}

#[test]
fn acceptance_leaves_out_the_rest() {
    let milter = Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| Says::Accept)
        .on_header(async |_: &mut (), _: Header<'_>, _: &mut Context| {});
    let expected = "connect accept, helo -, mail -, rcpt -, rcpt -, rcpt -, data -, header*3 -, end_of_headers -, \
                    body -, end_of_message -";
    assert_eq!(words(&tried(milter)), (expected.into(), Verdict::Accepted));

    let milter = Milter::per_message(|| ())
        .on_data(async |_: &mut (), _: Data, _: &mut Context| MessageVerdict::Discard)
        .on_header(async |_: &mut (), _: Header<'_>, _: &mut Context| {});
    let expected = "connect -, helo -, mail -, rcpt -, rcpt -, rcpt -, data discard, header*3 -, end_of_headers -, \
                    body -, end_of_message -";
    assert_eq!(words(&tried(milter)), (expected.into(), Verdict::Discarded));
}

#[test]
fn recipients_are_refused_one_by_one() {
    type Refused = (&'static [&'static str], &'static str);
    let refusing = |refused: &'static [&'static str], reply: &'static str| {
        Milter::per_message(move || (refused, reply)).on_rcpt(
            async |(refused, reply): &mut Refused, rcpt: Rcpt<'_>, _: &mut Context| match refused
                .iter()
                .any(|address| rcpt.address() == *address)
            {
                true => Says::Reply(reply.parse().unwrap()),
                false => Says::Continue,
            },
        )
    };
    let report = tried(refusing(&["c@d"], "550 no"));
    assert_eq!(report.verdict, Verdict::Accepted);
    assert_eq!(report.notes, ["1 of 3 recipients are refused"]);
    let left: Vec<&[u8]> = report.after.recipients().iter().map(EnvelopeAddress::address).collect();
    assert_eq!(left, [b"<a@b>", b"<e@f>"]);

    let all = &["a@b", "c@d", "e@f"];
    for (reply, verdict) in [("550 no", Verdict::Rejected), ("450 later", Verdict::TemporaryFailure)] {
        let report = tried(refusing(all, reply));
        let expected = format!("connect -, helo -, mail -, rcpt {reply}, rcpt {reply}, rcpt {reply}");
        assert_eq!(words(&report), (expected, verdict));
        assert_eq!(report.notes, ["no recipient is left"]);
    }
    // The connection is closed then.
    let report = tried(refusing(&["a@b"], "421 bye"));
    assert_eq!(words(&report), ("connect -, helo -, mail -, rcpt 421 bye".into(), Verdict::TemporaryFailure));
}

#[test]
fn content_is_rejected_and_skipped() {
    let milter =
        Milter::per_message(|| ()).on_header(async |_: &mut (), header: Header<'_>, _: &mut Context| {
            match header.is("Subject") {
                true => Says::Reply(SmtpReply::reject("no subjects")),
                false => Says::Continue,
            }
        });
    let (stages, verdict) = words(&tried(milter));
    assert!(stages.ends_with("data -, header continue, header 550 5.7.1 no subjects"), "{stages}");
    assert_eq!(verdict, Verdict::Rejected);

    let seen = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&seen);
    let milter = Milter::per_message(move || Arc::clone(&counter))
        .on_end_of_headers(async |_: &mut Arc<Mutex<i32>>, _: EndOfHeaders, _: &mut Context| Says::Continue)
        .on_body(async |seen: &mut Arc<Mutex<i32>>, _: BodyChunk<'_>, _: &mut Context| {
            *seen.lock().unwrap() += 1;
            BodyVerdict::Skip
        });
    let long = Plan::new([&b"Subject: long\r\n\r\n"[..], &b"line\r\n".repeat(50_000)].concat());
    let (stages, verdict) = words(&tried_within(&long, milter, Duration::from_secs(30)));
    assert!(
        stages.ends_with("end_of_headers continue, body skip the rest, body*4 -, end_of_message continue"),
        "{stages}"
    );
    assert_eq!((verdict, *seen.lock().unwrap()), (Verdict::Accepted, 1));
}

#[test]
fn modifications_count_only_if_the_message_is_taken() {
    for (says, verdict, is_changed) in [
        (MessageVerdict::Continue, Verdict::Quarantined, true),
        (MessageVerdict::Accept, Verdict::Quarantined, true),
        (MessageVerdict::Discard, Verdict::Discarded, false),
        (MessageVerdict::Reject, Verdict::Rejected, false),
        (MessageVerdict::TempFail, Verdict::TemporaryFailure, false),
    ] {
        let milter = Milter::per_message(move || says.clone())
            .actions(Actions::ADD_HEADERS | Actions::QUARANTINE)
            .on_end_of_message(async |says: &mut MessageVerdict, _: EndOfMessage, cx: &mut Context| {
                cx.add_header("X-New", "one").unwrap();
                cx.quarantine("odd!").unwrap();
                says.clone()
            });
        let report = tried(milter);
        assert_eq!(report.verdict, verdict);
        assert_eq!(report.after.to_bytes() != report.before.to_bytes(), is_changed, "{verdict:?}");
        assert_eq!(report.after.quarantined().is_some(), is_changed, "{verdict:?}");
        let text = report.to_text().to_string();
        let end = if is_changed { "accepted, and put on hold: odd!, 2 modifications\n" } else { "" };
        assert!(text.ends_with(end), "{text}");
    }
}

#[test]
fn hooks_may_wait_and_say_that_they_are_at_work() {
    let milter =
        Milter::per_message(|| ()).on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| {
            sleep(Duration::from_millis(3500)).await;
            Says::Continue
        });
    // Each sign of life begins the time anew.
    let report = tried_within(&plan(), milter, Duration::from_secs(3));
    assert_eq!((report.verdict, report.notes.len()), (Verdict::Accepted, 1), "{report:?}");
    assert!(report.notes[0].ends_with(" that it is still at work"), "{}", report.notes[0]);
}

#[test]
fn filter_that_fails_fails_the_message() {
    let milter = Milter::per_message(|| ()).on_mail(
        async |_: &mut (), _: Mail<'_>, _: &mut Context| -> Result<Says, std::io::Error> {
            Err(std::io::Error::other("no data base"))
        },
    );
    let (stages, verdict) = words(&tried(milter));
    assert_eq!((&*stages, verdict), ("connect -, helo -, mail temporary failure", Verdict::TemporaryFailure));
    let milter = Milter::per_message(|| ())
        .on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| -> Says { panic!("a mistake") });
    let report = tried(milter);
    // The answer is written, then the connection is closed.
    assert_eq!(report.verdict, Verdict::Failed, "{report:?}");
    assert_eq!(report.stages[3].answer, Answer::TemporaryFailure);
}

#[test]
fn filter_that_hangs_ends_in_a_time_out() {
    let begun = Instant::now();
    let waits = Milter::per_message(|| ()).on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| {
        sleep(Duration::from_secs(3600)).await;
        Says::Continue
    });
    let blocks = Milter::per_message(|| ()).on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| {
        std::thread::sleep(Duration::from_secs(20));
        Says::Continue
    });
    for report in [
        tried_within(&plan(), waits, Duration::from_millis(200)),
        tried_within(&plan(), blocks, Duration::from_millis(200)),
    ] {
        assert_eq!(report.verdict, Verdict::Failed);
        let failure = report.failure.unwrap();
        assert_eq!(failure.stage, "rcpt");
        assert!(failure.error.starts_with("the filter did not answer SMFIC_RCPT"), "{}", failure.error);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn filter_hears_the_end() {
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    type Heard = Arc<Mutex<String>>;
    let milter = Milter::per_connection(move || Arc::clone(&log))
        .on_rcpt(async |_: &mut Heard, _: Rcpt<'_>, _: &mut Context| Says::Reject)
        .on_abort(async |heard: &mut Heard, _: Abort, _: &mut Context| heard.lock().unwrap().push('A'))
        .on_quit(async |heard: &mut Heard, _: Quit, _: &mut Context| heard.lock().unwrap().push('Q'));
    assert_eq!(tried(milter).verdict, Verdict::Rejected);
    assert_eq!(*heard.lock().unwrap(), "AQ");
}
