//! Tests of the harness itself: what it says about Postfix and Sendmail must be true before anything is tested by it.

mod both;
mod postfix;
mod scripted_milter;
mod sendmail;

use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(20);
const MESSAGE: &[u8] = b"From: Alice <alice@sender.test>\r\nSubject: test\r\n\r\nHello\r\n";
