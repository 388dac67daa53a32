//! Which addresses a request of user code may be connected to: the public Internet, and what the operator allows beside
//! it. To be asked of the very address that is connected to, each time: a name may resolve to another one the next moment.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What is not the public Internet, and what it is. From the IANA special-purpose address registries (RFC 6890), but for
/// the last line.
const NOT_PUBLIC_V4: [(Ipv4Net, &str); 16] = [
    (v4([0, 0, 0, 0], 8), "this host (RFC 791)"),
    (v4([10, 0, 0, 0], 8), "a private network (RFC 1918)"),
    (v4([100, 64, 0, 0], 10), "a carrier's network (RFC 6598)"),
    (v4([127, 0, 0, 0], 8), "this host (loopback)"),
    (
        v4([169, 254, 0, 0], 16),
        "link-local, where clouds keep their metadata",
    ),
    (v4([172, 16, 0, 0], 12), "a private network (RFC 1918)"),
    (v4([192, 0, 0, 0], 24), "reserved (RFC 6890)"),
    (v4([192, 0, 2, 0], 24), "for documentation (RFC 5737)"),
    (v4([192, 88, 99, 0], 24), "a relay of 6to4 (RFC 7526)"),
    (v4([192, 168, 0, 0], 16), "a private network (RFC 1918)"),
    (v4([198, 18, 0, 0], 15), "for benchmarks (RFC 2544)"),
    (v4([198, 51, 100, 0], 24), "for documentation (RFC 5737)"),
    (v4([203, 0, 113, 0], 24), "for documentation (RFC 5737)"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved (RFC 1112)"),
    (v4([168, 63, 129, 16], 32), "Azure's own service to its machines"),
];

/// All of IPv6 that is handed out to the public.
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0], 3);
/// What of [`PUBLIC_V6`] is not public after all.
const NOT_PUBLIC_V6: [(Ipv6Net, &str); 5] = [
    (v6([0x2001, 2, 0], 48), "for benchmarks (RFC 5180)"),
    (
        v6([0x2001, 0x10, 0], 28),
        "no place but a name (ORCHID, RFC 4843)",
    ),
    (
        v6([0x2001, 0x20, 0], 28),
        "no place but a name (ORCHID, RFC 7343)",
    ),
    (v6([0x2001, 0xdb8, 0], 32), "for documentation (RFC 3849)"),
    (v6([0x3fff, 0, 0], 20), "for documentation (RFC 9637)"),
];

/// IPv6 addresses that carry an IPv4 address in their last 32 bits, and are other spellings of it.
const SPELLINGS_OF_V4: [Ipv6Net; 3] = [
    v6([0, 0, 0], 96),                                                   // compatible (RFC 4291)
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), // mapped (RFC 4291)
    v6([0x64, 0xff9b, 0], 96),                                           // NAT64 (RFC 6052)
];
/// A tunnel to the IPv4 address behind the prefix (RFC 3056).
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0], 16);
/// A tunnel by way of one IPv4 address to another, whose bits are inverted (RFC 4380).
const TEREDO: Ipv6Net = v6([0x2001, 0, 0], 32);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c]: [u16; 3], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Which addresses may be connected to.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Networks that the operator allows, public or not: these win.
    pub allowed: Vec<IpNet>,
    /// The machine's own addresses, public ones too: what listens there is meant for the house.
    pub own: Vec<IpAddr>,
}

impl Reach {
    /// The address to connect to: the same one, in its one spelling.
    ///
    /// # Errors
    /// [`Denied`]: it is not of the public Internet, or the machine's own, and no network that is allowed holds it.
    pub fn check(&self, address: IpAddr) -> Result<IpAddr, Denied> {
        let canonical = canonical(address);
        let Some(what) = self.not_public(canonical) else {
            return Ok(canonical);
        };
        if self.allows(canonical) {
            return Ok(canonical);
        }
        Err(Denied {
            address: canonical,
            what,
        })
    }

    /// What an address is, if not public. Of a tunnel: what any of its ends is that is not allowed.
    fn not_public(&self, address: IpAddr) -> Option<&'static str> {
        if self.own.iter().any(|own| canonical(*own) == address) {
            return Some("an address of this machine");
        }
        let IpAddr::V6(v6) = address else {
            return special(address);
        };
        special(address).or_else(|| {
            let ends = tunnel(v6).into_iter().flatten().map(IpAddr::V4);
            ends.filter(|end| !self.allows(*end))
                .find_map(|end| self.not_public(end))
        })
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }
}

/// An address that may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Denied {
    /// In its one spelling.
    pub address: IpAddr,
    /// What it is: words that follow "is".
    pub what: &'static str,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.address, self.what)
    }
}

/// One spelling per place: IPv6 addresses that only spell an IPv4 address become it.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if SPELLINGS_OF_V4.iter().any(|spelling| spelling.contains(&v6)) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    }
}

fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => named(&NOT_PUBLIC_V4, |network| network.contains(&v4)),
        IpAddr::V6(v6) if !PUBLIC_V6.contains(&v6) => Some("outside the public part of IPv6 (2000::/3)"),
        IpAddr::V6(v6) => named(&NOT_PUBLIC_V6, |network| network.contains(&v6)),
    }
}

fn named<N>(table: &[(N, &'static str)], holds: impl Fn(&N) -> bool) -> Option<&'static str> {
    let found = table.iter().find(|(network, _)| holds(network));
    found.map(|(_, what)| *what)
}

/// The IPv4 addresses that packets to this one are handed to.
fn tunnel(v6: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let octets = v6.octets();
    let at = |from: usize| Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3]);
    if SIX_TO_FOUR.contains(&v6) {
        [Some(at(2)), None]
    } else if TEREDO.contains(&v6) {
        [Some(at(4)), Some(Ipv4Addr::from_bits(!at(12).to_bits()))]
    } else {
        [None, None]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(address: &str) -> bool {
        Reach::default().check(address.parse().unwrap()).is_err()
    }

    #[test]
    fn every_spelling_of_a_place_inside_is_refused() {
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
        ] {
            let v4: Ipv4Addr = inside.parse().unwrap();
            let [a, b, c, d] = v4.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let teredo = |server: [u16; 2], client: [u16; 2]| {
                format!(
                    "2001:0:{:x}:{:x}:0:0:{:x}:{:x}",
                    server[0], server[1], !client[0], !client[1]
                )
            };
            let public = [0x0808, 0x0808];
            for spelling in [
                inside.to_owned(),
                format!("::ffff:{inside}"),
                format!("::{inside}"),
                format!("64:ff9b::{inside}"),
                format!("2002:{high:x}:{low:x}::1"),
                teredo([high, low], public),
                teredo(public, [high, low]),
            ] {
                assert!(refused(&spelling), "{spelling}");
            }
        }
    }

    #[test]
    fn ipv6_is_refused_unless_it_is_handed_out_to_the_public() {
        for inside in [
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b:1::1",
            "100::1",
            "1fff::1",
            "4000::1",
            "5f00::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff::1",
        ] {
            assert!(refused(inside), "{inside}");
        }
        for public in [
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
            "3fff:1000::1",
            "2002:808:808::1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "168.63.129.15",
        ] {
            assert!(!refused(public), "{public}");
        }
    }

    #[test]
    fn what_is_connected_to_is_spelt_once() {
        let reach = Reach::default();
        for spelling in ["8.8.8.8", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::808:808"] {
            assert_eq!(
                reach.check(spelling.parse().unwrap()),
                Ok("8.8.8.8".parse().unwrap()),
                "{spelling}"
            );
        }
    }

    #[test]
    fn what_the_operator_allows_wins_in_every_spelling() {
        let reach = Reach {
            allowed: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            own: Vec::new(),
        };
        for allowed in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
            "2002:a01:203::1",
            "fd12::1",
        ] {
            assert!(reach.check(allowed.parse().unwrap()).is_ok(), "{allowed}");
        }
        for refused in [
            "10.2.0.1",
            "::ffff:10.2.0.1",
            "2002:a02:1::1",
            "fc00::1",
            "127.0.0.1",
        ] {
            assert!(reach.check(refused.parse().unwrap()).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_machine_itself_is_refused_by_its_public_addresses_too() {
        let own = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut reach = Reach {
            allowed: Vec::new(),
            own: vec![own("8.8.4.4"), own("2606:4700::1")],
        };
        for spelling in ["8.8.4.4", "::ffff:8.8.4.4", "2002:808:404::1", "2606:4700::1"] {
            let denied = reach.check(own(spelling)).unwrap_err();
            assert!(
                denied.to_string().ends_with("is an address of this machine"),
                "{denied}"
            );
        }
        assert!(reach.check(own("8.8.8.8")).is_ok());
        reach.allowed = vec!["8.8.4.4/32".parse().unwrap()];
        assert!(reach.check(own("8.8.4.4")).is_ok());
    }

    proptest! {
        /// The standard library knows some of the ranges: whatever it says is inside is refused.
        #[test]
        fn nothing_that_the_standard_library_calls_private_gets_through(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let inside = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
            prop_assert!(!inside || Reach::default().check(v4.into()).is_err());
            let mapped = Reach::default().check(v4.to_ipv6_mapped().into());
            prop_assert_eq!(mapped, Reach::default().check(v4.into()));
        }

        #[test]
        fn nothing_outside_the_public_part_of_ipv6_gets_through_as_ipv6(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            match Reach::default().check(v6.into()) {
                Ok(IpAddr::V6(public)) => prop_assert!(PUBLIC_V6.contains(&public)),
                Ok(IpAddr::V4(_)) => prop_assert!(SPELLINGS_OF_V4.iter().any(|spelling| spelling.contains(&v6))),
                Err(_) => {}
            }
        }
    }
}
