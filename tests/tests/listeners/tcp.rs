//! TCP, over IPv4 and IPv6.

use super::{assert_served, milter, refused};
use milter_tests::{RawMta, Served, serve_on};
use std::net::{IpAddr, TcpListener, ToSocketAddrs};

/// The port of the first socket.
fn port(served: &Served) -> u16 {
    served.spec().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn ipv6_addresses_are_listened_on() {
    for spec in ["inet:[::1]:0", "inet6:[::1]:0", "inet6:0@::1"] {
        let served = serve_on(milter(), spec);
        assert_eq!(served.spec(), format!("inet:[::1]:{}", port(&served)));
        assert_served(served.spec());
        assert!(RawMta::try_connect(&format!("inet:127.0.0.1:{}", port(&served))).is_err());
    }
}

#[test]
fn every_address_is_that_of_both_families() {
    let served = serve_on(milter(), "inet:[::]:0");
    for host in ["127.0.0.1", "[::1]"] {
        assert_served(&format!("inet:{host}:{}", port(&served)));
    }
}

#[test]
fn inet6_leaves_ipv4_to_others() {
    let served = serve_on(milter(), "inet6:[::]:0");
    assert_served(&format!("inet:[::1]:{}", port(&served)));
    let ipv4 = format!("inet:0.0.0.0:{}", port(&served));
    assert!(RawMta::try_connect(&format!("inet:127.0.0.1:{}", port(&served))).is_err());
    let other = serve_on(milter(), &ipv4);
    assert_served(&format!("inet:127.0.0.1:{}", port(&other)));
}

#[test]
fn host_name_is_listened_on_at_all_of_its_addresses() {
    let mut addresses: Vec<IpAddr> =
        ("localhost", 0).to_socket_addrs().unwrap().map(|address| address.ip()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let served = serve_on(milter(), "inet:localhost:0");
    let mut found: Vec<IpAddr> = Vec::new();
    for spec in served.specs() {
        assert_served(spec);
        // The port that the system chose is the same for all.
        let host =
            spec.strip_prefix("inet:").and_then(|rest| rest.strip_suffix(&format!(":{}", port(&served))));
        found.push(host.unwrap().trim_matches(['[', ']']).parse().unwrap());
    }
    found.sort_unstable();
    assert_eq!(found, addresses);
}

#[test]
fn what_cannot_be_listened_on_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let of_another = format!("inet:{}", taken.local_addr().unwrap());
    for (spec, reason) in [
        (&*of_another, "Address already in use"),
        ("inet6:127.0.0.1:0", "the host has no address of this family"),
        ("inet:192.0.2.1:0", "Cannot assign requested address"),
        ("inet:no-such-host.invalid:0", "lookup"),
    ] {
        let error = refused(spec);
        assert!(error.starts_with(&format!("cannot listen on {spec}: ")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}
