//! Where a test is run, and the filter that it is about.

use milter_proto::{Application, CommandKind};
use milter_server::Handle;
use milter_tests::{Adapter, MilterSocket, RawMta, Served, Settings, packet, poll, sample};
use std::ops::Deref;
use std::time::Duration;

/// What is long enough for anything that happens without delay, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A deadline that tests wait for.
pub(crate) const LIMIT: Duration = Duration::from_millis(300);

/// What a clock may be late by: deadlines are kept by one that is cheap to read.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Before this nothing ends that has a deadline of [`LIMIT`].
pub(crate) const EARLIEST: Duration = LIMIT.saturating_sub(TICK);

/// A verdict of continue.
pub(crate) const CONTINUE: &[u8] = b"\0\0\0\x01c";

/// A temporary failure.
pub(crate) const TEMP_FAIL: &[u8] = b"\0\0\0\x01t";

/// One of the six places where each test is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct On {
    pub(crate) adapter: Adapter,
    pub(crate) socket: SocketKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum SocketKind {
    Tcp,
    Unix,
}

impl On {
    /// Serves a filter here.
    #[track_caller]
    pub(crate) fn serve(self, milter: impl Application) -> Scene {
        self.serve_with(milter, Settings::default())
    }

    /// [`serve`](Self::serve) by a server with settings of its own.
    #[track_caller]
    pub(crate) fn serve_with(self, milter: impl Application, settings: Settings) -> Scene {
        self.serve_reloadable(milter, settings).0
    }

    /// [`serve_with`](Self::serve_with), and the controls that give it another filter.
    #[track_caller]
    pub(crate) fn serve_reloadable<M: Application>(
        self,
        milter: M,
        settings: Settings,
    ) -> (Scene, Handle<M>) {
        let socket = MilterSocket::new();
        let spec = self.spec(&socket);
        let (served, handle) = self.adapter.serve_reloadable(milter, &[&spec], settings);
        (Scene { served, socket }, handle)
    }

    /// Where to listen: on a port that the system chooses, or on this path.
    pub(crate) fn spec(self, socket: &MilterSocket) -> String {
        match self.socket {
            SocketKind::Tcp => "inet:127.0.0.1:0".to_owned(),
            SocketKind::Unix => socket.spec(),
        }
    }
}

/// A filter that is served. It stops when this value is dropped.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) served: Served,
    /// Where the filter listens, if it is a unix socket. Outlives the server.
    pub(crate) socket: MilterSocket,
}

impl Scene {
    /// An MTA that has connected.
    #[track_caller]
    pub(crate) fn connect(&self) -> RawMta {
        RawMta::connect(self.spec())
    }

    /// An MTA of today, after the negotiation.
    #[track_caller]
    pub(crate) fn negotiate(&self) -> RawMta {
        let mut mta = self.connect();
        mta.negotiate();
        mta
    }

    /// Waits until this many connections are open.
    #[track_caller]
    pub(crate) fn wait_for_connections(&self, count: usize) {
        let found = poll(SOON, || (self.connections() == count).then_some(()));
        assert!(found.is_some(), "{} connections in place of {count}", self.connections());
    }
}

impl Deref for Scene {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Messages that the test has left open are nobody's.
        self.stop();
    }
}

/// The offer of an MTA of today.
pub(crate) fn offer() -> Vec<u8> {
    command(CommandKind::Negotiate)
}

/// A sound command of this kind.
pub(crate) fn command(kind: CommandKind) -> Vec<u8> {
    let mut octets = Vec::new();
    sample(kind).encode(&mut octets);
    octets
}

/// Sound commands of these letters, one after the other.
pub(crate) fn commands(letters: &str) -> Vec<u8> {
    let kind = |letter| CommandKind::from_letter(letter).unwrap_or_else(|error| panic!("{error}"));
    letters.bytes().flat_map(|letter| command(kind(letter))).collect()
}

/// Answers without payload of these letters, one after the other.
pub(crate) fn answers(letters: &str) -> Vec<u8> {
    letters.bytes().flat_map(|letter| packet(letter, b"")).collect()
}
