//! What an adapter does over one stream: the filter's side, without a server, and the MTA's.

use crate::on_its_runtime;
use crate::scene::{LIMIT, On, SOON, SocketKind, answers, commands};
use crate::waiting;
use crate::watched::Told;
use milter_proto::{
    Actions, Arguments, BodyVerdict, Command, CommandKind, Context, Deadlines, EndOfMessage, Endpoint, Mail,
    Milter, Modification, ModificationError, Options, Rcpt, Verdict, Waiting,
};
use milter_server::{ClientError, ConverseError, Timeouts};
use milter_tests::{MilterSocket, RawMta};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread::{JoinHandle, spawn};

/// Where an MTA waits for a filter to connect, and what it then does, on a thread of its own.
fn mta(on: On, acts: impl FnOnce(RawMta) + Send + 'static) -> (Endpoint, JoinHandle<()>) {
    let directory = MilterSocket::new();
    match on.socket {
        SocketKind::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("bound").port();
            let accept = move || listener.accept().expect("a filter").0;
            let acting = spawn(move || acts(RawMta::over(accept()).expect("connected")));
            (Endpoint::Inet { host: "127.0.0.1".into(), port }, acting)
        }
        SocketKind::Unix => {
            let listener = UnixListener::bind(directory.path()).expect("a socket");
            let endpoint = directory.spec().parse().expect("a path");
            let accept = move || {
                let _directory = directory;
                listener.accept().expect("a filter").0
            };
            let acting = spawn(move || acts(RawMta::over(accept()).expect("connected")));
            (endpoint, acting)
        }
    }
}

pub(crate) fn one_stream_is_conversed_over(on: On) {
    let told = Told::default();
    let (endpoint, acting) = mta(on, |mut mta| {
        mta.negotiate();
        mta.ask(&commands("CHMRTLNBE"), &answers("ccccccccc"));
        mta.send(&commands("Q"));
        assert_eq!(mta.rest(), b"");
    });
    let watcher = told.watcher();
    let conversed = on_its_runtime!(on, |adapter| async {
        adapter::converse(adapter::open(&endpoint, SOON).await.expect("an MTA"), watcher, 7).await
    });
    conversed.expect("ended well");
    acting.join().expect("answered");
    assert_eq!(told.on(7), "CHMRTLNBEQ");
}

pub(crate) fn one_stream_is_conversed_over_within_its_deadlines(on: On) {
    let (endpoint, acting) = mta(on, |mut mta| {
        mta.negotiate();
        // Then it says nothing.
        assert_eq!(mta.rest(), b"");
    });
    let mut deadlines = Deadlines::default();
    deadlines.idle = Some(LIMIT);
    let watcher = Told::default().watcher();
    let conversed = on_its_runtime!(on, |adapter| async {
        let stream = adapter::open(&endpoint, SOON).await.expect("an MTA");
        adapter::converse_with(stream, watcher, 1, deadlines).await
    });
    let Err(ConverseError::Timeout { waiting: Waiting::Command, limit: LIMIT }) = conversed else {
        panic!("{conversed:?}")
    };
    acting.join().expect("closed");
}

fn mail() -> Mail<'static> {
    Mail::new("<a@b.example>".try_into().expect("an address"), Arguments::default()).expect("short")
}

fn rcpt() -> Rcpt<'static> {
    Rcpt::new("<c@d.example>".try_into().expect("an address"), Arguments::default()).expect("short")
}

pub(crate) fn client_asks_a_filter(on: On) {
    let end = async |_: &mut (), _: EndOfMessage, cx: &mut Context| {
        cx.add_header("X-Seen", "yes")?;
        Ok::<_, ModificationError>(Verdict::Continue)
    };
    let sender = async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue;
    let scene = on.serve(
        Milter::per_message(|| ()).actions(Actions::ADD_HEADERS).on_mail(sender).on_end_of_message(end),
    );
    let endpoint = scene.spec().parse().expect("an endpoint");
    on_its_runtime!(on, |adapter| async {
        let mut client = adapter::Client::connect(&endpoint, Options::CURRENT, Timeouts::default())
            .await
            .expect("a filter");
        let answer = client.send(&Command::Mail(mail())).await.expect("answered").expect("an answer");
        assert_eq!(answer.verdict, BodyVerdict::Continue);
        // The filter has no hook for it.
        assert_eq!(client.send(&Command::Rcpt(rcpt())).await.expect("sent"), None);
        let mut headers = Vec::new();
        let note = |modification: &Modification<'_>| headers.push(format!("{modification:?}"));
        let answer = client.end_of_message(note).await.expect("answered").expect("an answer");
        assert_eq!(answer.verdict, BodyVerdict::Continue);
        assert!(matches!(&*headers, [added] if added.contains("X-Seen")), "{headers:?}");
        client.quit().await.expect("sent");
    });
    scene.wait_for_connections(0);
}

pub(crate) fn client_does_not_wait_for_ever(on: On) {
    let (_gate, waiting) = waiting::Waiting::at(CommandKind::Mail, &Told::default());
    let scene = on.serve(waiting.milter());
    let endpoint: Endpoint = scene.spec().parse().expect("an endpoint");
    let mut timeouts = Timeouts::default();
    timeouts.command = LIMIT;
    on_its_runtime!(on, |adapter| async {
        let mut client =
            adapter::Client::connect(&endpoint, Options::CURRENT, timeouts).await.expect("a filter");
        match client.send(&Command::Mail(mail())).await {
            Err(ClientError::Timeout { command: CommandKind::Mail, limit }) => assert_eq!(limit, LIMIT),
            other => panic!("{other:?}"),
        }
        drop(client);
        scene.drain();
        drop(scene);
        // Nobody listens there any more.
        let refused = adapter::Client::connect(&endpoint, Options::CURRENT, timeouts).await;
        assert!(matches!(refused, Err(ClientError::Connect { .. })), "{refused:?}");
    });
}
