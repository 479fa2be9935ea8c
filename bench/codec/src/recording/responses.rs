//! What a filter answers.

use super::Recording;
use milter_proto::{
    Address, AddressAndArguments, ArgumentText, HeaderField, HeaderName, HeaderValue, Modification, Options,
    OptionsAnswer, Reason, ReplacementChunk, Response, SmtpReply,
};

impl Recording {
    /// The answers to one message: the negotiation, a continue for each of many stages, a refused recipient, every kind
    /// of modification, and the verdict.
    pub fn responses() -> Self {
        let mut recording = Self::default();
        let mut push = |response: Response<'_>| recording.add(|bytes| response.encode(bytes));
        push(Response::Negotiate(OptionsAnswer::new(Options::CURRENT, Default::default()).expect("fits")));
        let refused = SmtpReply::lines(550, "5.7.1", ["Mail from here is refused", "Ask the postmaster"]);
        push(Response::Reply(refused.expect("a sound reply").view()));
        for _ in 0..16 {
            push(Response::Continue);
        }
        push(Response::Progress);
        let field = |name, value| {
            let (name, value) = (HeaderName::new(name), HeaderValue::new(value));
            HeaderField::new(name.expect("sound"), value.expect("sound")).expect("fits")
        };
        let address = Address::new("<someone@example.org>").expect("sound");
        let notify = Some(ArgumentText::new("NOTIFY=NEVER").expect("sound"));
        let results = "mx.example.org;\n\tspf=pass smtp.mailfrom=sender@sender.example;\n\tdkim=none";
        for modification in [
            Modification::AddHeader(field("X-Spam-Score", "0.3")),
            Modification::InsertHeader { index: 0, field: field("Authentication-Results", results) },
            Modification::ChangeHeader { occurrence: 1, field: field("Subject", "[list] Quarterly figures") },
            Modification::ChangeSender(AddressAndArguments::new(address, None)),
            Modification::AddRecipient(address),
            Modification::AddRecipientWithArguments(AddressAndArguments::new(address, notify)),
            Modification::DeleteRecipient(address),
            Modification::Quarantine(Reason::new("waits for a look at it").expect("sound")),
        ] {
            push(Response::Modification(modification));
        }
        let body = b"This is not what was written at first.\r\n".repeat(100);
        for chunk in ReplacementChunk::split(&body) {
            push(Response::Modification(Modification::ReplaceBody(chunk)));
        }
        push(Response::Accept);
        recording
    }
}
