//! What a filter looks up in a command: parts of what came, and nothing else.

use milter_proto::{Arguments, Command, CommandKind, Connect, Header, Peer, Text};

/// Law: whatever came can be looked at, and what is seen is a part of it.
pub fn what_is_looked_up_came(command: &Command<'_>) {
    let kind = command.kind();
    assert_eq!(CommandKind::from_letter(kind.letter()), Ok(kind));
    assert!(!kind.name().is_empty() && kind.to_string().starts_with(kind.c_name()));
    assert!(!format!("{command:?}").is_empty());
    match command {
        Command::Connect(connect) => peer(connect),
        Command::Mail(mail) => envelope(mail.sender(), mail.address(), mail.arguments()),
        Command::Rcpt(rcpt) => envelope(rcpt.recipient(), rcpt.address(), rcpt.arguments()),
        Command::Header(header) => name(header),
        Command::Helo(helo) => text(helo.name()),
        Command::Unknown(unknown) => text(unknown.line()),
        Command::DefineMacros(define) => {
            assert_eq!(define.macros().is_empty(), define.macros().iter().next().is_none());
            define.macros().iter().for_each(|(name, value)| [name, value].into_iter().for_each(text));
        }
        Command::Body(chunk) | Command::EndOfMessage(Some(chunk)) => assert!(!chunk.is_empty()),
        _ => {}
    }
}

fn peer(connect: &Connect<'_>) {
    text(connect.hostname());
    let peer = connect.peer();
    text(peer.text());
    assert_eq!(connect.ip(), peer.ip());
    let (is_ipv4, is_ipv6) = (matches!(peer, Peer::Ipv4 { .. }), matches!(peer, Peer::Ipv6 { .. }));
    assert_eq!(peer.port().is_some(), is_ipv4 || is_ipv6);
    if let Some(ip) = connect.ip() {
        assert_eq!((ip.is_ipv4(), ip.is_ipv6()), (is_ipv4, is_ipv6));
        assert!(is_ipv6 || peer.text() == ip.to_string().as_str());
    }
}

fn envelope(whole: Text<'_>, address: Text<'_>, arguments: Arguments<'_>) {
    text(whole);
    let bracketed = [b"<", address.as_bytes(), b">"].concat();
    assert!(whole == address || whole == *bracketed);
    assert_eq!(arguments.is_empty(), arguments.iter().next().is_none());
    for argument in arguments.iter() {
        text(argument.raw());
        let (keyword, value) = (argument.keyword(), argument.value());
        let equals = value.map(|value| [b"=", value.as_bytes()].concat()).unwrap_or_default();
        assert!(!keyword.contains(&b'=') && argument.raw() == *[keyword.as_bytes(), &equals].concat());
        let first = arguments.iter().find(|other| other.keyword().eq_ignore_ascii_case(&keyword));
        if let Ok(keyword) = keyword.to_str() {
            let first = first.expect("this one at least");
            assert_eq!(arguments.get(keyword), Some(first.value().unwrap_or_default()));
        }
    }
}

fn name(header: &Header<'_>) {
    text(header.name());
    text(header.value());
    let spelt = header.canonical_name().to_string();
    assert!(spelt.eq_ignore_ascii_case(&header.name().to_string_lossy()));
    if let Ok(name) = header.name().to_str() {
        assert!(header.is(name) && header.is(&name.to_ascii_uppercase()) && !header.is(&format!("{name}-")));
    }
}

fn text(text: Text<'_>) {
    let octets: &[u8] = text.as_ref();
    assert!(!octets.contains(&0) && text == *octets && Text::try_from(octets) == Ok(text));
    assert_eq!(text.to_string(), String::from_utf8_lossy(octets));
    if let Ok(read) = text.to_str() {
        assert!(text == *read && text == read && Text::try_from(read) == Ok(text));
    }
}
