//! The builder: who is called for what, and what is asked of the MTA.

use super::answer::IntoAnswer;
use super::application::{Application, Settings};
use super::hook::{BoxHooks, ConnectionHooks, Hook, Hooks, NoHooks, On, Without};
use super::stages::{RequestsMacros, Stage, stage};
use super::state::{ConnectionAndMessage, PerConnection, PerMessage, State};
use crate::negotiation::{Actions, Protocol};
use crate::verdict::FailureVerdict;
use core::marker::PhantomData;

/// A filter: how its values are made, and its hooks.
///
/// ```
/// use milter_proto::*;
///
/// #[derive(Default)]
/// struct Counter { octets: usize } // one for each message
///
/// impl Counter {
///     async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
///         self.octets += chunk.len(); // returns nothing: the MTA does not wait
///     }
///
///     async fn end_of_message(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
///         cx.add_header("X-Body-Octets", self.octets.to_string())?;
///         Ok(Verdict::Continue)
///     }
/// }
///
/// let milter = Milter::per_message(Counter::default)
///     .actions(Actions::ADD_HEADERS)
///     .on_body(Counter::body)
///     .on_end_of_message(Counter::end_of_message);
///
/// // A filter is tested without a socket and without a runtime.
/// use milter_proto::testing::{Script, now};
/// let outcome = now(Script::new().mail("<a@b>").body("five!").end_of_message().play(milter));
/// assert_eq!(outcome.to_string(), "O, h X-Body-Octets: 5, c");
/// ```
///
/// What all connections share, the values are given when they are made:
///
/// ```
/// # use milter_proto::*;
/// # use std::{collections::HashMap, sync::{Arc, Mutex}};
/// struct Greylist { seen: Arc<Mutex<HashMap<String, u32>>> }
/// let seen = Arc::default();
/// let milter = Milter::per_message(move || Greylist { seen: Arc::clone(&seen) });
/// ```
///
/// A closure that is a hook cannot capture; [`With`](crate::With) carries data to it.
///
/// What does not fit does not compile. A stage outside of a message cannot discard:
///
/// ```compile_fail,E0277
/// # use milter_proto::*;
/// Milter::per_connection(|| ()).on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| MessageVerdict::Discard);
/// ```
///
/// The end of the message must be answered:
///
/// ```compile_fail,E0277
/// # use milter_proto::*;
/// Milter::per_message(|| ()).on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| {});
/// ```
///
/// Only body chunks can be skipped:
///
/// ```compile_fail,E0277
/// # use milter_proto::*;
/// Milter::per_message(|| ()).on_header(async |_: &mut (), _: Header<'_>, _: &mut Context| BodyVerdict::Skip);
/// ```
///
/// Abort and quit are not answered:
///
/// ```compile_fail,E0277
/// # use milter_proto::*;
/// Milter::per_message(|| ()).on_abort(async |_: &mut (), _: Abort, _: &mut Context| Verdict::Continue);
/// ```
///
/// A stage has one hook:
///
/// ```compile_fail,E0277
/// # use milter_proto::*;
/// Milter::per_message(|| ())
///     .on_data(async |_: &mut (), _: Data, _: &mut Context| {})
///     .on_data(async |_: &mut (), _: Data, _: &mut Context| {});
/// ```
///
/// A hook is called on the value of its scope, with the command of its stage:
///
/// ```compile_fail,E0631
/// # use milter_proto::*;
/// struct Message;
/// impl Message { async fn connect(&mut self, _: Connect<'_>, _: &mut Context) {} }
/// Milter::per_message(|| Message).on_connect(Message::connect);
/// ```
///
/// ```compile_fail,E0631
/// # use milter_proto::*;
/// struct Message;
/// impl Message { async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {} }
/// Milter::per_message(|| Message).on_rcpt(Message::mail);
/// ```
#[doc(alias = "smfiDesc")]
#[doc(alias = "smfi_register")]
#[derive(Clone, Debug)]
pub struct Milter<F, H> {
    factory: F,
    hooks: H,
    settings: Settings,
}

