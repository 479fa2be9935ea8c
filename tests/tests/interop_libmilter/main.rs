//! Our client against a filter on libmilter, Sendmail's own library: every callback, every action, every verdict.

#[path = "../interop_client/mod.rs"]
mod interop_client;

mod callbacks;
mod modifications;
mod negotiation;
mod verdicts;

use std::process::Command as Process;

use interop_client::{Asking, PATIENCE};
use milter_tests::{MilterSocket, Runnable, libmilter_program};
use milter_tokio::{Options, Protocol};

const ABILITIES: Protocol = Protocol::SKIP.union(Protocol::REJECTED_RECIPIENTS);

/// The program `tests/interop/libmilter_filter.c`, serving.
struct Filter {
    socket: MilterSocket,
    program: Runnable,
}

impl Filter {
    /// It asks for these protocol steps, as far as they are offered.
    fn start(steps: Protocol) -> Self {
        let socket = MilterSocket::new();
        let mut command = Process::new(libmilter_program("libmilter_filter"));
        command.arg(socket.spec()).arg(format!("{:x}", steps.bits()));
        Self { program: Runnable::start(&mut command), socket }
    }

    async fn connect(&mut self) -> Asking {
        self.connect_offering(Options::CURRENT).await
    }

    async fn connect_offering(&mut self, offer: Options) -> Asking {
        Asking::offering(offer, &self.socket.spec(), &mut self.program).await
    }

    /// What its callbacks wrote, once it wrote this `count` times.
    fn callbacks(&self, last: &str, count: usize) -> Vec<String> {
        self.program.wait_for_lines(last, count, PATIENCE);
        self.program.stdout()
    }
}
