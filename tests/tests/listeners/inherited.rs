//! Sockets that a service manager has bound, as systemd hands them over.

use super::{TIMEOUT, assert_served, listening, shell};
use milter_tests::{Adapter, MilterSocket, Runnable, Signal};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

/// Hands over two descriptors, which are the same socket: `first` and `second`.
const HAND_OVER: &str = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=first:second; \
    exec 3<&0 4<&0 </dev/null; exec \"$@\"";

fn start(script: &str, socket: impl Into<OwnedFd>, options: &[&str]) -> Runnable {
    let socket: OwnedFd = socket.into();
    Runnable::start_with_input(&mut shell(script, options), socket)
}

#[test]
fn inherited_socket_is_served_by_its_name() {
    for adapter in Adapter::ALL {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = format!("inet:{}", port.local_addr().unwrap());
        let options = ["--listen", "fd:second", "--runtime", adapter.name()];
        let mut filter = start(HAND_OVER, port, &options);
        assert_eq!(listening(&filter), tcp);
        assert_served(&tcp);
        filter.signal(Signal::SIGTERM);
        assert_eq!(filter.wait(TIMEOUT).code(), Some(0));

        let socket = MilterSocket::new();
        let listener = UnixListener::bind(socket.path()).unwrap();
        let mut filter = start(HAND_OVER, listener, &["--listen", "fd:first", "--runtime", adapter.name()]);
        assert_eq!(listening(&filter), socket.spec());
        assert_served(&socket.spec());
        filter.signal(Signal::SIGTERM);
        assert_eq!(filter.wait(TIMEOUT).code(), Some(0));
        // Its path belongs to whoever has bound it.
        assert!(socket.path().exists());
    }
}

#[test]
fn inherited_sockets_are_served_beside_others() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = format!("inet:{}", port.local_addr().unwrap());
    let socket = MilterSocket::new();
    let listen = format!("fd:first fd:second {}", socket.spec());
    let filter = start(HAND_OVER, port, &["--listen", &listen]);
    filter.wait_for_lines("listening on ", 3, TIMEOUT);
    for spec in [&tcp, &tcp, &socket.spec()] {
        assert_served(spec);
    }
}

#[test]
fn what_was_not_inherited_is_named() {
    let listener = || OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
    let datagrams = OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap());
    let none = "no such socket was inherited (LISTEN_FDNAMES); there are";
    let other = HAND_OVER.replace("LISTEN_PID=$$", "LISTEN_PID=1");
    for (script, socket, listen, error) in [
        (HAND_OVER, listener(), "fd:third", format!("fd:third: {none} [\"first\", \"second\"]")),
        // Each has one owner.
        (HAND_OVER, listener(), "fd:first fd:first", format!("fd:first: {none} [\"second\"]")),
        // What was meant for another process.
        (&*other, listener(), "fd:first", format!("fd:first: {none} []")),
        ("exec \"$@\"", listener(), "fd:first", format!("fd:first: {none} []")),
        (HAND_OVER, datagrams, "fd:first", "fd:first: the inherited socket does not listen".to_owned()),
    ] {
        let mut filter = start(script, socket, &["--listen", listen]);
        assert_eq!(filter.wait(TIMEOUT).code(), Some(1));
        assert_eq!(filter.stderr(), [format!("error: cannot listen on {error}")]);
    }
}
