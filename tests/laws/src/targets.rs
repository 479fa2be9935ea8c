//! Fuzz targets: each draws an input from octets and holds it against laws.
//!
//! What stands before a stream or a script is of a fixed length, so that recorded sessions can be seeds: see
//! [`Target::prefix`].

use crate::application::Filter;
use crate::commands::{self, OwnedCommand};
use crate::drawn::drawn;
use crate::message::{self, Held};
use crate::packets::{self, Feed};
use crate::replies::{self, Parts};
use crate::responses::{self, OwnedResponse};
use crate::script::Script;
use crate::session::{self, App, Offer, Wanted};
use crate::two_sides::{self, Mischief, Talk};
use crate::{LARGEST_PAYLOAD, application, mta, texts};
use arbitrary::{Arbitrary, Unstructured};
use milter_proto::{MAX_PAYLOAD, MtaRules};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its binary and of the folder of its corpus.
    pub name: &'static str,
    /// Draws an input and holds it against the laws, which panics where one is broken.
    pub run: fn(&[u8]),
    /// How many octets stand before the stream or the script.
    pub prefix: fn() -> usize,
}

/// All fuzz targets.
pub const TARGETS: [Target; 13] = [
    Target { name: "application", run: application, prefix: || 0 },
    Target { name: "command_values", run: command_values, prefix: || 0 },
    Target { name: "commands", run: commands, prefix: || 0 },
    Target { name: "message", run: message, prefix: prefix::<Ways> },
    Target { name: "mta", run: mta, prefix: prefix::<(Offer, bool, Sizes)> },
    Target { name: "negotiation", run: negotiation, prefix: || 0 },
    Target { name: "packets", run: packets, prefix: prefix::<(Feeds, u8)> },
    Target { name: "response_values", run: response_values, prefix: || 0 },
    Target { name: "responses", run: responses, prefix: || 0 },
    Target { name: "session_packets", run: session_packets, prefix: prefix::<App> },
    Target { name: "session_stream", run: session_stream, prefix: prefix::<(App, Sizes)> },
    Target { name: "texts", run: texts, prefix: || 0 },
    Target { name: "two_sides", run: two_sides, prefix: prefix::<(Talk, [Mischiefs; 2])> },
];

type Feeds = [Feed; 12];
type Sizes = [u8; 3];
type Ways = [bool; 3];
type Mischiefs = [(u16, Mischief); 3];

/// However a stream is fed, the same packets come out.
pub fn packets(octets: &[u8]) {
    let (feeds, limit, stream): (Feeds, u8, &[u8]) = drawn(octets);
    let limit = [0, MAX_PAYLOAD + 1, LARGEST_PAYLOAD][usize::from(limit % 3)];
    packets::any_feeding_gives_the_same(stream, &feeds, limit);
    packets::single_bytes_give_the_same(stream);
}

/// A letter and a payload from an MTA.
pub fn commands(octets: &[u8]) {
    if let Some((letter, payload)) = octets.split_first() {
        commands::decoded_is_encoded_is_decoded(*letter, payload);
    }
}

/// A letter and a payload from a filter.
pub fn responses(octets: &[u8]) {
    if let Some((letter, payload)) = octets.split_first() {
        responses::decoded_is_encoded(*letter, payload);
    }
}

/// Commands that an MTA builds.
pub fn command_values(octets: &[u8]) {
    commands::built_is_encoded_is_decoded(&drawn::<OwnedCommand>(octets));
}

/// Responses and replies that a filter builds.
pub fn response_values(octets: &[u8]) {
    responses::built_is_encoded_is_decoded(&drawn::<OwnedResponse>(octets));
    replies::strict_constructor_takes_what_can_be_sent(&drawn::<Parts>(octets));
}

/// Any text, where any text may be given.
pub fn texts(octets: &[u8]) {
    texts::header_texts_are_checked(octets);
    texts::texts_are_checked(octets);
    let text = String::from_utf8_lossy(octets);
    replies::total_constructors_take_any_text(&text);
    replies::any_text_is_read_or_refused(&text);
    texts::endpoints_read_back(&text);
}

/// What a filter wants and what an MTA offers.
pub fn negotiation(octets: &[u8]) {
    let (wanted, Offer(offer), requests): (Wanted, Offer, responses::Requests) = drawn(octets);
    session::an_agreement_is_a_part_of_the_offer(wanted, offer);
    responses::any_requests_make_an_answer(&requests.0);
    let talk = Talk {
        wanted,
        macros: requests.0,
        offer,
        strict: true,
        turns: Vec::new(),
        sizes: Vec::new(),
        progress: 0,
    };
    two_sides::they_never_disagree(&talk, &[]);
}

/// The filter's side, and any octets.
pub fn session_stream(octets: &[u8]) {
    let (app, cuts, stream): (App, Sizes, &[u8]) = drawn(octets);
    session::cuts_change_nothing(&app, stream, &sizes(cuts));
}

/// The filter's side, and any packets.
pub fn session_packets(octets: &[u8]) {
    let (app, script): (App, Script) = drawn(octets);
    session::each_reply_is_given_once_and_in_time(&app, &script.commands());
}

/// The MTA's side, with what is sent to a filter and what that answers.
pub fn mta(octets: &[u8]) {
    let (Offer(offer), strict, cuts, script): (Offer, bool, Sizes, Script) = drawn(octets);
    mta::a_filter_may_say_anything(offer, strict, &script, &sizes(cuts));
}

/// Both sides; the second time with someone in between.
pub fn two_sides(octets: &[u8]) {
    let (talk, [to_filter, to_mta], script): (Talk, [Mischiefs; 2], Script) = drawn(octets);
    let commands = script.commands();
    two_sides::they_never_disagree(&talk, &commands);
    two_sides::someone_in_between_breaks_nothing_else(&talk, &commands, &to_filter, &to_mta);
}

/// What an application says.
pub fn application(octets: &[u8]) {
    application::what_is_said_is_refused_or_canonical(&drawn::<Filter>(octets));
}

/// A message, which is the first that an MTA says, and what filters do with it.
pub fn message(octets: &[u8]) {
    let ([is_sendmail, leading_space, has_own_received], script): (Ways, Script) = drawn(octets);
    let content = script.commands().into_iter().next().map(|(first, rest)| [&[first], &rest[..]].concat());
    let content = content.unwrap_or_default();
    let rules = if is_sendmail { MtaRules::Sendmail } else { MtaRules::Postfix };
    let held = Held { rules, leading_space, has_own_received, content: &content };
    message::what_is_not_changed_is_written_as_it_was_read(held);
    message::deleting_by_name_leaves_none(held);
    message::modifications_do_what_they_say(held, &script.responses());
}

fn sizes(cuts: Sizes) -> Vec<usize> {
    cuts.map(|size| usize::from(size).max(1)).to_vec()
}

/// The length of what stands for this.
fn prefix<T: for<'a> Arbitrary<'a>>() -> usize {
    const MORE_THAN_ENOUGH: [u8; 1024] = [0; 1024];
    let mut u = Unstructured::new(&MORE_THAN_ENOUGH);
    u.arbitrary::<T>().expect("any octets stand for an input");
    MORE_THAN_ENOUGH.len() - u.len()
}
