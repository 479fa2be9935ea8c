//! A whole server, from its start to its end.

use super::check;
use super::runtime::{Modelled, Stream, arrive};
use crate::server::Server;
use crate::sync::thread;
use futures_lite::future::or;
use milter_proto::{Application, Milter};
use shuttle::future::{block_on, yield_now};
use std::future::pending;
use std::net::TcpListener;

/// A server of two connections, one of which negotiates.
fn serve() -> Server<impl Application, Modelled> {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    arrive(Stream::silent());
    arrive(Stream::offering());
    Server::new(Milter::per_connection(|| ())).listen_on(socket).expect("a socket")
}

#[test]
fn it_ends_whenever_it_is_told_to() {
    check(|| {
        let server = serve();
        let handle = server.handle();
        let draining = handle.clone();
        let draining = thread::spawn(move || draining.drain());
        // Time stands still: nothing of this waits for a deadline, nor for the one of the end.
        block_on(server.serve(pending())).expect("served");
        assert_eq!(handle.connections(), 0);
        draining.join().expect("no panic");
    });
}

#[test]
fn it_ends_at_once_whenever_it_is_told_to() {
    check(|| {
        let server = serve();
        let handle = server.handle();
        let (draining, stopping) = (handle.clone(), handle.clone());
        let told = [thread::spawn(move || draining.drain()), thread::spawn(move || stopping.stop())];
        block_on(server.serve(pending())).expect("served");
        assert_eq!(handle.connections(), 0);
        told.into_iter().for_each(|told| told.join().expect("no panic"));
    });
}

#[test]
fn who_drops_it_closes_its_connections() {
    check(|| {
        let server = serve();
        let handle = server.handle();
        // At a later turn of this task, whatever the others have done by then.
        let dropped = async { yield_now().await };
        block_on(or(dropped, async { server.serve(pending()).await.expect("served") }));
        block_on(handle.shared.registry.ended(|count| count == 0));
    });
}
