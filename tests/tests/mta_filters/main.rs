//! Filters made for these tests behind a real Postfix and a real Sendmail.

mod failures;
mod leading_space;
mod modifications;
mod replies;
mod slow;
mod state;

use std::time::Duration;

use milter_tests::{MailServer, Served, Sink, Software, serve};
use milter_tokio::Application;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Tests that are run once for each mail server.
macro_rules! behind_each {
    ($($module:ident::$test:ident)*) => {
        behind_each!(@ postfix Postfix $($module::$test)*);
        behind_each!(@ sendmail Sendmail $($module::$test)*);
    };
    (@ $name:ident $Server:ident $($module:ident::$test:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$module::$test(super::Software::$Server);
                }
            )*
        }
    };
}

behind_each! {
    failures::errors_fail_the_message_and_no_other
    failures::failure_at_connect_fails_every_message_of_the_session
    failures::panics_fail_the_message_and_end_the_connection
    leading_space::white_space_after_the_colon_is_kept
    modifications::each_modification_arrives_and_all_together
    replies::replies_reach_the_client
    slow::slow_end_of_message_is_survived_by_progress
    state::messages_of_a_connection_do_not_mix
}

/// A filter in this process, the mail server that asks it and the sink that this delivers to.
struct Scene {
    server: Box<MailServer>,
    sink: Sink,
    // Last: the mail server has to be gone first.
    _filter: Served,
}

impl Scene {
    fn new(software: Software, milter: impl Application) -> Self {
        let (filter, sink) = (serve(milter), Sink::start());
        Self { server: software.start(filter.spec(), &sink), sink, _filter: filter }
    }
}
