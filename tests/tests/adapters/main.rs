//! What every adapter promises, on TCP and on unix sockets: one suite, run six times.
//!
//! The tests speak from raw sockets, and the filters run on the adapter. What does not depend on a runtime, such as the
//! files of unix sockets, is tested in `listeners`.

mod accepting;
mod crowd;
mod cuts;
mod deadlines;
mod drain;
mod gone;
mod limit;
mod observer;
mod panics;
mod pieces;
mod pipelining;
mod progress;
mod reload;
mod scene;
mod several;
mod signals;
mod slow_readers;
mod stories;
mod streams;
mod waiting;
mod watched;

/// Runs what a closure makes of an adapter's own crate, on its runtime.
macro_rules! on_its_runtime {
    ($on:expr, |$adapter:ident| $future:expr) => {
        match $on.adapter {
            milter_tests::Adapter::Tokio => {
                use milter_tokio as $adapter;
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                runtime.expect("a runtime").block_on($future)
            }
            milter_tests::Adapter::AsyncStd => {
                use milter_async_std as $adapter;
                async_std::task::block_on($future)
            }
            milter_tests::Adapter::Smol => {
                use milter_smol as $adapter;
                smol::block_on($future)
            }
        }
    };
}
pub(crate) use on_its_runtime;

/// Tests that are run on each adapter and each kind of socket.
macro_rules! on_each {
    ($($module:ident::$test:ident)*) => {
        on_each!(@ tokio Tokio $($module::$test)*);
        on_each!(@ async_std AsyncStd $($module::$test)*);
        on_each!(@ smol Smol $($module::$test)*);
    };
    (@ $adapter:ident $Adapter:ident $($module:ident::$test:ident)*) => {
        mod $adapter {
            on_each!(@@ $Adapter tcp Tcp $($module::$test)*);
            on_each!(@@ $Adapter unix Unix $($module::$test)*);
        }
    };
    (@@ $Adapter:ident $socket:ident $Socket:ident $($module:ident::$test:ident)*) => {
        mod $socket {
            use crate::scene::{On, SocketKind};
            use milter_tests::Adapter;

            const ON: On = On { adapter: Adapter::$Adapter, socket: SocketKind::$Socket };

            $(
                #[test]
                fn $test() {
                    crate::$module::$test(ON);
                }
            )*
        }
    };
}

on_each! {
    accepting::address_is_free_as_soon_as_nobody_serves
    accepting::nobody_is_accepted_once_it_drains
    accepting::panic_of_an_observer_is_one_of_who_serves
    crowd::two_hundred_at_once_do_not_mix
    cuts::end_of_stream_at_every_octet
    cuts::reset_at_every_octet
    deadlines::end_of_message_that_takes_too_long_fails_it
    deadlines::first_packet_must_be_complete_in_time
    deadlines::hook_that_takes_too_long_fails_the_message
    deadlines::idle_connection_is_closed
    deadlines::none_switches_a_deadline_off
    deadlines::packet_that_has_begun_must_be_complete_in_time
    deadlines::peer_that_does_not_read_is_closed
    deadlines::time_begins_anew_with_each_packet
    drain::after_a_hook_that_stops_no_other_is_told
    drain::address_is_free_while_messages_are_finished
    drain::connection_that_is_never_quiet_ends
    drain::idle_connections_end_and_messages_are_finished
    drain::message_that_takes_too_long_is_closed
    drain::stop_closes_all
    gone::abort_and_quit_hooks_run_to_their_end
    gone::end_of_stream_cancels_a_hook_after_its_grace
    gone::hook_has_its_time_where_none_is_set_for_who_has_gone
    gone::hook_within_its_grace_is_answered
    gone::reset_cancels_a_hook_at_once
    gone::who_sends_on_is_not_gone
    limit::negotiated_connections_are_never_shed
    limit::oldest_that_has_not_negotiated_makes_room
    observer::everything_is_counted
    panics::destructor_of_a_message
    panics::factory
    panics::factory_of_a_message
    panics::hook
    pieces::any_pieces_are_answered_the_same
    pieces::commands_that_come_while_a_hook_runs_wait
    pipelining::hidden_stages_are_answered_in_one_write
    pipelining::silent_message_is_answered_in_one_write
    progress::end_of_message_is_said_to_be_worked_on
    reload::new_connections_get_the_new_filter
    several::more_listeners_than_newcomers
    several::several_listeners_at_once
    signals::only_a_signal_to_end_ends
    slow_readers::who_never_reads_is_not_read
    stories::broken_protocol_closes
    stories::every_verdict_and_modification
    stories::old_mta_waits_for_everything
    stories::session_that_is_decided_takes_no_more
    stories::smtp_sessions_follow_each_other
    streams::client_asks_a_filter
    streams::client_does_not_wait_for_ever
    streams::one_stream_is_conversed_over
    streams::one_stream_is_conversed_over_within_its_deadlines
}
