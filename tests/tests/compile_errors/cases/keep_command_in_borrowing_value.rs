//@ points at: F { sender: None }
//@ says: is not general enough
//! A value that borrows from a command would outlive it.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F<'a> {
    sender: Option<Mail<'a>>,
}
impl<'a> F<'a> {
    async fn mail(&mut self, mail: Mail<'a>, _: &mut Context) {
        self.sender = Some(mail);
    }
}
fn f() {
    let _ = Milter::per_connection(|| F { sender: None }).on_mail(F::mail);
}

fn main() {}
