//! The programs of the package `milter-examples` behind a real Postfix and a real Sendmail, over TCP and over a unix
//! socket.

mod append_header;
mod block_sender;
mod change_body;
mod killed;
mod log_all;
mod many;
mod smoke;

use std::time::Duration;

use milter_tests::{Software, Transport};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Tests that are run once for each mail server and each kind of socket.
macro_rules! behind_each {
    ($($module:ident::$test:ident)*) => {
        behind_each!(@ postfix_tcp Postfix Tcp $($module::$test)*);
        behind_each!(@ postfix_unix Postfix Unix $($module::$test)*);
        behind_each!(@ sendmail_tcp Sendmail Tcp $($module::$test)*);
        behind_each!(@ sendmail_unix Sendmail Unix $($module::$test)*);
    };
    (@ $name:ident $Server:ident $Transport:ident $($module:ident::$test:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$module::$test(super::Software::$Server, super::Transport::$Transport);
                }
            )*
        }
    };
}

behind_each! {
    append_header::header_is_added_to_every_message
    block_sender::senders_are_rejected_by_the_reply
    block_sender::reply_may_have_percent_signs_and_be_temporary
    change_body::body_is_replaced
    change_body::body_of_a_megabyte_comes_from_a_file
    killed::killed_filter_fails_temporarily_and_may_be_restarted
    log_all::every_event_of_a_connection_is_logged
    log_all::other_alphabets_and_octets_are_logged
    many::append_header_loses_and_doubles_nothing
    many::block_sender_loses_and_doubles_nothing
    many::change_body_loses_and_doubles_nothing
    many::log_all_loses_and_doubles_nothing
    smoke::async_std_modifies_and_rejects
    smoke::smol_modifies_and_rejects
}
