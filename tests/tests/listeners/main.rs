//! Sockets to listen on, and what a service manager hands over: what does not depend on a runtime. What does is tested in
//! `adapters`.

mod inherited;
mod service_manager;
mod tcp;
mod unix_files;
mod unix_rivals;

use std::process::Command;
use std::time::Duration;

use milter_proto::{Application, Context, Mail, Milter, Verdict};
use milter_tests::{RawMta, Runnable, runnable};
use milter_tokio::Server;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A filter that does nothing.
fn milter() -> impl Application {
    Milter::per_message(|| ()).on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue)
}

/// A server that has bound its sockets, and does not serve yet.
fn server() -> Server<impl Application> {
    Server::new(milter())
}

/// Why this cannot be listened on.
#[track_caller]
fn refused(spec: &str) -> String {
    match server().listen(spec) {
        Ok(server) => panic!("{server:?} listens on {spec}"),
        Err(error) => error.to_string(),
    }
}

/// Checks that a filter is there.
#[track_caller]
fn assert_served(spec: &str) {
    RawMta::connect(spec).negotiate();
}

/// Starts a filter by a shell command, in which `"$@"` stands for it and these options.
fn shell(script: &str, options: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).arg(runnable("log-all")).args(options);
    command
}

/// Where a filter listens, once it does.
#[track_caller]
fn listening(filter: &Runnable) -> String {
    let line = filter.wait_for_line("listening on ", TIMEOUT);
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}
