//! Dispatch costs nothing: no allocation for a message once a connection is warm, no box around a hook's future.

use allocation_counter::measure;
use milter_proto::testing::now;
use milter_proto::*;
use milter_vectors::Side;

/// The value that all twelve hooks are called on.
#[derive(Default)]
struct Counter(usize);

/// `async fn(&mut Counter, …)` for every stage: what it counts, and what it answers.
macro_rules! hooks {
    ($module:ident: $Answer:ty = $answer:expr) => {
        mod $module {
            use super::*;

            impl_hooks! { $Answer, $answer;
                connect(command: Connect<'_>) = command.hostname().len();
                helo(command: Helo<'_>) = command.name().len();
                mail(command: Mail<'_>) = command.sender().len() + command.arguments().iter().count();
                rcpt(command: Rcpt<'_>) = command.recipient().len();
                data(_command: Data) = 1;
                header(command: Header<'_>) = command.value().len();
                end_of_headers(_command: EndOfHeaders) = 1;
                body(command: BodyChunk<'_>) = command.len();
                unknown(command: Unknown<'_>) = command.line().len();
            }
        }
    };
}

macro_rules! impl_hooks {
    ($Answer:ty, $answer:expr; $($hook:ident($command:ident: $Command:ty) = $count:expr;)*) => { $(
        pub(super) async fn $hook(counter: &mut Counter, $command: $Command, cx: &mut Context) -> $Answer {
            counter.0 += $count + usize::from(cx.macros.queue_id().is_some());
            $answer
        }
    )* };
}

hooks! { silent: () = () }
hooks! { answering: Verdict = Verdict::Continue }

async fn end_of_message(counter: &mut Counter, _: EndOfMessage, cx: &mut Context) -> Verdict {
    counter.0 += usize::from(cx.macros.get("{mail_addr}").is_some());
    Verdict::Continue
}
async fn abort(counter: &mut Counter, _: Abort, _: &mut Context) {
    counter.0 += 1;
}
async fn quit(counter: &mut Counter, _: Quit, _: &mut Context) {
    counter.0 += 1;
}

macro_rules! milter {
    ($hooks:ident) => {
        Milter::per_connection(Counter::default)
            .on_connect($hooks::connect)
            .on_helo($hooks::helo)
            .on_mail($hooks::mail)
            .on_rcpt($hooks::rcpt)
            .on_data($hooks::data)
            .on_header($hooks::header)
            .on_end_of_headers($hooks::end_of_headers)
            .on_body($hooks::body)
            .on_end_of_message(end_of_message)
            .on_abort(abort)
            .on_quit(quit)
            .on_unknown($hooks::unknown)
    };
}

fn text(text: &str) -> Text<'_> {
    text.try_into().unwrap()
}

/// What an MTA sends before the first message.
fn opening() -> Vec<u8> {
    let mut bytes = vec![];
    let peer = Peer::Ipv4 { port: 25, address: text("192.0.2.1") };
    Command::Negotiate(Options::CURRENT).encode(&mut bytes);
    Command::Connect(Connect::new(text("client.example"), peer).unwrap()).encode(&mut bytes);
    bytes.extend(b"\0\0\0\x03Hx\0");
    bytes
}

/// A message as an MTA sends it, and half of one that it aborts.
fn message() -> Vec<u8> {
    let mut bytes = vec![];
    let mut macros = MacroPairsBuf::new();
    macros.push(text("i"), text("4QueueId")).unwrap();
    macros.push(text("{mail_addr}"), text("sender@example.org")).unwrap();
    let mut arguments = ArgumentsBuf::new();
    arguments.push("SIZE=1000").unwrap();
    let mail = Mail::new(text("<sender@example.org>"), arguments.view()).unwrap();
    let define = |stage| Command::DefineMacros(DefineMacros::new(stage, macros.view()).unwrap());
    let body = [b'x'; 100_000];
    let mut say = |command: Command<'_>| command.encode(&mut bytes);
    for _ in 0..2 {
        say(define(CommandKind::Mail));
        say(Command::Mail(mail));
        for recipient in ["<a@example.net>", "<b@example.net>"] {
            say(define(CommandKind::Rcpt));
            say(Command::Rcpt(Rcpt::new(text(recipient), Arguments::default()).unwrap()));
        }
        say(Command::Data(Data));
        for _ in 0..20 {
            say(Command::Header(Header::new(text("X-Header"), text("a value")).unwrap()));
        }
        say(Command::EndOfHeaders(EndOfHeaders));
        BodyChunk::split(&body).for_each(|chunk| say(Command::Body(chunk)));
        say(define(CommandKind::EndOfMessage));
        say(Command::EndOfMessage(None));
    }
    say(Command::Mail(mail));
    say(Command::Abort);
    bytes
}

/// Takes steps until more is to be read; gives how many hooks were called and how much was written.
fn play<M: Application>(conversation: &mut Conversation<M>, bytes: &[u8]) -> (usize, usize) {
    let (mut calls, mut written) = (0, 0);
    for piece in bytes.chunks(40_000) {
        conversation.receive(piece);
        loop {
            match conversation.step().unwrap() {
                Step::Read => break,
                Step::Write(bytes) => written += bytes.len(),
                Step::Event(call) => {
                    calls += 1;
                    now(call);
                }
                Step::Close => panic!("the MTA goes on"),
            }
        }
    }
    (calls, written)
}

/// Allocations of one more message after these, its calls, and the octets that it was answered.
fn steady(milter: impl Application) -> (u64, usize, usize) {
    let mut conversation = Conversation::new(milter, 1);
    conversation.decoder().lend(vec![0; BUFFER_SIZE]);
    play(&mut conversation, &opening());
    let message = message();
    for _ in 0..3 {
        play(&mut conversation, &message);
    }
    let mut played = (0, 0);
    let info = measure(|| played = play(&mut conversation, &message));
    (info.count_total, played.0, played.1)
}

#[test]
fn a_message_allocates_nothing() {
    // Two messages of 28 events (MAIL, 2 RCPT, DATA, 20 headers, their end, 2 chunks, the end), a third MAIL, an abort.
    assert_eq!(
        steady(milter!(silent)),
        (0, 58, 2 * 5),
        "silent hooks; only the end of a message is answered"
    );
    assert_eq!(steady(milter!(answering)), (0, 58, 57 * 5), "answering hooks; all is answered but the abort");
}

#[test]
fn a_value_for_each_message_and_a_header_in_it_allocate_nothing() {
    let end = async |counter: &mut Counter, _: EndOfMessage, cx: &mut Context| {
        counter.0 += 1;
        cx.add_header("X-Checked", "yes")?;
        Ok::<_, ModificationError>(Verdict::Accept)
    };
    let milter = Milter::per_message(Counter::default).actions(Actions::ADD_HEADERS).on_end_of_message(end);
    let (allocations, calls, _) = steady(milter);
    assert_eq!((allocations, calls), (0, 2));
}

#[test]
fn the_counter_counts() {
    let (allocations, ..) = steady(milter!(silent).boxed());
    assert_eq!(allocations, 58, "a box for each call, and nothing else");
}

#[test]
fn decoding_allocates_nothing() {
    let sessions = milter_vectors::sessions();
    let connections = sessions.iter().flat_map(|session| &session.connections);
    let streams: Vec<_> = connections.map(|connection| connection.bytes_from(Side::Mta)).collect();
    let mut commands = 0;
    for stream in &streams {
        let mut decoder = Decoder::new();
        decoder.receive(stream); // grows its storage: once for each buffer of a driver
        let info = measure(|| {
            while let Ok(Some(packet)) = decoder.packet() {
                commands += usize::from(Command::decode(packet).is_ok_and(|command| look_at(&command)));
            }
        });
        assert_eq!(
            info.count_total,
            0,
            "{:?}",
            stream.escape_ascii().take(200).map(char::from).collect::<String>()
        );
    }
    assert_eq!(commands, 5223, "every recorded command was looked at");
}

/// Looks at every part of a command that is found lazily.
fn look_at(command: &Command<'_>) -> bool {
    let octets = match command {
        Command::DefineMacros(define) => {
            define.macros().iter().map(|(name, value)| name.len() + value.len()).sum()
        }
        Command::Connect(connect) => connect.hostname().len() + usize::from(connect.ip().is_some()),
        Command::Mail(mail) => mail.address().len() + values(mail.arguments()),
        Command::Rcpt(rcpt) => rcpt.address().len() + values(rcpt.arguments()),
        Command::Header(header) => header.value().len() + usize::from(header.is("Subject")),
        Command::Body(chunk) => chunk.len(),
        _ => 0,
    };
    octets < usize::MAX
}

fn values(arguments: Arguments<'_>) -> usize {
    arguments.iter().filter_map(|argument| argument.value()).map(|value| value.len()).sum()
}

/// What a hook costs a connection while it runs: its own future and two words more, however many hooks there are. A driver keeps this in the future of each connection.
#[test]
fn a_call_is_small() {
    let mut conversation = Conversation::new(milter!(answering), 1);
    conversation.receive(&opening());
    conversation.receive(&message());
    let size = loop {
        match conversation.step().unwrap() {
            Step::Event(call) if call.stage() == CommandKind::Mail => break size_of_val(&call.into_future()),
            Step::Event(call) => now(call),
            _ => {}
        }
    };
    let (mut counter, mut cx) = (Counter::default(), testing::detached());
    let connect = Connect::new(text("a"), Peer::Unknown).unwrap();
    let largest_hook = size_of_val(&answering::connect(&mut counter, connect, &mut cx));
    assert!(size <= largest_hook + 16, "{size} for hooks of up to {largest_hook}");
}
