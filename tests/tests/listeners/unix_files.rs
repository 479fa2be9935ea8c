//! The file of a unix socket: who may connect, what is at its path before, and what is left after.

use super::{assert_served, listening, milter, refused, server, shell};
use milter_tests::{Adapter, MilterSocket, Runnable, Settings, serve_on};
use milter_tokio::SocketAccess;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

fn lock(socket: &MilterSocket) -> PathBuf {
    PathBuf::from(format!("{}.lock", socket.path().display()))
}

/// Changes what may connect.
fn access(change: impl FnOnce(&mut SocketAccess)) -> SocketAccess {
    let mut access = SocketAccess::default();
    change(&mut access);
    access
}

#[test]
fn mode_is_kept_whatever_the_umask() {
    for umask in ["0", "022", "077", "0777"] {
        for (options, mode) in
            [(&[][..], 0o660), (&["--socket-mode", "600"], 0o600), (&["--socket-mode", "666"], 0o666)]
        {
            let socket = MilterSocket::new();
            let script = format!("umask {umask}; exec \"$@\"");
            let spec = socket.spec();
            let options = [&["--listen", &spec], options].concat();
            let filter = Runnable::start(&mut shell(&script, &options));
            assert_served(&listening(&filter));
            let found = fs::metadata(socket.path()).unwrap();
            assert!(found.file_type().is_socket());
            assert_eq!(found.mode() & 0o7777, mode, "umask {umask}");
            assert_eq!(fs::metadata(lock(&socket)).unwrap().mode() & 0o077, 0, "umask {umask}");
        }
    }
}

#[test]
fn owner_and_group_are_set_by_name_and_by_number() {
    for (owner, group, ids) in [
        (Some("nobody"), Some("daemon"), (65534, 1)),
        (Some("65534"), None, (65534, 0)),
        (None, Some("1"), (0, 1)),
        (None, None, (0, 0)),
    ] {
        let socket = MilterSocket::new();
        let access = access(|access| {
            access.owner = owner.map(str::to_owned);
            access.group = group.map(str::to_owned);
        });
        let settings = Settings { access, ..Settings::default() };
        let served = Adapter::Tokio.serve_with(milter(), &[&socket.spec()], settings);
        assert_served(served.spec());
        let found = fs::metadata(socket.path()).unwrap();
        assert_eq!((found.uid(), found.gid()), ids);
        assert_eq!(found.mode() & 0o7777, 0o660);
    }
}

#[test]
fn unknown_owner_or_group_leaves_nothing() {
    let socket = MilterSocket::new();
    for (access, reason) in [
        (
            access(|access| access.owner = Some("no-such-user".to_owned())),
            "there is no user \"no-such-user\"",
        ),
        (
            access(|access| access.group = Some("no-such-group".to_owned())),
            "there is no group \"no-such-group\"",
        ),
    ] {
        let error = server().listen_with(socket.spec(), &access).unwrap_err().to_string();
        assert_eq!(error, format!("cannot listen on {}: {reason}", socket.spec()));
        assert!(!socket.path().exists() && !lock(&socket).exists());
    }
}

#[test]
fn stale_socket_is_replaced() {
    let socket = MilterSocket::new();
    drop(UnixListener::bind(socket.path()).unwrap());
    assert!(socket.path().exists());
    let served = serve_on(milter(), &socket.spec());
    assert_served(served.spec());
}

#[test]
fn what_is_no_socket_is_never_touched() {
    let socket = MilterSocket::new();
    let path = socket.path();
    let elsewhere = MilterSocket::new();
    drop(UnixListener::bind(elsewhere.path()).unwrap());
    let expected = format!("cannot listen on {}: the file exists, and is no socket", socket.spec());

    fs::write(&path, "a file").unwrap();
    assert_eq!(refused(&socket.spec()), expected);
    assert_eq!(fs::read(&path).unwrap(), b"a file");
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    assert_eq!(refused(&socket.spec()), expected);
    assert!(path.is_dir());
    fs::remove_dir(&path).unwrap();

    // Wherever it points to: a stale socket, a file, nothing.
    let file = elsewhere.path().with_file_name("file");
    fs::write(&file, "a file").unwrap();
    for target in [elsewhere.path(), file.clone(), elsewhere.path().with_file_name("nothing")] {
        symlink(&target, &path).unwrap();
        assert_eq!(refused(&socket.spec()), expected);
        assert_eq!(fs::read_link(&path).unwrap(), target);
        fs::remove_file(&path).unwrap();
    }
    assert!(elsewhere.path().exists());
    assert_eq!(fs::read(&file).unwrap(), b"a file");
    assert!(!lock(&socket).exists());
}

#[test]
fn lock_file_is_never_followed() {
    let socket = MilterSocket::new();
    let target = socket.path().with_file_name("target");
    symlink(&target, lock(&socket)).unwrap();
    let error = refused(&socket.spec());
    assert!(error.contains(&format!("its lock file {}: ", lock(&socket).display())), "{error}");
    assert!(!target.exists() && !socket.path().exists());
    assert_eq!(fs::read_link(lock(&socket)).unwrap(), target);
}

#[test]
fn path_that_cannot_be_bound_is_named() {
    let long = format!("/tmp/{}", "x".repeat(200));
    for path in ["/nonexistent/socket", &*long] {
        let error = refused(&format!("unix:{path}"));
        assert!(error.starts_with(&format!("cannot listen on unix:{path}: ")), "{error}");
        assert!(!PathBuf::from(format!("{path}.lock")).exists());
    }
}

#[test]
fn nothing_is_left_at_the_end() {
    let socket = MilterSocket::new();
    let served = serve_on(milter(), &socket.spec());
    assert!(socket.path().exists() && lock(&socket).exists());
    drop(served);
    assert!(!socket.path().exists() && !lock(&socket).exists());
    // Nor of a server that never served.
    let bound = server().listen(socket.spec()).unwrap();
    assert!(socket.path().exists());
    assert!(bound.listen("inet6:127.0.0.1:0").is_err());
    assert!(!socket.path().exists() && !lock(&socket).exists());
}

#[test]
fn file_of_somebody_else_is_left_at_the_end() {
    let socket = MilterSocket::new();
    let served = serve_on(milter(), &socket.spec());
    fs::remove_file(socket.path()).unwrap();
    let other = UnixListener::bind(socket.path()).unwrap();
    let inode = fs::metadata(socket.path()).unwrap().ino();
    drop(served);
    assert_eq!(fs::metadata(socket.path()).unwrap().ino(), inode);
    drop(other);

    let socket = MilterSocket::new();
    let served = serve_on(milter(), &socket.spec());
    fs::remove_file(socket.path()).unwrap();
    fs::write(socket.path(), "a file").unwrap();
    drop(served);
    assert_eq!(fs::read(socket.path()).unwrap(), b"a file");
}
