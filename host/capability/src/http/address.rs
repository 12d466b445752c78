//! Which addresses are somebody's on the public Internet, and which are this machine's, this network's, or nobody's.
//!
//! An IPv6 address that stands for an IPv4 address is judged as that one.
//!
//! Rules: the registries of special-purpose addresses (RFC 6890, with RFC 8190), RFC 4291 §2.5.5 (IPv4 inside IPv6), RFC 6052
//! §2.1 (NAT64), RFC 3056 §2 (6to4), RFC 4380 §4 (Teredo), RFC 3879 (site-local).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns whether an address is a public unicast address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => embedded(address).map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)          // this network, private, loopback, multicast and beyond
            | (100, 64..=127, _)                // shared by carriers (RFC 6598)
            | (169, 254, _)                     // link-local, and the metadata of clouds
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)                   // protocol assignments, documentation
            | (192, 88, 99)                     // relays of 6to4
            | (192, 168, _)
            | (198, 18 | 19, _)                 // benchmarks
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Of IPv6, `2000::/3` alone is given out; what of it is special is left out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_given_out = first & 0xe000 == 0x2000;
    // Protocol assignments with Teredo and ORCHID, 6to4, documentation (RFC 3849, RFC 9637).
    let is_special = (first == 0x2001 && (second < 0x0200 || second == 0x0db8)) || first == 0x2002 || first == 0x3fff;
    is_given_out && !is_special
}

/// Returns the IPv4 address that an IPv6 address stands for. Tunnels are not among them: their own addresses are refused.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let tail = || {
        let [.., a, b, c, d] = address.octets();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // Mapped; compatible, with `::` and `::1` among them; translated (RFC 2765); NAT64.
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(tail()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_told_from_those_outside_however_they_are_written() {
        let inside = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:7f00:1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ];
        let outside = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ];

        let judged = |text: &&'static str| (*text, is_public(text.parse().unwrap()));

        let wrong: Vec<_> = inside.iter().map(judged).filter(|(_, public)| *public).collect();
        let missed: Vec<_> = outside.iter().map(judged).filter(|(_, public)| !*public).collect();
        assert_eq!((wrong, missed), (Vec::new(), Vec::new()));
    }
}
