//! Several sockets of one server.

use crate::scene::{On, SocketKind, answers, commands};
use crate::watched::Told;
use milter_tests::{MilterSocket, RawMta, Settings, poll};

pub(crate) fn several_listeners_at_once(on: On) {
    let sockets = [MilterSocket::new(), MilterSocket::new()];
    let own = sockets.each_ref().map(|socket| on.spec(socket));
    let other = match on.socket {
        SocketKind::Tcp => sockets[0].spec(),
        SocketKind::Unix => "inet:127.0.0.1:0".to_owned(),
    };
    let specs = [&*own[0], &*own[1], &*other];
    let mut served = on.adapter.serve_with(Told::default().watcher(), &specs, Settings::default());
    assert_eq!(served.specs().len(), 3);
    let mut mtas: Vec<RawMta> =
        served.specs().iter().cycle().take(12).map(|spec| RawMta::connect(spec)).collect();
    for mta in &mut mtas {
        mta.negotiate();
    }
    for mta in &mut mtas {
        mta.ask(&commands("CHM"), &answers("ccc"));
    }
    assert_eq!(served.connections(), 12);
    // All end together.
    served.drain();
    for spec in served.specs() {
        let refused = poll(crate::scene::SOON, || RawMta::try_connect(spec).is_err().then_some(()));
        assert!(refused.is_some(), "{spec} is still listened on");
    }
    for mta in &mut mtas {
        mta.ask(&commands("RE"), &answers("cc"));
        assert_eq!(mta.rest(), b"");
    }
    served.wait();
}

pub(crate) fn more_listeners_than_newcomers(on: On) {
    // A server accepts 32 connections ahead of serving them: a listener that only waits is not one of those.
    let sockets: [MilterSocket; 40] = std::array::from_fn(|_| MilterSocket::new());
    let specs = sockets.each_ref().map(|socket| on.spec(socket));
    let specs = specs.each_ref().map(|spec| &**spec);
    let served = on.adapter.serve_with(Told::default().watcher(), &specs, Settings::default());
    assert_eq!(served.specs().len(), 40);
    // From the last to the first, each served before the next one comes: nobody makes a place free for another.
    let mtas = served.specs().iter().rev().map(|spec| {
        let mut mta = RawMta::connect(spec);
        mta.negotiate();
        mta.ask(&commands("C"), &answers("c"));
        mta
    });
    let _mtas: Vec<RawMta> = mtas.collect();
    assert_eq!(served.connections(), 40);
    served.stop();
}
