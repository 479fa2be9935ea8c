//! Filters that do nothing, in the two ways there are, and one that looks at macros.

use milter_proto::{
    Application, BodyChunk, Connect, Context, Data, EndOfHeaders, EndOfMessage, Header, Helo, Mail, Milter,
    Rcpt, Unknown, Verdict,
};
use std::hint::black_box;

/// A filter that has every hook, and answers continue to everything.
pub fn replied() -> impl Application {
    Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| Verdict::Continue)
        .on_helo(async |_: &mut (), _: Helo<'_>, _: &mut Context| Verdict::Continue)
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue)
        .on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| Verdict::Continue)
        .on_data(async |_: &mut (), _: Data, _: &mut Context| Verdict::Continue)
        .on_header(async |_: &mut (), _: Header<'_>, _: &mut Context| Verdict::Continue)
        .on_end_of_headers(async |_: &mut (), _: EndOfHeaders, _: &mut Context| Verdict::Continue)
        .on_body(async |_: &mut (), _: BodyChunk<'_>, _: &mut Context| Verdict::Continue)
        .on_unknown(async |_: &mut (), _: Unknown<'_>, _: &mut Context| Verdict::Continue)
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| Verdict::Continue)
}

/// A filter that has every hook, and answers only the end of the message.
pub fn silent() -> impl Application {
    Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| {})
        .on_helo(async |_: &mut (), _: Helo<'_>, _: &mut Context| {})
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| {})
        .on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| {})
        .on_data(async |_: &mut (), _: Data, _: &mut Context| {})
        .on_header(async |_: &mut (), _: Header<'_>, _: &mut Context| {})
        .on_end_of_headers(async |_: &mut (), _: EndOfHeaders, _: &mut Context| {})
        .on_body(async |_: &mut (), _: BodyChunk<'_>, _: &mut Context| {})
        .on_unknown(async |_: &mut (), _: Unknown<'_>, _: &mut Context| {})
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| Verdict::Continue)
}

/// A filter that has the hooks of the envelope, looks up macros in each of them, and answers continue to everything.
pub fn looking_up() -> impl Application {
    Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, cx: &mut Context| look_up(cx))
        .on_helo(async |_: &mut (), _: Helo<'_>, cx: &mut Context| look_up(cx))
        .on_mail(async |_: &mut (), _: Mail<'_>, cx: &mut Context| look_up(cx))
        .on_rcpt(async |_: &mut (), _: Rcpt<'_>, cx: &mut Context| look_up(cx))
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, cx: &mut Context| look_up(cx))
}

/// One macro that comes with each recipient, one that comes with the connection, one that is never there.
fn look_up(cx: &Context) -> Verdict {
    for name in ["i", "{daemon_name}", "client_name"] {
        black_box(cx.macros.get(name));
    }
    Verdict::Continue
}
