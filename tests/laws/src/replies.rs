//! SMTP replies: whatever a constructor makes is a sound reply, and says what it was given.

use crate::octets::string;
use crate::with_packet;
use milter_proto::{Response, SmtpReply, SmtpReplyView};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a filter gives the strict constructor.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The reply code.
    pub code: u16,
    /// The enhanced status code.
    pub enhanced: Option<String>,
    /// The lines without their codes.
    pub lines: Vec<String>,
}

/// Law: a reply that was built survives the wire, and its lines are sound SMTP.
pub fn built_is_sound(reply: &SmtpReply) {
    let view = reply.view();
    assert_eq!(SmtpReplyView::new(view.as_wire()), Ok(view));
    assert!((400..=599).contains(&view.code()));
    assert_eq!(view.is_permanent(), view.code() >= 500);
    let mut encoded = Vec::new();
    Response::Reply(view).encode(&mut encoded);
    with_packet(&encoded, |packet| assert_eq!(Response::decode(packet), Ok(Response::Reply(view))));
    assert_eq!(view.to_reply(), *reply);

    let lines: Vec<_> = view.as_wire().split(|octet| *octet == b'\n').collect();
    for (line, number) in lines.iter().zip(1..) {
        let (line, separator) = match line.strip_suffix(b"\r") {
            Some(line) if number < lines.len() => (line, b'-'),
            _ => (*line, b' '),
        };
        assert_eq!((&line[..3], line[3]), (view.code().to_string().as_bytes(), separator));
        assert!(!line.iter().any(u8::is_ascii_control), "{line:?}");
        let percents = line.iter().filter(|octet| **octet == b'%').count();
        assert_eq!(percents % 2, 0, "{line:?}");
    }
}

/// Law: the strict constructor takes exactly what can be sent, and the reply says just that.
pub fn strict_constructor_takes_what_can_be_sent(parts: &Parts) {
    let Parts { code, enhanced, lines } = parts;
    let built = SmtpReply::lines(*code, enhanced.as_deref(), lines);
    let class = code / 100;
    let class_of = |text: &str| {
        let mut numbers = text.split('.');
        let class = numbers.next().filter(|class| ["2", "4", "5"].contains(class))?.parse::<u16>().ok()?;
        let detail =
            |number: &str| (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let rest: Vec<_> = numbers.collect();
        (rest.len() == 2 && rest.iter().all(|number| detail(number))).then_some(class)
    };
    // Without an enhanced code, texts that look as if each had one must not contradict the code.
    let contradicts = match enhanced {
        Some(enhanced) => class_of(enhanced) != Some(class),
        None => {
            let classes: Option<Vec<_>> =
                lines.iter().map(|line| class_of(line.split(' ').next().unwrap_or_default())).collect();
            classes.is_some_and(|classes| classes.iter().any(|found| *found != class))
        }
    };
    let sound = (400..=599).contains(code)
        && !contradicts
        && (1..=32).contains(&lines.len())
        && lines.iter().all(|line| line.len() <= 980 && !line.bytes().any(|octet| octet.is_ascii_control()));
    assert_eq!(built.is_ok(), sound, "{built:?}");
    let Ok(reply) = built else { return };
    built_is_sound(&reply);
    let expected = lines.iter().map(|line| match enhanced {
        Some(enhanced) if line.is_empty() => enhanced.clone(),
        Some(enhanced) => format!("{enhanced} {line}"),
        None => line.clone(),
    });
    assert!(reply.view().text().eq(expected.map(String::into_bytes)));
    if let Some(enhanced) = enhanced {
        assert_eq!(reply.view().enhanced(), Some(&enhanced[..]));
    }
    if let [_] = &lines[..] {
        let read: SmtpReply = reply.to_string().parse().expect("a reply of one line reads back");
        assert_eq!(read.to_string().trim_end(), reply.to_string().trim_end());
    }
}

/// Law: the total constructors make a sound reply of one line out of any text.
pub fn total_constructors_take_any_text(text: &str) {
    for (reply, code, enhanced) in
        [(SmtpReply::reject(text), 550, "5.7.1"), (SmtpReply::temp_fail(text), 451, "4.7.1")]
    {
        built_is_sound(&reply);
        assert_eq!((reply.view().code(), reply.view().enhanced()), (code, Some(enhanced)));
        assert_eq!(reply.view().text().count(), 1);
        assert_eq!(reply.view().text().next().unwrap().len(), 6 + text.chars().count().min(980));
    }
}

/// Law: reading what an operator wrote never panics, and what it makes is sound.
pub fn any_text_is_read_or_refused(text: &str) {
    if let Ok(reply) = text.parse::<SmtpReply>() {
        built_is_sound(&reply);
    }
}

/// What a filter may give, mostly what can be sent.
pub fn parts() -> BoxedStrategy<Parts> {
    let code = prop_oneof![9 => 400..=599u16, 1 => any::<u16>()];
    let enhanced = prop_oneof![
        4 => Just(None),
        4 => select(&["5.7.1", "4.7.1", "5.123.999"][..]).prop_map(|enhanced| Some(enhanced.to_owned())),
        1 => select(&["2.0.0", "5.7", "5.7.1 ", "5.1234.1", "5..1", "", "6.1.1", "5.7.1.1"][..])
            .prop_map(|enhanced| Some(enhanced.to_owned())),
    ];
    let plain = vec(select(&[' ', '%', 'a', '5', '.', '-', 'é'][..]), 0..20)
        .prop_map(|chars| chars.into_iter().collect::<String>());
    let line = || {
        prop_oneof![
            20 => plain.clone(),
            4 => (select(&["5.7.1", "4.7.1", "2.0.0"][..]), select(&["", " ", " x", "x"][..]))
                .prop_map(|(enhanced, rest)| format!("{enhanced}{rest}")),
            1 => string(980),
            1 => (select(&["%", "a"][..]), 979..=981usize).prop_map(|(part, count)| part.repeat(count)),
        ]
    };
    let lines =
        prop_oneof![8 => vec(line(), 1..4), 1 => vec(line(), 0..35), 1 => Just(vec!["%".repeat(980); 32])];
    (code, enhanced, lines).prop_map(|(code, enhanced, lines)| Parts { code, enhanced, lines }).boxed()
}

/// A line as an operator might write it, or not.
pub fn line() -> BoxedStrategy<String> {
    let code = select(&["550", "451", "250", "55", "+55", "5500", "421"][..]);
    (code, select(&["", " ", "-", " 5.7.1", " 4.7.1 ", " 5.7.1 x"][..]), string(1000))
        .prop_map(|(code, enhanced, text)| format!("{code}{enhanced}{text}"))
        .boxed()
}
