//! Many connections.

use crate::scene::{CONTINUE, On, answers, command};
use milter_proto::{
    Actions, BodyChunk, CommandKind, Context, EndOfMessage, Helo, Mail, Milter, ModificationError, Verdict,
};
use milter_tests::{RawMta, packet};

const CONNECTIONS: usize = 200;

struct Client {
    name: String,
}

struct Message {
    names: Vec<String>,
}

impl Client {
    async fn helo(&mut self, helo: Helo<'_>, _: &mut Context) {
        self.name = helo.name().to_string();
    }

    fn message(&mut self) -> Message {
        Message { names: vec![self.name.clone()] }
    }
}

impl Message {
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Verdict {
        self.names.push(mail.address().to_string());
        Verdict::Continue
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        self.names.push(String::from_utf8_lossy(chunk.as_bytes()).into_owned());
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        cx.add_header("X-Heard", self.names.join(" "))?;
        Ok(Verdict::Continue)
    }
}

pub(crate) fn two_hundred_at_once_do_not_mix(on: On) {
    let milter = Milter::per_connection(|| Client { name: String::new() })
        .actions(Actions::ADD_HEADERS)
        .on_helo(Client::helo)
        .message(Client::message)
        .on_mail(Message::mail)
        .on_body(Message::body)
        .on_end_of_message(Message::end_of_message);
    let scene = on.serve(milter);
    let mut mtas: Vec<RawMta> = (0..CONNECTIONS).map(|_| scene.connect()).collect();
    mtas.iter_mut().for_each(RawMta::negotiate);
    assert_eq!(scene.connections(), CONNECTIONS);
    // Each packet is sent on all of them before the next one on any.
    let mut send_all = |octets: &dyn Fn(usize) -> Vec<u8>, answer: &dyn Fn(usize) -> Vec<u8>| {
        mtas.iter_mut().enumerate().for_each(|(number, mta)| mta.send(&octets(number)));
        mtas.iter_mut().enumerate().rev().for_each(|(number, mta)| mta.expect(&answer(number)));
    };
    send_all(&|number| packet(b'H', format!("client{number}\0").as_bytes()), &|_| Vec::new());
    for message in 0..3 {
        let name = |what: &str, number: usize| format!("{what}{}", number * 10 + message);
        send_all(&|number| packet(b'M', format!("<{}>\0", name("sender", number)).as_bytes()), &|_| {
            CONTINUE.to_vec()
        });
        send_all(&|number| packet(b'B', name("body", number).as_bytes()), &|_| Vec::new());
        send_all(&|_| command(CommandKind::EndOfMessage), &|number| {
            let heard = format!("client{number} {} {}", name("sender", number), name("body", number));
            [packet(b'h', format!("X-Heard\0{heard}\0").as_bytes()), answers("c")].concat()
        });
    }
    drop(mtas);
    scene.wait_for_connections(0);
}
