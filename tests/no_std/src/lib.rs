//! Links milter-proto, session and hooks included, without a standard library: were one needed anywhere below, this
//! panic handler would be the second and the build would fail.
#![no_std]

use buddy_system_allocator::LockedHeap;
use core::panic::PanicInfo;
use milter_proto::{Context, Conversation, Mail, Milter, Step, Verdict};

#[global_allocator]
static HEAP: LockedHeap<32> = LockedHeap::empty();

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Keeps a conversation in the library.
pub extern "C" fn converse() -> bool {
    let milter = Milter::per_message(|| ()).on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue);
    let mut conversation = Conversation::new(milter, 1);
    conversation.receive(b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff");
    matches!(conversation.step(), Ok(Step::Write(_)))
}
