//! Signs of life.

use crate::scene::{CONTINUE, On, TICK, answers, command, commands, offer};
use crate::waiting::Waiting;
use crate::watched::Told;
use milter_proto::{CommandKind, PROGRESS};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

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

/// On one adapter: no socket takes less than a packet.
#[tokio::test]
async fn sign_of_life_that_is_taken_in_pieces_is_told_to_its_end() {
    let (gate, filter) = Waiting::at(CommandKind::EndOfMessage, &Told::default());
    let (mut mta, stream) = duplex(3);
    let conversing = tokio::spawn(milter_tokio::converse(stream, filter.milter(), 1));
    for octets in [offer(), commands("M"), commands("R")] {
        mta.write_all(&octets).await.expect("taken");
        let mut answer = vec![0; mta.read_u32().await.expect("an answer") as usize];
        mta.read_exact(&mut answer).await.expect("an answer");
    }
    mta.write_all(&command(CommandKind::EndOfMessage)).await.expect("taken");
    // Half of the first is taken when the second is due.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let mut answer = [0; PROGRESS.len()];
    mta.read_exact(&mut answer).await.expect("a sign of life");
    assert_eq!(answer, PROGRESS);
    drop(gate);
    while answer != CONTINUE {
        assert_eq!(answer, PROGRESS);
        mta.read_exact(&mut answer).await.expect("an answer");
    }
    drop(mta);
    conversing.await.expect("no panic").expect("ended well");
}
