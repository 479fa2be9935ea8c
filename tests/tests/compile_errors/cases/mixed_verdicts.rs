//@ compiles
//! A narrow verdict becomes a wider one.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn policy() -> Verdict {
    Verdict::Reject
}
struct F;
impl F {
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> BodyVerdict {
        if chunk.len() > 9 { BodyVerdict::Skip } else { policy().into() }
    }
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Result<MessageVerdict, BoxError> {
        Ok(if mail.sender().to_str()?.is_empty() { MessageVerdict::Discard } else { policy().into() })
    }
}
fn f() -> impl Application {
    Milter::per_message(|| F).on_mail(F::mail).on_body(F::body)
}

fn main() {}
