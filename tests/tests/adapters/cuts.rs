//! An MTA that goes away, after each octet of a session.

use crate::scene::{On, commands, offer};
use crate::watched::Told;
use milter_proto::Conversation;
use milter_tests::Filter;

/// Two messages, one of which is aborted, and another SMTP session, which is open at the end.
fn session() -> Vec<u8> {
    [offer(), commands("CHUMRRTLLNBEMRAKCHMRTLNB")].concat()
}

pub(crate) fn end_of_stream_at_every_octet(on: On) {
    let told = Told::default();
    let scene = on.serve(told.watcher());
    let octets = session();
    let mut mtas = Vec::new();
    for length in 0..=octets.len() {
        let mut mta = scene.connect();
        mta.send(&octets[..length]);
        mta.end();
        mtas.push(mta);
    }
    // What the filter says and is told without any driver.
    let expected = Told::default();
    for (length, mta) in mtas.iter_mut().enumerate() {
        let connection = length as u64 + 1;
        let mut conversation = Conversation::new(expected.watcher(), connection);
        let mut written = Vec::new();
        for part in [&octets[..length], b""] {
            conversation.receive(part);
            let ended = conversation.run(&mut written, 0);
            // Half a packet is an error, and the end of the stream all the same.
            assert!(!part.is_empty() || !matches!(ended, Ok(false)), "{length}: {ended:?}");
        }
        assert_eq!(mta.rest(), written, "after {length} octets");
    }
    scene.wait_for_connections(0);
    for connection in 1..=mtas.len() as u64 {
        assert_eq!(told.on(connection), expected.on(connection), "connection {connection}");
    }
    let last = told.on(mtas.len() as u64);
    assert_eq!(last, "CHUMRRTLLNBEMRAQCHMRTLNBAQ");
}

pub(crate) fn reset_at_every_octet(on: On) {
    let told = Told::default();
    let scene = on.serve(told.watcher());
    let octets = session();
    let offered = offer().len();
    for length in 0..=octets.len() {
        let mut mta = scene.connect();
        mta.send(&octets[..length]);
        // The answers to it have not been read: the filter's side is reset, as soon as there are any.
        drop(mta);
    }
    // Nothing of it is left in what comes next.
    let mut mta = scene.connect();
    mta.send(&octets);
    mta.end();
    mta.rest();
    // Those that came before it have been accepted by then.
    scene.wait_for_connections(0);
    assert_eq!(told.on(octets.len() as u64 + 2), "CHUMRRTLLNBEMRAQCHMRTLNBAQ");
    for length in 0..=octets.len() {
        let hooks = told.on(length as u64 + 1);
        // How much of it was read before the reset is a matter of luck; what was told is whole.
        if length < offered {
            assert_eq!(hooks, "", "after {length} octets");
        } else {
            assert_is_whole(&hooks);
        }
    }
}

/// Every message has its end or its abort, and every SMTP session its one quit.
#[track_caller]
fn assert_is_whole(hooks: &str) {
    let mut in_message = false;
    for hook in hooks.chars() {
        match hook {
            'M' => assert!(!std::mem::replace(&mut in_message, true), "{hooks}"),
            'E' | 'A' => assert!(std::mem::replace(&mut in_message, false), "{hooks}"),
            'Q' => assert!(!in_message, "{hooks}"),
            _ => {}
        }
    }
    // After the first session there may be another one, be it an empty one.
    let last = hooks.strip_prefix("CHUMRRTLLNBEMRAQ").filter(|rest| !rest.is_empty()).unwrap_or(hooks);
    assert_eq!(last.find('Q').map(|place| place + 1), Some(last.len()), "{hooks}");
}
