//! The tables of time-outs: they name the defaults that there are, and those fit.

use std::process::Command;
use std::time::Duration;

use milter_proto::Deadlines;
use milter_tests::foreign;

use super::page::{read, rows};

/// A deadline of the library, by its name.
#[track_caller]
fn deadline(name: &str) -> Duration {
    let deadlines = Deadlines::default();
    let deadline = match name {
        "`hook`" => deadlines.hook,
        "`end_of_message`" => deadlines.end_of_message,
        "`idle`" => deadlines.idle,
        other => panic!("{other} is in no table"),
    };
    deadline.unwrap()
}

fn seconds(text: &str) -> Duration {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let unit = match text.chars().find(char::is_ascii_alphabetic) {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        other => panic!("{text}: {other:?} is no unit"),
    };
    Duration::from_secs(digits.parse::<u64>().unwrap() * unit)
}

#[test]
fn defaults_of_postfix_fit_ours() {
    let page = read("postfix.md");
    let rows: Vec<[&str; 5]> =
        rows(&page).into_iter().filter(|row: &[&str; 5]| row[0].contains("_timeout")).collect();
    assert_eq!(rows.len(), 4);
    for [parameter, default, relation, ours, our_default] in rows {
        let name = parameter.trim_matches('`');
        let output = Command::new(foreign("postconf")).args(["-dh", name]).output().unwrap();
        let known = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // smtpd_timeout is less under stress: ${stress?{10}:{300}}s
        let known =
            known.rsplit_once('{').map_or_else(|| known.clone(), |(_, normal)| normal.replace('}', ""));
        assert_eq!(known, default, "{name}");
        if ours == "–" {
            continue;
        }
        let limit = deadline(ours);
        assert_eq!(limit, seconds(our_default), "{ours}");
        match relation {
            "more than" => assert!(seconds(default) > limit, "{name}"),
            "less than" => assert!(seconds(default) < limit, "{name}"),
            other => panic!("{other} is no relation"),
        }
    }
}

#[test]
fn what_sendmail_is_told_fits_ours() {
    let page = read("sendmail.md");
    let rows: Vec<[&str; 5]> =
        rows(&page).into_iter().filter(|row: &[&str; 5]| row[3].starts_with('`')).collect();
    let rows: Vec<[&str; 5]> = rows.into_iter().filter(|row| row[2].ends_with("than")).collect();
    assert_eq!(rows.len(), 4);
    // As the page would have everybody write it.
    let written = "T=C:30s;S:30s;R:30s;E:5m";
    assert!(page.contains(written));
    for [what, default, relation, ours, our_default] in rows {
        let limit = deadline(ours);
        assert_eq!(limit, seconds(our_default), "{ours}");
        let theirs = match what.chars().nth(1) {
            Some('R') => "30s",
            Some('E') => "5m",
            _ => default,
        };
        match relation {
            "more than" => assert!(seconds(theirs) > limit, "{what}"),
            "less than" => assert!(seconds(theirs) < limit, "{what}"),
            other => panic!("{other} is no relation"),
        }
    }
}