impl Milter<(), NoHooks> {
    /// One value for each connection of the MTA, for all stages. What belongs to one message must be reset by the
    /// filter itself; [`message`](Milter::message) gives values that begin and end with the message.
    pub fn per_connection<A: Send + 'static>(
        connection: impl Fn() -> A + Send + Sync,
    ) -> Milter<impl Fn() -> PerConnection<A> + Send + Sync, NoHooks> {
        Milter {
            factory: move || PerConnection { value: connection() },
            hooks: NoHooks,
            settings: Settings::default(),
        }
    }

    /// One value for each message: made for the first hook of a message that is called, dropped when the message is
    /// over, however it ends. Hooks outside of a message are called on `()`.
    pub fn per_message<M: Send + 'static, B: Fn() -> M + Clone + Send + Sync + 'static>(
        message: B,
    ) -> Milter<impl Fn() -> PerMessage<M, B> + Send + Sync, NoHooks> {
        Milter {
            factory: move || PerMessage { nothing: (), message: None, begin: message.clone() },
            hooks: NoHooks,
            settings: Settings::default(),
        }
    }
}

impl<A, F, H> Milter<F, H>
where
    A: Send + 'static,
    F: Fn() -> PerConnection<A> + Send + Sync,
{
    /// From here on the hooks of a message, from MAIL to its end or abort, are called on a value that the connection's
    /// value makes for the message, and that is dropped when the message is over, however it ends. To be called before
    /// these hooks are declared.
    ///
    /// ```
    /// # use milter_proto::*;
    /// struct Peer { address: Option<core::net::IpAddr> }
    /// struct Message { from: Option<core::net::IpAddr>, recipients: u32 }
    ///
    /// impl Peer {
    ///     async fn connect(&mut self, connect: Connect<'_>, _: &mut Context) { self.address = connect.ip(); }
    ///     fn message(&mut self) -> Message { Message { from: self.address, recipients: 0 } }
    /// }
    /// impl Message {
    ///     async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) { self.recipients += 1; }
    /// }
    ///
    /// let milter = Milter::per_connection(|| Peer { address: None })
    ///     .on_connect(Peer::connect)
    ///     .message(Peer::message)
    ///     .on_rcpt(Message::rcpt);
    /// ```
    pub fn message<M: Send + 'static, B: Fn(&mut A) -> M + Clone + Send + Sync + 'static>(
        self,
        begin: B,
    ) -> Milter<impl Fn() -> ConnectionAndMessage<A, M, B> + Send + Sync, H>
    where
        H: ConnectionHooks,
    {
        let Self { factory, hooks, settings } = self;
        let state =
            move || ConnectionAndMessage { connection: factory().value, message: None, begin: begin.clone() };
        Milter { factory: state, hooks, settings }
    }
}

