//! Whole sessions, answered octet by octet the same everywhere.

use crate::scene::{CONTINUE, On, answers, command, commands, offer};
use crate::watched::Told;
use milter_proto::{
    Actions, Application, BodyChunk, BodyVerdict, CommandKind, Connect, Context, EndOfMessage, Header, Mail,
    MessageVerdict, Milter, ModificationError, Protocol, Rcpt, SmtpReply, Text, Verdict,
};
use milter_tests::{packet, words};

/// A new body that takes more than one packet.
static NEW_BODY: [u8; 70_000] = [b'x'; 70_000];

/// Packets of a body have at most this much of it.
const CHUNK: usize = 65_535;

#[derive(Default)]
struct Obedient {
    is_to_modify: bool,
}

/// The verdict that the text asks for.
fn asked(text: Text<'_>) -> BodyVerdict {
    match text.as_bytes() {
        b"<accept>" => BodyVerdict::Accept,
        b"<reject>" => BodyVerdict::Reject,
        b"<tempfail>" => BodyVerdict::TempFail,
        b"<discard>" => BodyVerdict::Discard,
        b"<skip>" => BodyVerdict::Skip,
        b"<reply>" => BodyVerdict::Reply(SmtpReply::new(550, "5.7.1", "100 % no").unwrap()),
        _ => BodyVerdict::Continue,
    }
}

fn narrowed(verdict: BodyVerdict) -> MessageVerdict {
    match verdict {
        BodyVerdict::Accept => MessageVerdict::Accept,
        BodyVerdict::Reject => MessageVerdict::Reject,
        BodyVerdict::TempFail => MessageVerdict::TempFail,
        BodyVerdict::Discard => MessageVerdict::Discard,
        BodyVerdict::Reply(reply) => MessageVerdict::Reply(reply),
        BodyVerdict::Continue | BodyVerdict::Skip => MessageVerdict::Continue,
    }
}

impl Obedient {
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> MessageVerdict {
        self.is_to_modify = mail.sender() == "<modify>";
        narrowed(asked(mail.sender()))
    }

    async fn rcpt(&mut self, rcpt: Rcpt<'_>, _: &mut Context) -> MessageVerdict {
        narrowed(asked(rcpt.recipient()))
    }

    async fn header(&mut self, header: Header<'_>, _: &mut Context) -> MessageVerdict {
        narrowed(asked(header.value()))
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> BodyVerdict {
        if chunk.as_bytes() == b"<skip>" { BodyVerdict::Skip } else { BodyVerdict::Continue }
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        if self.is_to_modify {
            cx.add_header("X-Added", "1")?;
            cx.insert_header(0, "X-First", "2")?;
            cx.change_header("Subject", 1, "3")?;
            cx.delete_header("X-Old", 2)?;
            cx.change_sender("<new@sender>", "SIZE=9")?;
            cx.add_recipient("<one@more>")?;
            cx.add_recipient_with_arguments("<another@more>", "NOTIFY=NEVER")?;
            cx.delete_recipient("<one@less>")?;
            cx.quarantine("wait")?;
            cx.replace_body(NEW_BODY.to_vec())?;
        }
        Ok(Verdict::Continue)
    }

    fn milter() -> impl Application {
        Milter::per_message(Self::default)
            .actions(Actions::all_known() - Actions::REQUEST_MACROS)
            .on_mail(Self::mail)
            .on_rcpt(Self::rcpt)
            .on_header(Self::header)
            .on_body(Self::body)
            .on_end_of_message(Self::end_of_message)
    }
}

/// What the modifications look like on the wire.
fn modifications() -> Vec<u8> {
    [
        packet(b'h', b"X-Added\x001\0"),
        packet(b'i', b"\0\0\0\0X-First\x002\0"),
        packet(b'm', b"\0\0\0\x01Subject\x003\0"),
        packet(b'm', b"\0\0\0\x02X-Old\0\0"),
        packet(b'e', b"<new@sender>\0SIZE=9\0"),
        packet(b'+', b"<one@more>\0"),
        packet(b'2', b"<another@more>\0NOTIFY=NEVER\0"),
        packet(b'-', b"<one@less>\0"),
        packet(b'q', b"wait\0"),
        packet(b'b', &NEW_BODY[..CHUNK]),
        packet(b'b', &NEW_BODY[CHUNK..]),
    ]
    .concat()
}

pub(crate) fn every_verdict_and_modification(on: On) {
    let scene = on.serve(Obedient::milter());
    let mut mta = scene.connect();
    // The stages that have no hook are switched off; bodies can be skipped.
    let switched_off = Protocol::NO_CONNECT
        | Protocol::NO_HELO
        | Protocol::NO_DATA
        | Protocol::NO_END_OF_HEADERS
        | Protocol::NO_UNKNOWN;
    let actions = (Actions::all_known() - Actions::REQUEST_MACROS).bits();
    let agreed = packet(b'O', &words(6, actions, (switched_off | Protocol::SKIP).bits()));
    mta.ask(&offer(), &agreed);

    let mail = |text: &str| packet(b'M', format!("<{text}>\0").as_bytes());
    let rcpt = |text: &str| packet(b'R', format!("<{text}>\0").as_bytes());
    let header = |text: &str| packet(b'L', format!("Name\0<{text}>\0").as_bytes());
    let refusal = packet(b'y', b"550 5.7.1 100 %% no\0");
    let verdicts: [(&str, &[u8]); 5] = [
        ("accept", &answers("a")),
        ("reject", &answers("r")),
        ("tempfail", &answers("t")),
        ("discard", &answers("d")),
        ("reply", &refusal),
    ];
    // Each verdict at the first stage, at a header, and at a recipient, where a refusal concerns only that one.
    for (text, answer) in verdicts {
        mta.ask(&mail(text), answer);
        mta.ask(&mail("fine"), CONTINUE);
        mta.ask(&rcpt("fine"), CONTINUE);
        mta.ask(&header(text), answer);
        mta.ask(&mail("fine"), CONTINUE);
        mta.ask(&rcpt(text), answer);
        mta.send(&command(CommandKind::Abort));
    }
    // A message without its modifications, one with a skipped body, and one with all modifications.
    for (sender, piece, answer, end) in [
        ("plain", "text", "c", answers("c")),
        ("plain", "<skip>", "s", answers("c")),
        ("modify", "text", "c", [modifications(), answers("c")].concat()),
        ("plain", "text", "c", answers("c")),
    ] {
        mta.ask(&mail(sender), CONTINUE);
        mta.ask(&rcpt("fine"), CONTINUE);
        mta.ask(&header("fine"), CONTINUE);
        mta.ask(&packet(b'B', piece.as_bytes()), &answers(answer));
        mta.ask(&command(CommandKind::EndOfMessage), &end);
    }
    mta.send(&command(CommandKind::Quit));
    assert_eq!(mta.rest(), b"");
}

pub(crate) fn smtp_sessions_follow_each_other(on: On) {
    let told = Told::default();
    let scene = on.serve(told.watcher());
    let mut mta = scene.negotiate();
    for _ in 0..3 {
        mta.ask(&commands("CHUMRRTLLNBE"), &answers("cccccccccccc"));
        // One that is aborted, one that the next HELO ends, and one that is open at the end.
        mta.ask(&commands("MRAMRHMR"), &answers("ccccccc"));
        mta.send(&command(CommandKind::QuitNewConnection));
    }
    mta.send(&command(CommandKind::Quit));
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(0);
    let session = "CHUMRRTLLNBEMRAMRAHMRAQ";
    // The last QUIT is that of a session that has not begun.
    assert_eq!(told.on(1), format!("{session}{session}{session}Q"));
}

pub(crate) fn session_that_is_decided_takes_no_more(on: On) {
    let milter = Milter::per_connection(|| ()).on_connect(
        async |_: &mut (), connect: Connect<'_>, _: &mut Context| {
            if connect.hostname() == "bad" { Verdict::Reject } else { Verdict::Accept }
        },
    );
    let scene = on.serve(milter);
    let connect = |name: &str| packet(b'C', format!("{name}\x004\0\x19192.0.2.1\0").as_bytes());
    let mut mta = scene.negotiate();
    mta.ask(&connect("bad"), &answers("r"));
    mta.send(&command(CommandKind::QuitNewConnection));
    mta.ask(&connect("good"), &answers("a"));
    // An MTA that goes on has not understood.
    mta.send(&command(CommandKind::Mail));
    assert_eq!(mta.rest(), b"");
}

