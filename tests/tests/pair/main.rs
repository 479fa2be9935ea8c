//! Stories of an MTA and a filter, wired in memory: what happens to a message, and what passes between the two.

mod accepted_message;
mod discarded_message;
mod failing_hook;
mod filter_gone;
mod hello_twice;
mod macros_as_asked;
mod modifications_at_the_end;
mod octets_in_any_pieces;
mod old_mta;
mod quit_new_connection;
mod rejected_recipient;
mod reset_in_message;
mod silent_hooks_need_no_answer;
mod skipped_body;
mod slow_filter_says_progress;
mod stingy_mta;
mod verdict_over_the_session;
mod watcher;
