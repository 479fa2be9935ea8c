//! What ends connections and hooks otherwise: deadlines, panics, errors, an MTA that goes away, too many connections.

use std::future::pending;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use milter_examples::metrics::Metrics;
use milter_proto::{Application, Context, Data, Deadlines, Helo, Mail, Milter, Rcpt, SmtpReply, Verdict};
use milter_tests::{Adapter, Served, Settings};

use super::mta::{HAM, OFFER, QUIT, connect, say};
use super::page::{certain, counts, wait_for_line};

const HELO: &[u8] = b"\0\0\0\x03Hx\0";
/// From nobody, which the filter takes.
const NULL: &[u8] = b"\0\0\0\x04M<>\0";
const RCPT: &[u8] = b"\0\0\0\x05R<b>\0";
const DATA: &[u8] = b"\0\0\0\x01T";
const SOON: Option<Duration> = Some(Duration::from_millis(300));

/// HELO fails, MAIL panics, RCPT is put off, DATA takes for ever.
fn failing() -> impl Application {
    let helo = async |_: &mut (), _: Helo<'_>, _: &mut Context| Err::<Verdict, _>("no database");
    let mail = async |_: &mut (), mail: Mail<'_>, _: &mut Context| -> Verdict {
        assert!(!mail.address().ends_with(b"ham"), "as it was told");
        Verdict::Continue
    };
    let rcpt = async |_: &mut (), _: Rcpt<'_>, _: &mut Context| Verdict::Reply(SmtpReply::temp_fail("later"));
    let data = async |_: &mut (), _: Data, _: &mut Context| pending::<Verdict>().await;
    Milter::per_message(|| ()).on_helo(helo).on_mail(mail).on_rcpt(rcpt).on_data(data)
}

/// A filter, and where its metrics are.
fn serve(adapter: Adapter, milter: impl Application, mut settings: Settings) -> (Served, String) {
    let (metrics, address) = Metrics::listen("127.0.0.1", 0).unwrap();
    settings.observer = Some(Arc::new(metrics));
    (adapter.serve_with(milter, &["inet:127.0.0.1:0"], settings), address.to_string())
}

#[track_caller]
fn assert_counted(address: &str, connections: usize, expected: &[&str]) {
    let counted = certain(&counts(address, connections));
    for line in expected {
        assert!(counted.iter().any(|counted| counted == line), "{line} is not in {counted:#?}");
    }
}

#[test]
fn failing_hooks_are_counted_by_stage_and_reason() {
    for adapter in Adapter::ALL {
        let mut settings = Settings::default();
        settings.deadlines.hook = SOON;
        let (filter, address) = serve(adapter, failing(), settings);
        say(filter.spec(), &[OFFER, HELO]);
        say(filter.spec(), &[OFFER, HAM]);
        say(filter.spec(), &[OFFER, NULL, RCPT, QUIT]);
        // Not by `say`: an end of the stream would be another reason.
        let mut mta = connect(filter.spec());
        mta.write_all(&[OFFER, NULL, DATA].concat()).unwrap();
        mta.read_to_end(&mut Vec::new()).unwrap();
        let expected = [
            r#"milter_connections_ended_total{how="good_order"} 4"#,
            r#"milter_hook_failures_total{stage="helo",reason="error"} 1"#,
            r#"milter_hook_failures_total{stage="mail",reason="panic"} 1"#,
            r#"milter_hook_failures_total{stage="data",reason="timeout"} 1"#,
            r#"milter_hooks_total{stage="helo",verdict="failed"} 1"#,
            r#"milter_hooks_total{stage="mail",verdict="failed"} 1"#,
            r#"milter_hooks_total{stage="rcpt",verdict="reply_4xx"} 1"#,
            r#"milter_hooks_total{stage="data",verdict="failed"} 1"#,
            r#"milter_hook_duration_seconds_count{stage="data"} 1"#,
        ];
        assert_counted(&address, 4, &expected);
    }
}

