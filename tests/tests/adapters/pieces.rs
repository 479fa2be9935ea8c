//! Octets that come in pieces, and commands that come before their time.

use crate::scene::{On, answers, commands, offer};
use crate::waiting::at_mail;
use crate::watched::Told;
use milter_tests::Settings;

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
    // Some of them are read while a hook runs: one is, with its end or without, of many a few.
    for (count, and_ends) in [(1, false), (1, true), (2000, false), (2000, true)] {
        let (told, gate, scene, mut mta) = at_mail(on, Settings::default());
        mta.send(&commands("R").repeat(count));
        if and_ends {
            mta.end();
        }
        assert!(mta.hears_nothing());
        drop(gate);
        mta.expect(&answers(&"c".repeat(1 + count)));
        if !and_ends {
            mta.end();
        }
        scene.wait_for_connections(0);
        assert_eq!(told.on(1), format!("M{}AQ", "R".repeat(count)));
    }
}
