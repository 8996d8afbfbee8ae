//! The packet code on bytes made by hand: no socket.

use super::*;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9));

fn ipv4_around(payload: &[u8], destination: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 63, 1, 0, 0, 10, 0, 0, 1];
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}

fn ipv6_around(payload: &[u8], destination: Ipv6Addr) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, 0, ICMPV6, 64];
    bytes.extend([0; 16]);
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}

fn summed(mut icmp: Vec<u8>) -> Vec<u8> {
    icmp[2..4].fill(0);
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    icmp
}

fn reply(echo: &Echo, seq: u16) -> Vec<u8> {
    let mut icmp = echo.request(seq);
    icmp[0] = if echo.destination.is_ipv4() { 0 } else { 129 };
    match echo.destination {
        IpAddr::V4(a) => ipv4_around(&summed(icmp), a),
        IpAddr::V6(_) => icmp,
    }
}

fn refusal(echo: &Echo, head: [u8; 8], seq: u16, quoted: usize) -> Vec<u8> {
    let mut icmp = head.to_vec();
    let request = &echo.request(seq)[..quoted];
    match echo.destination {
        IpAddr::V4(a) => {
            icmp.extend(ipv4_around(request, a));
            ipv4_around(&summed(icmp), a)
        }
        IpAddr::V6(a) => {
            icmp.extend(ipv6_around(request, a));
            icmp
        }
    }
}

#[test]
fn the_checksum_is_that_of_rfc_1071() {
    assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    assert_eq!(checksum(&[0xff]), 0x00ff, "an odd byte counts as the upper half");
    assert_eq!(checksum(&[]), 0xffff);
    assert_eq!(checksum(&Echo::new(V4, 57).request(3)), 0);
}

#[test]
fn a_reply_is_known_by_id_number_and_token() {
    for destination in [V4, V6] {
        for size in [0, 3, 8, 56] {
            let echo = Echo::new(destination, size);
            assert_eq!(echo.request(7).len(), usize::from(size) + ECHO_HEADER);
            let ttl = destination.is_ipv4().then_some(63);
            assert_eq!(echo.read(&reply(&echo, 7)), Some(Answer::Reply { seq: 7, ttl }));
        }
        let echo = Echo::new(destination, 56);
        let other_token = Echo {
            token: [1; 8],
            ..echo.clone()
        };
        let other_id = Echo {
            id: echo.id ^ 1,
            ..echo.clone()
        };
        assert_eq!(echo.read(&reply(&other_token, 7)), None);
        assert_eq!(echo.read(&reply(&other_id, 7)), None);
    }
}

#[test]
fn a_damaged_reply_is_no_reply() {
    let echo = Echo::new(V4, 56);
    let mut bytes = reply(&echo, 1);
    *bytes.last_mut().expect("a reply has bytes") ^= 0x10;
    assert_eq!(echo.read(&bytes), None);
}

#[test]
fn a_refusal_is_known_by_the_echo_it_quotes() {
    let cases = [
        (V4, [3, 1, 0, 0, 0, 0, 0, 0], "Destination Host Unreachable", "!H"),
        (
            V4,
            [3, 4, 0, 0, 0, 0, 0x05, 0x78],
            "Frag needed and DF set (mtu = 1400)",
            "!F-1400",
        ),
        (V4, [3, 13, 0, 0, 0, 0, 0, 0], "Packet filtered", "!X"),
        (V4, [11, 0, 0, 0, 0, 0, 0, 0], "Time to live exceeded", ""),
        (V6, [1, 0, 0, 0, 0, 0, 0, 0], "Destination unreachable: No route", "!N"),
        (
            V6,
            [2, 0, 0, 0, 0, 0, 0x05, 0x78],
            "Packet too big: mtu=1400",
            "!F-1400",
        ),
        (V6, [3, 0, 0, 0, 0, 0, 0, 0], "Time exceeded: Hop limit", ""),
    ];
    for (destination, head, words, mark) in cases {
        let echo = Echo::new(destination, 56);
        for quoted in [8, 12, 64] {
            let Some(Answer::Refusal { seq: 5, reason }) = echo.read(&refusal(&echo, head, 5, quoted)) else {
                panic!("{words}: not read with {quoted} bytes of the echo");
            };
            assert_eq!((reason.words().as_str(), reason.mark().as_str()), (words, mark));
        }
        let elsewhere = match destination {
            IpAddr::V4(_) => Echo {
                destination: Ipv4Addr::new(10, 0, 0, 8).into(),
                ..echo.clone()
            },
            IpAddr::V6(_) => Echo {
                destination: Ipv6Addr::LOCALHOST.into(),
                ..echo.clone()
            },
        };
        assert_eq!(elsewhere.read(&refusal(&echo, head, 5, 64)), None);
        let other_token = Echo {
            token: [1; 8],
            ..echo.clone()
        };
        assert_eq!(other_token.read(&refusal(&echo, head, 5, 64)), None);
    }
}

#[test]
fn every_type_and_code_has_words() {
    for v6 in [false, true] {
        for kind in 0..=u8::MAX {
            for code in 0..=u8::MAX {
                let reason = Reason {
                    v6,
                    kind,
                    code,
                    info: u32::MAX,
                };
                assert!(!reason.words().is_empty());
                assert_eq!(reason.mark().is_empty(), reason.is_out_of_hops());
            }
        }
    }
}

#[test]
fn no_byte_string_makes_the_reader_panic() {
    for destination in [V4, V6] {
        let echo = Echo::new(destination, 56);
        for whole in [reply(&echo, 1), refusal(&echo, [3, 1, 0, 0, 0, 0, 0, 0], 1, 64)] {
            for cut in 0..=whole.len() {
                echo.read(&whole[..cut]);
            }
            // Each byte of a good message replaced by each value, its sum made good again or not.
            for at in 0..whole.len().min(100) {
                for value in 0..=u8::MAX {
                    let mut bytes = whole.clone();
                    bytes[at] = value;
                    echo.read(&bytes);
                    if destination.is_ipv4() && at >= 20 {
                        bytes.splice(20.., summed(bytes[20..].to_vec()));
                        echo.read(&bytes);
                    }
                }
            }
        }
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for length in 0..4000 {
            let bytes: Vec<u8> = (0..length % 130)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (state >> 56) as u8
                })
                .collect();
            echo.read(&bytes);
        }
    }
}
