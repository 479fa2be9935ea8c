//! Tests of the harness itself: what it says about Postfix and Sendmail must be true before anything is tested by it.

mod postfix;
mod scripted_milter;
mod sendmail;
