//! What the pages in `docs/` say about mail servers and programs is so.

mod deadlines;
mod page;
mod postfix;
mod running;
mod sendmail;

use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);

const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";
