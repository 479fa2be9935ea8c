//! Commands that come together.

use crate::scene::{On, answers, commands};
use milter_proto::{
    Actions, BodyChunk, Context, EndOfMessage, Header, Mail, Milter, ModificationError, Verdict,
};
use milter_server::Observer;
use milter_tests::{Settings, packet, words};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts writes.
#[derive(Default)]
struct Writes(AtomicUsize);

impl Observer for Writes {
    fn sent(&self, _octets: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counting(writes: &Arc<Writes>) -> Settings {
    let observer: Arc<dyn Observer> = writes.clone();
    Settings { observer: Some(observer), ..Settings::default() }
}

pub(crate) fn silent_message_is_answered_in_one_write(on: On) {
    let milter = Milter::per_message(|| ())
        .actions(Actions::ADD_HEADERS)
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| {})
        .on_header(async |_: &mut (), _: Header<'_>, _: &mut Context| {})
        .on_body(async |_: &mut (), _: BodyChunk<'_>, _: &mut Context| {})
        .on_end_of_message(
            async |_: &mut (), _: EndOfMessage, cx: &mut Context| -> Result<Verdict, ModificationError> {
                for number in 1..=10 {
                    cx.add_header("X-Number", number.to_string())?;
                }
                Ok(Verdict::Accept)
            },
        );
    let writes = Arc::new(Writes::default());
    let scene = on.serve_with(milter, counting(&writes));
    let mut mta = scene.negotiate();
    let headers = (1..=10).flat_map(|number| packet(b'h', format!("X-Number\0{number}\0").as_bytes()));
    let expected: Vec<u8> = headers.chain(answers("a")).collect();
    for _ in 0..3 {
        mta.ask(&commands("MLLLBBE"), &expected);
    }
    drop(mta);
    scene.wait_for_connections(0);
    // The negotiation is one as well.
    assert_eq!(writes.0.load(Ordering::SeqCst), 4);
}

pub(crate) fn hidden_stages_are_answered_in_one_write(on: On) {
    let milter = Milter::per_message(|| ())
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue);
    let writes = Arc::new(Writes::default());
    let scene = on.serve_with(milter, counting(&writes));
    let mut mta = scene.connect();
    // Sendmail's oldest waits for everything, whatever the filter wants to see.
    mta.ask(&packet(b'O', &words(2, 0, 0)), &packet(b'O', &words(2, 0, 0)));
    mta.ask(&commands("CHMRRRLLLLLLNBBBBE"), &answers("cccccccccccccccccc"));
    drop(mta);
    scene.wait_for_connections(0);
    // The negotiation; what comes before MAIL, which is seen; it, and all that follows.
    assert_eq!(writes.0.load(Ordering::SeqCst), 3);
}
