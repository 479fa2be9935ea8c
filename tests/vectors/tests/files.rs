//! The committed files: they parse, they print as they stand, and none of them goes missing.

use milter_vectors::{
    Event, How, Mark, Side, directory, format_packet, format_session, parse_session, session_files, sessions,
};
use std::fs;

#[test]
fn files_print_as_they_stand() {
    for (name, file) in session_files() {
        let text = fs::read_to_string(&file).unwrap();
        let session = parse_session(&name, &text).unwrap_or_else(|error| panic!("{error}"));
        let lines: Vec<_> = text.lines().collect();
        for packet in session.packets() {
            assert_eq!(format_packet(packet), lines[packet.line - 1], "{name}.txt:{}", packet.line);
        }
        assert_eq!(format_session(&session), text, "{name}.txt");
    }
}

#[test]
fn counts() {
    let sessions = sessions();
    // Files, connections, packets of the MTA, packets of the filter, illegal, unsupported, rule-breaking files.
    for (folder, expected) in
        [("postfix/", [97, 107, 3253, 1544, 11, 5, 16]), ("sendmail/", [93, 101, 1970, 1372, 11, 4, 15])]
    {
        let mut counts = [0; 7];
        for session in sessions.iter().filter(|session| session.name.starts_with(folder)) {
            counts[0] += 1;
            counts[1] += session.connections.len();
            counts[6] += usize::from(session.breaks_rules.is_some());
            for packet in session.packets() {
                counts[if packet.side == Side::Mta { 2 } else { 3 }] += 1;
                match packet.mark {
                    Mark::Legal => {}
                    Mark::Illegal(_) => counts[4] += 1,
                    Mark::Unsupported(_) => counts[5] += 1,
                }
            }
        }
        assert_eq!(counts, expected, "{folder}");
    }
    assert_eq!(sessions.len(), 190);
}

#[test]
fn every_mark_stands_in_the_readme() {
    let readme = fs::read_to_string(directory().join("README.md")).unwrap();
    let mut rows: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("| postfix/") || line.starts_with("| sendmail/"))
        .map(str::to_owned)
        .collect();
    let mut marked = Vec::new();
    for session in sessions() {
        for packet in session.packets() {
            let letter = char::from(packet.letter);
            let (Mark::Illegal(reason) | Mark::Unsupported(reason)) = &packet.mark else { continue };
            marked.push(format!("| {} | {} | `{letter}` | {reason} |", session.name, packet.line));
        }
        if let Some(reason) = &session.breaks_rules {
            marked.push(format!("| {} | {reason} |", session.name));
        }
    }
    rows.sort();
    marked.sort();
    assert_eq!(rows, marked);
}

#[test]
fn only_filters_are_marked() {
    for session in sessions() {
        for packet in session.packets() {
            assert!(
                packet.side == Side::Filter || packet.mark == Mark::Legal,
                "{}:{}",
                session.name,
                packet.line
            );
        }
    }
}

#[test]
fn bytes_of_a_side() {
    let sessions = sessions();
    let plain = sessions.iter().find(|session| session.name == "postfix/plain").unwrap();
    let [connection] = &plain.connections[..] else { panic!("one connection was expected") };
    let from_filter = connection.bytes_from(Side::Filter);
    assert_eq!(from_filter[..22], *b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\0\0\0\0\0\0\x01c");
    let whole = connection.packets().map(|packet| packet.payload.len() + 5).sum();
    assert_eq!(from_filter.len() + connection.bytes_from(Side::Mta).len(), whole);
    let down = sessions.iter().find(|session| session.name == "postfix/milter_down").unwrap();
    assert_eq!(down.connections[0].events[0], Event::End { side: Side::Filter, how: How::Refused });
}
