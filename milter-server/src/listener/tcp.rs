//! TCP, of both families.

use super::Listener;
use socket2::{Domain, SockRef, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};

/// Connections that may wait to be accepted: more than MTAs open at once, and few enough that an MTA behind as many others
/// is served soon.
const BACKLOG: i32 = 512;

/// Octets of answers that the system keeps for an MTA that does not read them. Without a limit it would take megabytes
/// for each connection, and as long as it does we go on reading.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT: u32 = 8 * 1024;

/// Binds every address of the host: a name such as `localhost` often has one of either family, and an MTA may try either.
pub(super) fn bind(host: &str, port: u16, only_v6: bool) -> io::Result<Vec<Listener>> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in (host, port).to_socket_addrs()? {
        if (address.is_ipv6() || !only_v6) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    bind_all(&addresses, port, only_v6)
}

fn bind_all(addresses: &[SocketAddr], mut port: u16, only_v6: bool) -> io::Result<Vec<Listener>> {
    let mut bound = Vec::new();
    let mut failed = None;
    for mut address in addresses.iter().copied() {
        // A port that the system chooses is the same for all.
        address.set_port(port);
        match bind_one(address, only_v6) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                bound.push(Listener::bound(listener.into())?);
            }
            // A host may be named for a family that the system does not have.
            Err(error) if lacks_family(&error) => failed = Some(error),
            Err(error) => return Err(error),
        }
    }
    if bound.is_empty() {
        let none =
            || io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address of this family");
        return Err(failed.unwrap_or_else(none));
    }
    Ok(bound)
}

fn bind_one(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `inet:[::]` is every address there is, whatever the system's default.
        let every = address.ip() == IpAddr::from([0_u16; 8]) && !only_v6;
        socket.set_only_v6(!every)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Sets what accepted connections inherit.
pub(super) fn configure(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    // Elsewhere there is a limit for all that is sent as well, which would slow down large answers.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    SockRef::from(listener).set_tcp_notsent_lowat(UNSENT)?;
    Ok(())
}

fn lacks_family(error: &io::Error) -> bool {
    use nix::libc::{EADDRNOTAVAIL, EAFNOSUPPORT};
    matches!(error.raw_os_error(), Some(EAFNOSUPPORT | EADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use milter_proto::Endpoint;

    const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];

    fn endpoints(hosts: &[&str]) -> io::Result<Vec<Endpoint>> {
        let addresses = hosts.iter().map(|host| SocketAddr::new(host.parse().expect("an address"), 0));
        bind_all(&addresses.collect::<Vec<_>>(), 0, false)?.iter().map(Listener::endpoint).collect()
    }

    #[test]
    fn both_families_have_the_same_port() {
        for hosts in [LOOPBACK, [LOOPBACK[1], LOOPBACK[0]]] {
            let found = endpoints(&hosts).expect("free ports");
            let ports = found.iter().map(|endpoint| match endpoint {
                Endpoint::Inet { host, port } => (&**host, *port),
                other => panic!("{other}"),
            });
            let (found_hosts, ports): (Vec<&str>, Vec<u16>) = ports.unzip();
            assert_eq!(found_hosts, hosts);
            assert_eq!(ports[0], ports[1]);
            assert_ne!(ports[0], 0);
        }
    }

    #[test]
    fn address_that_the_system_lacks_is_left_out() {
        // Of a net for documentation: nobody has it.
        assert_eq!(endpoints(&["192.0.2.1", "127.0.0.1"]).expect("one that is there").len(), 1);
        assert!(endpoints(&["192.0.2.1"]).is_err());
        assert!(endpoints(&[]).is_err());
    }
}
