//! Conformance statements 43 to 50: macros as a filter sees them.

mod filter;

use filter::{CONTINUE, Filter, letter_of, wish};
use milter_proto::Wish;
use std::sync::{Arc, Mutex};

const ALL: &str = "CHMRTLNBEUAQ";

/// What each event sees: its letter and the values of all macros, newest stage first.
fn seen(wish: Wish, packets: &[&str]) -> String {
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut filter = Filter::negotiated(wish).on({
        let log = Arc::clone(&log);
        move |event, cx| {
            let values: Vec<String> = cx.macros.iter().map(|(_, value)| value.to_string()).collect();
            log.lock().unwrap().push(format!("{}:{}", letter_of(event), values.concat()));
            CONTINUE
        }
    });
    filter.packets(packets);
    log.lock().unwrap().join(" ")
}

#[test]
fn statement_43_macros_are_not_answered() {
    let mut filter = Filter::negotiated(wish(ALL));
    for letter in "CHMRTLNBEUAQKOXD\x01".chars() {
        assert_eq!(filter.packets(&[&format!("D{letter}i\x001\0")]), "", "{letter}");
    }
}

#[test]
fn statement_44_macros_may_carry_any_letter() {
    for letter in ["L", "B", "U", "X", "\x7f"] {
        let define = format!("D{letter}i\x001\0");
        let expected = "M: R:1 T:";
        assert_eq!(seen(wish("MRTLBU"), &["M<a>\0", &define, "R<b>\0", "T"]), expected, "{letter}");
    }
}

#[test]
fn statement_45_macros_may_come_for_a_step_that_was_switched_off() {
    let packets =
        ["DCi\0a\0", "DHi\0b\0", "DMi\0c\0", "DRi\0d\0", "DTi\0e\0", "DLi\0f\0", "Lx\0y\0", "DE", "E"];
    assert_eq!(seen(wish("LE"), &packets), "L:fedcba E:edcba");
}

#[test]
fn an_aborted_message_still_sees_its_own_macros() {
    // Sendmail, where MAIL takes no reply: after RSET no ABORT, but the macros of the next MAIL.
    let first = ["DMi\x001\0", "M<a>\0", "DRr\x002\0", "R<b>\0"];
    let second = ["DMi\x003\0", "M<c>\0", "DHh\x004\0", "Hx\0"];
    assert_eq!(seen(wish("HmRA"), &[first, second].concat()), "M:1 R:21 A:21 M:3 A:3 H:4");
}

#[test]
fn statement_46_either_spelling_is_found() {
    let mut filter = Filter::negotiated(wish("M"));
    filter.packets(&["DMi\x001\0{j}\x002\0{auth_type}\x003\0auth_ssf\x004\0"]);
    let macros = &filter.session.context().macros;
    for (name, value) in [("i", "1"), ("j", "2"), ("auth_type", "3"), ("auth_ssf", "4")] {
        assert_eq!(macros.get(name).unwrap(), value);
        assert_eq!(macros.get(&format!("{{{name}}}")).unwrap(), value);
        assert_eq!(macros.get(&name.to_uppercase()), None, "case counts");
    }
}

#[test]
fn statement_47_the_volatile_slot_goes_first_then_the_latest_stage() {
    let define = |letter: char| format!("D{letter}n\0{letter}\0");
    let define: Vec<String> = "CHMRTNEL".chars().map(define).collect();
    for count in 1..=define.len() {
        let mut filter = Filter::negotiated(wish(ALL));
        define.iter().take(count).for_each(|define| drop(filter.packets(&[define])));
        let newest = "CHMRTNEL".chars().nth(count - 1).unwrap().to_string();
        assert_eq!(filter.session.context().macros.get("n").unwrap().to_string(), newest);
    }
}

#[test]
fn statement_48_a_set_replaces_the_one_before_it_whole() {
    let packets = ["DRi\x001\0j\x002\0", "DRj\x003\0", "R<b>\0", "DRi\x001\0", "DR", "R<b>\0"];
    assert_eq!(seen(wish("MR"), &[&["M<a>\0"], &packets[..]].concat()), "M: R:3 R:");
}

#[test]
fn statement_49_later_slots_are_cleared_and_what_just_came_survives() {
    let message =
        ["DMn\0m\0", "M<a>\0", "DRn\0r\0", "R<b>\0", "DTn\0t\0", "T", "DNn\0n\0", "N", "DBn\0b\0", "Bx"];
    let shown = "M:mhc R:rmhc T:trmhc N:ntrmhc B:bntrmhc";
    let begin = ["DCn\0c\0", "Ch\0U", "DHn\0h\0", "Hx\0"];
    let with = |end: &[&str]| seen(wish("CHMRTLNBEUA"), &[&begin[..], &message, end].concat());
    let all = |end: &str| format!("C:c H:hc {shown} {end}");
    // The volatile slot lives for one command.
    assert_eq!(with(&["Bx"]), all("B:ntrmhc"));
    // The verdict drops what belongs to the message; so does abort, and MAIL without an end of the other message.
    assert_eq!(with(&["DEn\0e\0", "E", "M<a>\0"]), all("E:entrmhc M:hc"));
    assert_eq!(with(&["A", "M<a>\0"]), all("A:bntrmhc M:hc"));
    assert_eq!(with(&["DMn\0M\0", "M<a>\0"]), all("A:bntrmhc M:Mhc"));
    // HELO drops that of the old one, but not what came for itself.
    assert_eq!(with(&["Hx\0", "M<a>\0"]), all("A:bntrmhc H:c M:c"));
    assert_eq!(with(&["E", "DHn\0H\0", "Hx\0"]), all("E:ntrmhc H:Hc"));
    // A recipient begins without the set of the one before it.
    let packets = ["M<a>\0", "DRn\x001\0", "R<b>\0", "R<b>\0", "DRn\x002\0", "R<b>\0", "T"];
    assert_eq!(seen(wish("MRT"), &packets), "M: R:1 R: R:2 T:2");
    // Where a command is switched off, its macros do its clearing.
    let packets = ["DMn\x001\0", "R<b>\0", "DTn\x002\0", "T", "DMn\x003\0", "R<b>\0", "T"];
    assert_eq!(seen(wish("RTA"), &packets), "R:1 T:21 A:21 R:3 T:3");
    let packets = ["M<a>\0", "DRn\x001\0", "DTn\x002\0", "T", "A", "M<a>\0", "DRn\x003\0", "DR", "T"];
    assert_eq!(seen(wish("MT"), &packets), "M: T:21 M: T:");
}

#[test]
fn statement_50_macros_of_connect_and_helo_are_visible_in_every_message() {
    let message = ["DMn\0m\0", "M<a>\0", "E"];
    let again = ["DMn\0m\0", "M<a>\0", "A", "A", "DMn\0m\0", "M<a>\0", "E"];
    let packets = [&["DCn\0c\0", "Ch\0U", "DHn\0h\0", "Hx\0"], &message[..], &again].concat();
    assert_eq!(seen(wish("CHME"), &packets), "C:c H:hc M:mhc E:mhc M:mhc M:mhc E:mhc");
    // Not after QUIT_NC.
    assert_eq!(
        seen(wish("CHME"), &[&packets, &["K", "Ch\0U", "M<a>\0"][..]].concat()).rsplit(' ').next(),
        Some("M:")
    );
}
