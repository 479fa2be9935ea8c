//! Octets that come in pieces, and commands that come before their time.

use crate::scene::{On, answers, command, commands, offer};
use crate::waiting::Waiting;
use crate::watched::Told;
use milter_proto::CommandKind;

pub(crate) fn any_pieces_are_answered_the_same(on: On) {
    let told = Told::default();
    let scene = on.serve(told.watcher());
    let octets = [offer(), commands("CHUMRRTLLNBEMRAMRTLNBBEKCHMREQ")].concat();
    let mut connections = 0;
    let mut expected: Option<Vec<u8>> = None;
    for length in [octets.len(), 1, 2, 3, 5, 11, 64] {
        let mut mta = scene.connect();
        for piece in octets.chunks(length) {
            mta.send(piece);
        }
        let found = mta.rest();
        // The negotiation, and one answer for each command but abort and the two quits.
        assert_eq!(found[17..], answers(&"c".repeat(27)), "pieces of {length}");
        assert_eq!(&found, expected.get_or_insert_with(|| found.clone()), "pieces of {length}");
        scene.wait_for_connections(0);
        connections += 1;
        assert_eq!(told.on(connections), "CHUMRRTLLNBEMRAMRTLNBBEQCHMREQ", "pieces of {length}");
    }
}

pub(crate) fn commands_that_come_while_a_hook_runs_wait(on: On) {
    let (gate, filter) = Waiting::at(CommandKind::Mail, &Told::default());
    let scene = on.serve(filter.milter());
    let mut mta = scene.negotiate();
    // Much more than is read while a hook runs.
    mta.send(&[command(CommandKind::Mail), commands("R").repeat(2000)].concat());
    assert!(mta.hears_nothing());
    drop(gate);
    mta.expect(&answers(&"c".repeat(2001)));
}
