//! Signs of life.

use crate::scene::{CONTINUE, On, TICK, answers, command, commands};
use crate::waiting::Waiting;
use crate::watched::Told;
use milter_proto::{CommandKind, PROGRESS};
use std::time::{Duration, Instant};

pub(crate) fn end_of_message_is_said_to_be_worked_on(on: On) {
    let (mail_gate, filter) = Waiting::at(CommandKind::Mail, &Told::default());
    let other_stage = on.serve(filter.milter());
    let mut silent = other_stage.negotiate();
    silent.send(&command(CommandKind::Mail));

    let (gate, filter) = Waiting::at(CommandKind::EndOfMessage, &Told::default());
    let scene = on.serve(filter.milter());
    let mut mta = scene.negotiate();
    mta.ask(&commands("MR"), &answers("cc"));
    let began = Instant::now();
    mta.send(&command(CommandKind::EndOfMessage));
    for second in 1..=2 {
        mta.expect(PROGRESS);
        assert!(began.elapsed() >= Duration::from_secs(second) - TICK);
    }
    // No MTA takes it at another stage.
    assert!(silent.hears_nothing());
    drop(mail_gate);
    silent.expect(CONTINUE);
    drop(gate);
    mta.send(&command(CommandKind::Quit));
    let rest = mta.rest();
    // On a busy machine it may have been worked on for some more seconds.
    let mut packets = rest.chunks(PROGRESS.len()).rev();
    assert_eq!(packets.next(), Some(CONTINUE));
    assert!(packets.all(|packet| packet == PROGRESS), "{rest:?}");
}
