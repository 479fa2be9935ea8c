//! Checked texts: each is taken if and only if every octet may stand there.

use milter_proto::{
    Address, ArgumentText, ArgumentsBuf, Endpoint, EnvelopeAddress, HeaderName, HeaderValue, MacroPairsBuf,
    Reason, Text, TextError,
};

/// Law: a header name is taken if and only if each octet may stand there, and so is a value.
pub fn header_texts_are_checked(octets: &[u8]) {
    let name = !octets.is_empty() && octets.iter().all(|octet| (33..=126).contains(octet) && *octet != b':');
    is_taken_or_refused(HeaderName::new(octets).map(HeaderName::text), name, octets);
    let value = octets.iter().enumerate().all(|(at, octet)| match octet {
        b'\n' => matches!(octets.get(at + 1), Some(b' ' | b'\t')),
        other => ![b'\r', 0].contains(other),
    });
    is_taken_or_refused(HeaderValue::new(octets).map(HeaderValue::text), value, octets);
    let unfolded = HeaderValue::unfold_crlf(octets);
    assert_eq!(*HeaderValue::unfold_crlf(&unfolded), *naive_unfold(&unfolded));
    assert_eq!(*unfolded, *naive_unfold(octets));
}

fn naive_unfold(octets: &[u8]) -> Vec<u8> {
    let folds = |at: usize| matches!(octets.get(at..at + 3), Some([b'\r', b'\n', b' ' | b'\t']));
    (0..octets.len()).filter(|at| !folds(*at)).map(|at| octets[at]).collect()
}

/// Law: addresses, arguments and reasons have no control octet and are bounded; what an MTA sends has no NUL.
pub fn texts_are_checked(octets: &[u8]) {
    let printable =
        octets.len() <= 32766 && octets.iter().all(|octet| (32..=126).contains(octet) || *octet > 127);
    is_taken_or_refused(Address::new(octets).map(Address::text), printable, octets);
    is_taken_or_refused(ArgumentText::new(octets).map(ArgumentText::text), printable, octets);
    let reason = printable && !octets.is_empty();
    is_taken_or_refused(Reason::new(octets).map(Reason::text), reason, octets);

    let text = !octets.contains(&0);
    is_taken_or_refused(Text::new(octets), text, octets);
    let (mut macros, mut arguments) = (MacroPairsBuf::new(), ArgumentsBuf::new());
    assert_eq!((macros.push(octets, "").is_ok(), macros.push("", octets).is_ok()), (text, text));
    assert_eq!(arguments.push(octets).is_ok(), text);
    assert_eq!(
        (macros.view().iter().count(), arguments.view().iter().count()),
        (2 * usize::from(text), text.into())
    );

    let envelope = EnvelopeAddress::new(octets).with_arguments(octets);
    assert_eq!((envelope.address(), envelope.arguments().unwrap_or_default()), (octets, octets));
}

fn is_taken_or_refused(built: Result<Text<'_>, TextError>, taken: bool, octets: &[u8]) {
    match built {
        Ok(text) => assert!(taken && text.as_bytes() == octets, "{}", octets.escape_ascii()),
        Err(error) => assert!(!taken && !error.to_string().is_empty(), "{}", octets.escape_ascii()),
    }
}

/// Law: where a filter listens is refused, or written so that it reads back.
pub fn endpoints_read_back(text: &str) {
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint), "{text:?}");
    }
}
