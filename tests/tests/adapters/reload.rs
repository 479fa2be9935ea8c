//! A filter that is replaced while it is served.

use crate::scene::{On, command};
use milter_proto::{Application, CommandKind, Context, Mail, Milter, SmtpReply};
use milter_tests::{Settings, packet};

fn saying(text: &'static str) -> impl Application {
    let mail = async |text: &mut &str, _: Mail<'_>, _: &mut Context| SmtpReply::new(550, None, text).unwrap();
    Milter::per_connection(move || text).on_mail(mail)
}

pub(crate) fn new_connections_get_the_new_filter(on: On) {
    let says = |text: &str| packet(b'y', format!("550 {text}\0").as_bytes());
    let (scene, handle) = on.serve_reloadable(saying("old"), Settings::default());
    let mut before = scene.negotiate();
    before.ask(&command(CommandKind::Mail), &says("old"));
    handle.reload(saying("new"));
    let mut after = scene.negotiate();
    after.ask(&command(CommandKind::Mail), &says("new"));
    before.ask(&command(CommandKind::Mail), &says("old"));
    // Also for its next SMTP session: what was negotiated stays.
    before.send(&command(CommandKind::QuitNewConnection));
    before.ask(&command(CommandKind::Mail), &says("old"));
    handle.reload(saying("newest"));
    scene.negotiate().ask(&command(CommandKind::Mail), &says("newest"));
    after.ask(&command(CommandKind::Mail), &says("new"));
}
