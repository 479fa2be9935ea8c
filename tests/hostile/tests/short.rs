//! Every attack in its short form, on each adapter and each kind of socket.
//!
//! Memory, descriptors, processor time and answers have their bounds. Times have generous ones, since six filters, built
//! without optimisations, are attacked at once on a machine that may do other things as well: what hangs is found. The
//! command of this package holds them as they are.

use milter_hostile::{ATTACKS, Arena, Transport};
use milter_tests::Adapter;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many times as long anything may take.
const PATIENCE: u32 = 30;
const MESSAGES: u64 = 4000;

macro_rules! attacks {
    ($($name:ident $number:literal)*) => {
        $(#[test] fn $name() { holds($number); })*

        #[test]
        fn every_attack_is_a_test() {
            let numbers: Vec<_> = ATTACKS.iter().map(|attack| attack.number).collect();
            assert_eq!(numbers, [$($number),*]);
        }
    };
}

attacks! {
    sessions_are_served_beside_nothing "R0"
    malformed_or_out_of_order_input_is_closed "R2"
    oversize_lengths_are_refused_on_their_octets "R3"
    odd_but_legal_octets_are_served "R4"
    nobody_sees_the_state_of_others "R5"
    offers_are_answered_by_what_was_offered "R6"
    floods_in_one_message_take_no_memory "R7"
    a_peer_that_never_reads_is_not_read "R8"
    connections_take_little_memory "R9"
    silent_connections_keep_nobody_out "R10"
    deadlines_are_met "R11"
    a_filter_without_descriptors_lives "R12"
    peers_that_vanish_leave_nothing "R13"
    panics_fail_their_own_message "R14"
    hostile_values_are_refused "R15"
    large_answers_arrive_whole "R16"
    hung_handlers_hold_up_nobody "R17"
    messages_half_way_are_finished "R18"
    of_many_instances_one_serves "R19"
    many_messages_leave_nothing "R20"
    good_sessions_are_served_beside_hostile_ones "R21"
}

/// One attack at a time, on all filters at once.
fn holds(number: &str) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let attack = ATTACKS.iter().find(|attack| attack.number == number).expect("an attack");
    let failed: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = arenas()
            .into_iter()
            .map(|arena| {
                scope.spawn(move || match catch_unwind(|| (attack.run)(&arena)) {
                    Ok(report) => {
                        let failed = report.figures().iter().filter(|figure| !figure.passes(PATIENCE));
                        failed.map(|figure| format!("{arena}: {figure}")).collect()
                    }
                    Err(_) => vec![format!("{arena}: panicked")],
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("caught")).collect()
    });
    assert!(failed.is_empty(), "{} ({}):\n{}", attack.number, attack.name, failed.join("\n"));
}

fn arenas() -> Vec<Arena> {
    let all =
        Adapter::ALL.into_iter().flat_map(|adapter| Transport::ALL.map(|transport| (adapter, transport)));
    all.map(|(adapter, transport)| Arena {
        program: PathBuf::from(env!("CARGO_BIN_EXE_milter-hostile")),
        adapter,
        transport,
        long: false,
        messages: MESSAGES,
    })
    .collect()
}
