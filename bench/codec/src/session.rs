//! A connection of an MTA with a filter, without a socket.

use crate::codec::{Lender, fill};
use crate::seen::Seen;
use milter_proto::{Application, Conversation, Step, testing};

/// Drives a conversation over all of `bytes`, at most `fragment` at once, as an adapter does. Sees calls of hooks and
/// octets that were written.
pub(crate) fn converse(
    conversation: &mut Conversation<impl Application>,
    bytes: &[u8],
    fragment: usize,
    lender: &mut Lender,
) -> Seen {
    let mut seen = Seen::default();
    let mut reads = bytes.chunks(fragment);
    let mut read = &bytes[..0];
    loop {
        match conversation.step().expect("a sound recording") {
            Step::Read => {
                if read.is_empty() {
                    let Some(next) = reads.next() else { break };
                    read = next;
                }
                lender.lend(conversation.decoder());
                read = fill(conversation.decoder(), read);
            }
            Step::Write(written) => seen += Seen::written(written.len()),
            Step::Event(call) => {
                seen += Seen::packet(0);
                testing::now(call);
            }
            Step::Close => break,
        }
    }
    lender.reclaim(conversation.decoder());
    seen
}