#[test]
fn mta_that_goes_away_and_an_end_at_once_are_reasons() {
    for adapter in Adapter::ALL {
        let mut settings = Settings::default();
        settings.deadlines.peer_gone = SOON;
        settings.drain_timeout = Duration::ZERO;
        let (mut filter, address) = serve(adapter, failing(), settings);
        say(filter.spec(), &[OFFER, NULL, DATA]);
        assert_counted(&address, 1, &[r#"milter_hook_failures_total{stage="data",reason="mta_gone"} 1"#]);
        if adapter == Adapter::Tokio {
            // Its runtime takes the tasks along when the filter ends: whether they still tell is a matter of luck.
            continue;
        }
        let mut mta = connect(filter.spec());
        mta.write_all(&[OFFER, NULL, DATA].concat()).unwrap();
        mta.read_exact(&mut [0; 17 + 5]).unwrap();
        filter.drain();
        filter.wait();
        assert_counted(&address, 2, &[r#"milter_hook_failures_total{stage="data",reason="closing"} 1"#]);
    }
}

#[test]
fn octets_that_come_while_a_hook_waits_are_counted() {
    for adapter in Adapter::ALL {
        let (filter, address) = serve(adapter, failing(), Settings::default());
        let mut mta = connect(filter.spec());
        mta.write_all(&[OFFER, NULL, DATA].concat()).unwrap();
        mta.read_exact(&mut [0; 17 + 5]).unwrap();
        // The hook for DATA never ends.
        mta.write_all(QUIT).unwrap();
        let said = [OFFER, NULL, DATA, QUIT].concat().len();
        wait_for_line(&address, &format!("milter_received_bytes_total {said}"));
    }
}

#[test]
fn deadlines_are_counted_by_what_was_waited_for() {
    // One at a time: on a busy machine any other could pass as well.
    let (mut first_packet, mut packet, mut idle) =
        (Deadlines::default(), Deadlines::default(), Deadlines::default());
    (first_packet.first_packet, packet.packet, idle.idle) = (SOON, SOON, SOON);
    for adapter in Adapter::ALL {
        for (deadlines, said, waiting) in [
            (first_packet, &[][..], "first_packet"),
            (packet, &[OFFER, b"\0\0\0\x09M<"], "packet"),
            (idle, &[OFFER], "command"),
        ] {
            let settings = Settings { deadlines, ..Settings::default() };
            let (filter, address) = serve(adapter, failing(), settings);
            let mut mta = connect(filter.spec());
            mta.write_all(&said.concat()).unwrap();
            mta.read_to_end(&mut Vec::new()).unwrap();
            let waited = format!("milter_timeouts_total{{waiting_for=\"{waiting}\"}} 1");
            assert_counted(&address, 1, &[r#"milter_connections_ended_total{how="timeout"} 1"#, &waited]);
        }
    }
}

#[test]
fn panic_outside_of_a_hook_ends_a_connection_too() {
    for adapter in Adapter::ALL {
        let mail = async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue;
        let milter = Milter::per_connection(|| panic!("as it was told")).on_mail(mail);
        let (filter, address) = serve(adapter, milter, Settings::default());
        assert_eq!(connect(filter.spec()).read(&mut [0]).unwrap_or(0), 0);
        let expected = ["milter_connections_open 0", r#"milter_connections_ended_total{how="panic"} 1"#];
        assert_counted(&address, 1, &expected);
    }
}

#[test]
fn connections_closed_to_make_room_are_counted() {
    for adapter in Adapter::ALL {
        let settings = Settings { max_connections: Some(1), ..Settings::default() };
        let (filter, address) = serve(adapter, failing(), settings);
        let mut silent = connect(filter.spec());
        say(filter.spec(), &[OFFER, QUIT]);
        assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
        let expected = [
            r#"milter_connections_ended_total{how="good_order"} 2"#,
            "milter_connections_shed_total 1",
            "milter_connections_total 2",
        ];
        assert_counted(&address, 2, &expected);
    }
}
