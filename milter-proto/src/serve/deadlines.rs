//! How long a server waits for whom.

use core::fmt;
use core::time::Duration;

/// How long a server waits, for an MTA and for a hook. All are on by default; `None` switches one off.
///
/// ```
/// # use milter_proto::Deadlines;
/// # use core::time::Duration;
/// let mut deadlines = Deadlines::default();
/// deadlines.hook = Some(Duration::from_secs(60)); // our database is slow; `milter_command_timeout = 90s` in main.cf
/// ```
///
/// A deadline may be missed by a quarter of a second: a server looks at all of its connections at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Deadlines {
    /// Until the first packet of a connection is complete: 10 s. An MTA sends it as soon as it has connected; what stays
    /// silent is a port scanner, or somebody who wants our connections.
    pub first_packet: Option<Duration>,
    /// Until a packet that has begun is complete: 30 s. An MTA writes packets whole.
    pub packet: Option<Duration>,
    /// Between packets: 7210 s, as in libmilter. Here the SMTP client sets the pace: Postfix keeps a connection for as long
    /// as the SMTP session lasts. Must be more than the MTA's own time-outs for its clients.
    pub idle: Option<Duration>,
    /// Until the MTA takes some of what we write: 30 s.
    pub write: Option<Duration>,
    /// Until a hook is done, other than at the end of a message: 25 s. Must be less than the MTA waits, which for Postfix is
    /// `milter_command_timeout` (30 s), else it acts by its default action before we can answer.
    pub hook: Option<Duration>,
    /// Until the hook for the end of a message is done: 240 s. Must be less than the MTA waits. Postfix waits
    /// `milter_content_timeout` (300 s), anew after each sign of life, which we give; Sendmail `T=…;E:…` (300 s) in all.
    pub end_of_message: Option<Duration>,
    /// Until a hook is done after its MTA has ended the stream: 2 s. Nobody may be there to hear the answer, but an MTA may
    /// also have closed only its sending half. Abort and quit hooks have their full time.
    pub peer_gone: Option<Duration>,
}

impl Default for Deadlines {
    fn default() -> Self {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        Self {
            first_packet: seconds(10),
            packet: seconds(30),
            idle: seconds(7210),
            write: seconds(30),
            hook: seconds(25),
            end_of_message: seconds(240),
            peer_gone: seconds(2),
        }
    }
}

impl Deadlines {
    /// How long to wait for this.
    pub const fn limit(&self, waiting: Waiting) -> Option<Duration> {
        match waiting {
            Waiting::FirstPacket => self.first_packet,
            Waiting::Packet => self.packet,
            Waiting::Command => self.idle,
            Waiting::Write => self.write,
            Waiting::Hook => self.hook,
            Waiting::EndOfMessage => self.end_of_message,
            Waiting::PeerGone => self.peer_gone,
        }
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Waiting {
    /// The first packet.
    FirstPacket,
    /// The rest of a packet.
    Packet,
    /// The next command.
    Command,
    /// The MTA takes what was written.
    Write,
    /// A hook.
    Hook,
    /// The hook for the end of a message.
    EndOfMessage,
    /// A hook whose MTA has ended the stream.
    PeerGone,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstPacket => "the first packet",
            Self::Packet => "the rest of a packet",
            Self::Command => "a command",
            Self::Write => "the MTA to read an answer",
            Self::Hook => "the hook",
            Self::EndOfMessage => "the hook for the end of a message",
            Self::PeerGone => "the hook after the MTA had gone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn each_wait_has_a_deadline_of_its_own() {
        let deadlines = Deadlines::default();
        for (waiting, seconds, name) in [
            (Waiting::FirstPacket, 10, "the first packet"),
            (Waiting::Packet, 30, "the rest of a packet"),
            (Waiting::Command, 7210, "a command"),
            (Waiting::Write, 30, "the MTA to read an answer"),
            (Waiting::Hook, 25, "the hook"),
            (Waiting::EndOfMessage, 240, "the hook for the end of a message"),
            (Waiting::PeerGone, 2, "the hook after the MTA had gone"),
        ] {
            assert_eq!(deadlines.limit(waiting), Some(Duration::from_secs(seconds)), "{waiting}");
            assert_eq!(waiting.to_string(), name);
        }
        let none = Deadlines { hook: None, ..deadlines };
        assert_eq!((none.limit(Waiting::Hook), none.limit(Waiting::Packet)), (None, deadlines.packet));
    }
}
