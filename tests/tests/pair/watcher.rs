//! A filter that answers every stage by continue and notes what it saw.

use milter_proto::{
    Abort, Application, BodyChunk, Connect, Context, Data, EndOfHeaders, EndOfMessage, Header, Helo, Mail,
    Milter, Quit, Rcpt, Unknown, Verdict,
};
use std::sync::{Arc, Mutex};

/// What a filter saw, a word each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn note(&self, word: impl Into<String>) {
        self.0.lock().unwrap().push(word.into());
    }

    /// Takes what was seen so far.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

macro_rules! note {
    ($($method:ident $Command:ty: $word:expr;)*) => { impl Seen { $(
        async fn $method(&mut self, command: $Command, _: &mut Context) -> Verdict {
            let word: fn(&$Command) -> String = $word;
            self.note(word(&command));
            Verdict::Continue
        }
    )* } };
}

note! {
    connect Connect<'_>: |connect| format!("connect={}", connect.hostname());
    helo Helo<'_>: |helo| format!("helo={}", helo.name());
    mail Mail<'_>: |mail| format!("mail={}", mail.address());
    rcpt Rcpt<'_>: |rcpt| format!("rcpt={}", rcpt.address());
    data Data: |_| "data".into();
    header Header<'_>: |header| format!("header={}", header.name());
    end_of_headers EndOfHeaders: |_| "end_of_headers".into();
    body BodyChunk<'_>: |chunk| format!("body={}", chunk.len());
    end_of_message EndOfMessage: |_| "end_of_message".into();
    unknown Unknown<'_>: |unknown| format!("unknown={}", unknown.line());
}

impl Seen {
    async fn abort(&mut self, _: Abort, _: &mut Context) {
        self.note("abort");
    }

    async fn quit(&mut self, _: Quit, _: &mut Context) {
        self.note("quit");
    }

    /// A filter with a hook for every stage, whose hooks note into this.
    pub(crate) fn watcher(&self) -> impl Application + use<> {
        self.watching(true)
    }

    /// A filter with a hook for every stage of the oldest version, whose hooks note into this.
    pub(crate) fn watcher_without_data(&self) -> impl Application + use<> {
        self.watching(false)
    }

    fn watching(&self, data: bool) -> impl Application + use<> {
        let seen = self.clone();
        Milter::per_connection(move || seen.clone())
            .on_connect(Self::connect)
            .on_helo(Self::helo)
            .on_mail(Self::mail)
            .on_rcpt(Self::rcpt)
            .on_data(data.then_some(Self::data))
            .on_header(Self::header)
            .on_end_of_headers(Self::end_of_headers)
            .on_body(Self::body)
            .on_end_of_message(Self::end_of_message)
            .on_unknown(Self::unknown)
            .on_abort(Self::abort)
            .on_quit(Self::quit)
    }
}
