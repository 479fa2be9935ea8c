//! Ends a process group when the test process dies without running its destructors.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads a line: one comes = all is well. End of file = the test process is gone (killed, aborted, Ctrl-C).
const SCRIPT: &str = r#"
read -r _ && exit 0
kill -s TERM -- "-$1"
sleep 1
kill -s KILL -- "-$1"
if [ -n "$2" ]; then rm -rf -- "$2"; fi
"#;

/// A shell that kills a process group, and removes a directory, once the test process is no more.
///
/// It waits for the end of a pipe whose other end only the test process holds. The kernel's "parent death signal"
/// would be no replacement: it comes when the *thread* that started the child ends.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Watches over the process group `group`; `directory` is removed after it.
    pub(crate) fn over(group: u32, directory: Option<&Path>) -> Self {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "watchdog", &group.to_string()])
            .arg(directory.unwrap_or_else(|| Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start /bin/sh as watchdog: {error}"));
        Self { shell }
    }
}

impl Drop for Watchdog {
    /// Dismisses the watchdog: its process group was ended in the proper way.
    fn drop(&mut self) {
        if let Some(mut stdin) = self.shell.stdin.take() {
            let _ = stdin.write_all(b"done\n");
        }
        let _ = self.shell.wait();
    }
}