pub(crate) fn old_mta_waits_for_everything(on: On) {
    let milter = Milter::per_message(|| 0_usize)
        .on_body(async |count: &mut usize, chunk: BodyChunk<'_>, _: &mut Context| *count += chunk.len())
        .on_end_of_message(async |count: &mut usize, _: EndOfMessage, _: &mut Context| {
            SmtpReply::new(550, None, &format!("{count} octets")).unwrap()
        });
    let scene = on.serve(milter);
    let mut mta = scene.connect();
    // Version 2 can switch off what it has, but waits for an answer to all that is left.
    mta.ask(&packet(b'O', &words(2, 0x1f, 0)), &packet(b'O', &words(2, 0, 0)));
    for kind in "CHMRLNBB".bytes() {
        mta.ask(&commands(&char::from(kind).to_string()), CONTINUE);
    }
    mta.ask(&command(CommandKind::EndOfMessage), &packet(b'y', b"550 8 octets\0"));
}

pub(crate) fn broken_protocol_closes(on: On) {
    let told = Told::default();
    let scene = on.serve(told.watcher());
    // What comes before the negotiation, after it and within a message.
    let broken = [
        (b"\0\0\0\0".to_vec(), "an empty packet"),
        (b"\xff\xff\xff\xff".to_vec(), "a length beyond all bounds, of which no more comes"),
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), "another protocol"),
        (packet(b'?', b""), "an unknown letter"),
        (packet(b'H', b"no end"), "a text without its end"),
        (commands("C"), "a second client"),
        (packet(b'O', b"\0\0\0\x06"), "half an offer"),
    ];
    let mut connections = 0;
    for (octets, what) in &broken {
        for (before, hooks) in [("", ""), ("O", "Q"), ("OCHMR", "CHMRAQ")] {
            let mut mta = scene.connect();
            if !before.is_empty() {
                mta.negotiate();
                mta.ask(&commands(&before[1..]), &answers(&"c".repeat(before.len() - 1)));
            }
            // A first client is none too many.
            let hooks = if (before, &**octets) == ("O", &*commands("C")) {
                mta.ask(octets, CONTINUE);
                mta.send(octets);
                "CQ"
            } else {
                mta.send(octets);
                hooks
            };
            assert_eq!(mta.rest(), b"", "{what} after {before:?}");
            connections += 1;
            scene.wait_for_connections(0);
            assert_eq!(told.on(connections), hooks, "{what} after {before:?}");
        }
    }
}
