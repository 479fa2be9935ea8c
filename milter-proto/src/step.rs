//! What a machine needs next.

/// What a machine needs next: one seam for [`Session`](crate::Session) and [`Conversation`](crate::Conversation).
///
/// The invariant: **at `Read` and at `Event` we owe the peer no bytes**; whatever was answered has been handed out as a
/// `Write` before. At `Read`, besides, every complete packet received has been acted on. So `Read` is the place where a
/// driver may give up waiting, and during an `Event` a timer may write [`PROGRESS`] without overtaking anything.
#[derive(Debug)]
#[must_use = "a step that is not taken stalls the dialogue"]
#[allow(clippy::exhaustive_enums)] // a driver must take every step
pub enum Step<'a, T> {
    /// More bytes are needed: read, and [`receive`](crate::Session::receive) what came. Nothing is owed.
    Read,
    /// These bytes must be written, all of them.
    Write(&'a [u8]),
    /// Something happened.
    Event(T),
    /// The dialogue is over: close the connection.
    Close,
}

/// A [`Step`] without what belongs to it, so that it borrows nothing: see [`Conversation::advance`].
///
/// [`Conversation::advance`]: crate::Conversation::advance
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a step that is not taken stalls the dialogue"]
#[allow(clippy::exhaustive_enums)] // a driver must take every step
pub enum Next {
    /// [`Step::Read`].
    Read,
    /// [`Step::Write`].
    Write,
    /// [`Step::Event`], unless the event cannot be read.
    Event,
    /// [`Step::Close`], or an error.
    Close,
}

/// The packet that says "still at work" (`SMFIR_PROGRESS`): a driver may write it while the end of a message is
/// decided.
///
/// Interop: Postfix starts its time anew; Sendmail takes it only there, and counts on.
#[doc(alias = "SMFIR_PROGRESS")]
#[doc(alias = "smfi_progress")]
pub const PROGRESS: &[u8] = b"\0\0\0\x01p";