macro_rules! on {
    ($($(#[$meta:meta])* $method:ident $Stage:ident)*) => { $(
        $(#[$meta])*
        pub fn $method<G, R>(self, hook: G) -> Milter<F, On<stage::$Stage, G, R, H>>
        where
            G: for<'a> Hook<'a, <stage::$Stage as Stage>::Scope<St>, stage::$Stage, Output = R>,
            R: IntoAnswer<stage::$Stage>,
            H: Without<stage::$Stage>,
        {
            let Self { factory, hooks, settings } = self;
            Milter { factory, hooks: On { hook, rest: hooks, stage: PhantomData }, settings }
        }
    )* };
}

impl<St: State, F: Fn() -> St, H: Hooks<St>> Milter<F, H> {
    on! {
        /// An SMTP client connected. A final verdict is one over the whole SMTP session.
        #[doc(alias = "xxfi_connect")]
        on_connect Connect
        /// HELO or EHLO, which may be missing and may come again. A final verdict is one over the SMTP session.
        #[doc(alias = "xxfi_helo")]
        on_helo Helo
        /// MAIL: a message begins. From here on hooks are called on the message's value, which after
        /// [`per_connection`](Milter::per_connection) is the connection's, unless [`message`](Milter::message) was called.
        #[doc(alias = "xxfi_envfrom")]
        on_mail Mail
        /// RCPT. A failure concerns this recipient; accept and discard the message.
        #[doc(alias = "xxfi_envrcpt")]
        on_rcpt Rcpt
        /// DATA. Needs version 4 of the protocol.
        #[doc(alias = "xxfi_data")]
        on_data Data
        /// A header.
        #[doc(alias = "xxfi_header")]
        on_header Header
        /// The end of the headers.
        #[doc(alias = "xxfi_eoh")]
        on_end_of_headers EndOfHeaders
        /// A body chunk.
        #[doc(alias = "xxfi_body")]
        on_body Body
        /// The end of the message: its verdict, before which modifications are sent.
        #[doc(alias = "xxfi_eom")]
        on_end_of_message EndOfMessage
        /// A message that was begun is over without a verdict of ours. Its value is dropped after this; for cleaning
        /// up, `Drop` does as well. Not to be relied on for bookkeeping: Sendmail does not always tell.
        #[doc(alias = "xxfi_abort")]
        on_abort Abort
        /// The SMTP session is over: once for each, however it ends.
        #[doc(alias = "xxfi_close")]
        on_quit Quit
        /// An SMTP command that the MTA does not know. It fails in any case.
        #[doc(alias = "xxfi_unknown")]
        on_unknown Unknown
    }

    /// Actions without which the filter cannot work: an MTA that does not offer one is refused.
    #[doc(alias = "xxfi_flags")]
    #[doc(alias = "SMFIF_NONE")]
    pub fn actions(mut self, actions: Actions) -> Self {
        self.settings.wish.require(actions);
        self
    }

    /// Actions that the filter uses where the MTA offers them; [`Context::agreement`](crate::Context::agreement) tells.
    pub fn actions_if_offered(mut self, actions: Actions) -> Self {
        self.settings.wish.prefer(actions);
        self
    }

    /// Asks for recipients that the MTA itself rejected: they come with the macro `{rcpt_mailer}` = `error`, and the
    /// answer to them changes nothing.
    #[doc(alias = "SMFIP_RCPT_REJ")]
    pub fn rejected_recipients(self) -> Self {
        self.request(Protocol::REJECTED_RECIPIENTS)
    }

    /// Asks for header values with all white space after the colon, as signing filters need it.
    #[doc(alias = "SMFIP_HDR_LEADSPC")]
    pub fn leading_space(self) -> Self {
        self.request(Protocol::LEADING_SPACE)
    }

    /// Asks for packets of up to 1 MiB, for headers of more than 64 KiB. Only MTAs that were built for it offer that.
    #[doc(alias = "SMFIP_MDS_1M")]
    #[doc(alias = "SMFIP_MDS_256K")]
    pub fn large_packets(self) -> Self {
        self.request(Protocol::DATA_SIZE_1M | Protocol::DATA_SIZE_256K)
    }

    /// Asks for these macros at a stage instead of those that the MTA sends by default:
    /// `.macros::<stage::Mail>("i {auth_authen}")`. Braces may be left out; the first list for a stage counts.
    ///
    /// Interop: an empty list means none at Sendmail and the default at Postfix.
    #[doc(alias = "smfi_setsymlist")]
    #[doc(alias = "SMFIF_SETSYMLIST")]
    pub fn macros<S: RequestsMacros>(mut self, names: &str) -> Self {
        self.settings.wish.request_macros(S::MACROS, names);
        self
    }

    /// Counts the headers of each message by name, so that
    /// [`delete_all_headers`](crate::Modifications::delete_all_headers) knows them.
    pub fn track_headers(mut self) -> Self {
        self.settings.track_headers = true;
        self
    }

    /// How many octets of modifications may be recorded for one message: 1 MiB unless set. A replaced body does not count.
    pub fn max_modifications(mut self, octets: usize) -> Self {
        self.settings.max_modifications = Some(octets);
        self
    }

    /// What the MTA is told when a hook fails, panics or does not finish: temporary failure unless set.
    ///
    /// Never continue: a hook that would rather let mail pass than put it off, as when a database is away, handles that
    /// error itself and returns [`Verdict::Continue`](crate::Verdict::Continue).
    pub fn on_failure(mut self, verdict: FailureVerdict) -> Self {
        self.settings.failure = verdict;
        self
    }

    /// Erases the type of the hooks, for programs whose set of hooks is data. A second hook for a stage is then no
    /// compile error: the last one counts.
    pub fn boxed(self) -> Milter<F, BoxHooks<St>> {
        let Self { factory, hooks, settings } = self;
        Milter { factory, hooks: BoxHooks::new(hooks), settings }
    }

    fn request(mut self, abilities: Protocol) -> Self {
        self.settings.wish.request(abilities);
        self
    }
}

impl<St, F, H> Application for Milter<F, H>
where
    St: State,
    F: Fn() -> St + Send + Sync + 'static,
    H: Hooks<St>,
{
    type State = St;
    type Hooks = H;

    fn state(&self) -> St {
        (self.factory)()
    }

    fn hooks(&self) -> &H {
        &self.hooks
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[cfg(test)]
mod tests;
