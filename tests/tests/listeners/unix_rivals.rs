//! Several that want the same unix socket: one has it.

use super::{TIMEOUT, assert_served, listening, milter, refused, server, shell};
use milter_tests::{MilterSocket, Runnable, Signal, poll, serve_on};
use socket2::{Domain, SockAddr, Socket, Type};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

#[test]
fn live_socket_is_never_replaced() {
    let socket = MilterSocket::new();
    let live = UnixListener::bind(socket.path()).unwrap();
    let error = format!("cannot listen on {}: another process listens on it", socket.spec());
    assert_eq!(refused(&socket.spec()), error);
    let connected = UnixStream::connect(socket.path()).unwrap();
    live.accept().unwrap();
    drop(connected);
}

#[test]
fn live_socket_whose_queue_is_full_is_never_replaced() {
    let socket = MilterSocket::new();
    let address = SockAddr::unix(socket.path()).unwrap();
    let live = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    live.bind(&address).unwrap();
    live.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        if client.connect(&address).is_err() {
            break;
        }
        waiting.push(client);
    }
    assert!(refused(&socket.spec()).ends_with(": another process listens on it"));
    assert!(socket.path().exists());
}

#[test]
fn second_server_is_refused_as_long_as_there_is_one() {
    let socket = MilterSocket::new();
    let first = serve_on(milter(), &socket.spec());
    let error = refused(&socket.spec());
    assert!(error.ends_with(": another process listens on it, or is about to"), "{error}");
    assert_served(first.spec());
    drop(first);
    drop(server().listen(socket.spec()).unwrap());
}

#[test]
fn of_six_at_once_over_a_stale_socket_one_wins() {
    for _ in 0..5 {
        let socket = MilterSocket::new();
        drop(UnixListener::bind(socket.path()).unwrap());
        // They begin together, when the test closes their input.
        let (input, gate) = UnixStream::pair().unwrap();
        let mut filters: Vec<Runnable> = (0..6)
            .map(|_| {
                let mut command = shell("read -r _; exec \"$@\"", &["--listen", &socket.spec()]);
                Runnable::start_with_input(&mut command, OwnedFd::from(input.try_clone().unwrap()))
            })
            .collect();
        drop((input, gate));
        let one_is_left = poll(TIMEOUT, || {
            let running = filters.iter_mut().map(|filter| usize::from(filter.is_running())).sum::<usize>();
            (running <= 1).then_some(())
        });
        assert!(one_is_left.is_some(), "several share {}", socket.spec());
        let winner = filters.iter_mut().position(Runnable::is_running).expect("one that listens");
        let mut winner = filters.remove(winner);
        assert_eq!(listening(&winner), socket.spec());
        assert_served(&socket.spec());
        for mut loser in filters {
            assert_eq!(loser.wait(TIMEOUT).code(), Some(1));
            let error = format!("error: cannot listen on {}: another process listens on it", socket.spec());
            assert!(loser.stderr()[0].starts_with(&error), "{:?}", loser.stderr());
        }
        winner.signal(Signal::SIGTERM);
        assert_eq!(winner.wait(TIMEOUT).code(), Some(0));
        let lock = PathBuf::from(format!("{}.lock", socket.path().display()));
        assert!(!socket.path().exists() && !lock.exists());
    }
}
