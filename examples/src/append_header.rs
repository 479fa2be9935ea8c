//! Adds a header with the address of the SMTP client to each message.

use std::str::FromStr;
use std::sync::Arc;

use milter_proto::{
    Actions, Application, Connect, Context, HeaderName, Milter, ModificationError, Peer, TextError,
};

/// The filter. It hears of connections only: what is added then is added to every message.
pub fn milter(name: Name) -> impl Application {
    Milter::per_connection(move || Stamp { name: name.clone() })
        .actions(Actions::ADD_HEADERS)
        .on_connect(Stamp::connect)
}

/// The name of a header.
#[derive(Clone, Debug)]
pub struct Name(Arc<str>);

impl FromStr for Name {
    type Err = TextError;

    fn from_str(name: &str) -> Result<Self, TextError> {
        HeaderName::new(name)?;
        Ok(Self(name.into()))
    }
}

struct Stamp {
    name: Name,
}

impl Stamp {
    async fn connect(&mut self, connect: Connect<'_>, cx: &mut Context) -> Result<(), ModificationError> {
        cx.add_header(&*self.name.0, address(&connect))
    }
}

/// The client's IP address, `local` for a client on a unix socket, `unknown` if the MTA does not know it: nothing that
/// the client itself may choose.
fn address(connect: &Connect<'_>) -> String {
    match (connect.peer(), connect.ip()) {
        (_, Some(ip)) => ip.to_string(),
        (Peer::Local { .. }, None) => "local".to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use milter_proto::testing::{Script, now};

    use super::*;

    fn outcome(script: Script) -> String {
        let script = script.mail("<a@b>").rcpt("<c@d>").end_of_message().mail("<a@b>").end_of_message();
        now(script.play(milter("X-Client".parse().unwrap()))).to_string()
    }

    #[test]
    fn every_message_of_the_session_gets_the_header() {
        for (script, address) in [
            (Script::new().connect("192.0.2.1"), "192.0.2.1"),
            (Script::new().connect("2001:db8::1"), "2001:db8::1"),
            (Script::new().connect("IPv6:2001:db8:0:0:0:0:0:1"), "2001:db8::1"),
            (Script::new().connect("unknown"), "unknown"),
            (Script::new().packet(b'C', b"localhost\0U"), "unknown"),
            (Script::new().packet(b'C', b"localhost\0L\0\0/run/\nsocket\0"), "local"),
        ] {
            let added = format!("h X-Client: {address}, c");
            assert_eq!(outcome(script), format!("O, {added}, {added}"));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "X Client", "X:", "Zoë"] {
            assert!(name.parse::<Name>().is_err(), "{name}");
        }
    }
}
