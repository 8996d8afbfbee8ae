use super::*;

/// A packet of IPv4 with ports.
fn ipv4(source: [u8; 4], destination: [u8; 4], transport: u8, ports: (u16, u16)) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, transport, 0, 0];
    packet.extend(source);
    packet.extend(destination);
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet.extend([0; 4]);
    packet
}

/// A packet of IPv6 whose content stands behind a hop-by-hop header.
fn ipv6(transport: u8, ports: (u16, u16)) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 16, 0, 64];
    packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend([transport, 0, 0, 0, 0, 0, 0, 0]);
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet
}

fn arp() -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1];
    packet.extend([2, 0, 0, 0, 0, 1, 10, 0, 0, 1]);
    packet.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    packet
}

#[track_caller]
fn passes(filter: &str, protocol: u16, payload: &[u8]) -> bool {
    let packet = Packet {
        bytes: &[],
        length: 0,
        time: (0, 0),
        protocol,
        payload,
    };
    filter.parse::<Filter>().expect(filter).passes(&packet)
}

#[test]
fn words_choose_packets() {
    let web = ipv4([10, 0, 0, 1], [10, 0, 1, 2], TCP, (5000, 80));
    for filter in [
        "ip",
        "tcp",
        "not udp",
        "!udp",
        "host 10.0.0.1",
        "10.0.1.2",
        "src 10.0.0.1",
        "src host 10.0.0.1",
        "dst 10.0.1.2 and tcp",
        "net 10.0.0.0/24",
        "dst net 10.0.1.0/24",
        "src 10.0.0.0/24",
        "port 80",
        "dst port 80",
        "tcp port 80",
        "tcp dst port 80",
        "src port 5000",
        "portrange 79-81",
        "port 443 or 80",
        "udp or tcp",
        "( udp or tcp ) and (port 80)",
        "(udp||tcp)&&!port 81",
        "src or dst port 80",
        "src and dst net 10.0.0.0/16",
        "not not tcp",
        "ip host 10.0.0.1",
        "not (arp or icmp6)",
        "tcp and src 10.0.0.1 or arp",
    ] {
        assert!(passes(filter, IPV4, &web), "{filter}");
    }
    for filter in [
        "ip6",
        "udp",
        "not tcp",
        "host 10.0.0.2",
        "src 10.0.1.2",
        "dst net 10.0.0.0/24",
        "port 81",
        "src port 80",
        "udp port 80",
        "portrange 81-90",
        "icmp",
        "icmp6",
        "arp",
        "port 443 or 81",
        "arp host 10.0.0.1",
        "src and dst net 10.0.0.0/24",
        "host fd00::1",
        "tcp or udp and arp",
    ] {
        assert!(!passes(filter, IPV4, &web), "{filter}");
    }
}

#[test]
fn ipv6_is_seen_past_its_extension_headers_and_arp_has_addresses() {
    let web = ipv6(UDP, (53, 5000));
    for filter in [
        "ip6",
        "udp",
        "udp src port 53",
        "host fd00::1",
        "dst fd00::2",
        "net fd00::/64",
        "not ip",
    ] {
        assert!(passes(filter, IPV6, &web), "{filter}");
    }
    for filter in ["arp", "host 10.0.0.1", "arp dst host 10.0.0.2", "not ip and not ip6"] {
        assert!(passes(filter, ARP, &arp()), "{filter}");
    }
    let mut tagged = vec![0, 42, 8, 6];
    tagged.extend(arp());
    assert!(passes("arp and src 10.0.0.1", 0x8100, &tagged), "behind a VLAN tag");
}

#[test]
fn only_the_first_fragment_has_ports() {
    let mut fragment = ipv4([10, 0, 0, 1], [10, 0, 0, 2], UDP, (53, 53));
    assert!(passes("port 53", IPV4, &fragment));
    fragment[7] = 1;
    assert!(!passes("port 53", IPV4, &fragment));
    assert!(passes("udp", IPV4, &fragment));
}

#[test]
fn what_is_not_understood_is_named() {
    for (filter, words) in [
        ("icpm", "does not understand `icpm`: did you mean `icmp`?"),
        ("quux 5", "does not understand `quux`"),
        ("", "is empty"),
        ("  ", "is empty"),
        ("tcp udp", "wants `and` or `or` before `udp`"),
        ("tcp and", "ends where"),
        ("host", "ends where an address is wanted"),
        ("host x", "wants an address such as `10.0.0.1` after `host`, not `x`"),
        ("net 10.0.0.1/24", "has the net `10.0.0.1/24`, which is 10.0.0.0/24"),
        ("port http", "wants a number after `port`, not `http`"),
        ("port 70000", "wants a number"),
        ("portrange 5-3", "wants two ports"),
        ("(tcp", "has a `(` without its `)`"),
        ("tcp)", "has a `)` without its `(`"),
        ("(tcp 5", "wants"),
        ("tcp host 10.0.0.1", "goes before a port"),
        ("ip port 80", "has no ports"),
        ("icmp host 10.0.0.1", "stands alone"),
        ("tcp & udp", "before `&`"),
        ("src port", "ends where a port is wanted"),
    ] {
        let error = filter.parse::<Filter>().expect_err(filter);
        assert!(error.contains(words), "{filter}: {error}");
    }
}

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn no_text_and_no_packet_makes_it_panic() {
    let mut dice = Dice(7);
    let extra = [
        "(",
        ")",
        "!",
        "&&",
        "||",
        "&",
        "80",
        "10.0.0.1",
        "10.0.0.0/8",
        "fd00::1",
        "ä",
        "1-2",
        "\0",
    ];
    let pieces: Vec<&str> = WORDS.iter().copied().chain(extra).collect();
    let mut understood = 0;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..dice.roll(9) {
            text.push_str(pieces[dice.roll(pieces.len())]);
            if dice.roll(8) > 0 {
                text.push(' ');
            }
        }
        let Ok(filter) = text.parse::<Filter>() else { continue };
        understood += 1;
        let bytes: Vec<u8> = (0..dice.roll(80)).map(|_| dice.roll(256) as u8).collect();
        for protocol in [IPV4, IPV6, ARP, 0x8100, 0x88a8, 4] {
            for length in 0..=bytes.len() {
                let content = Content::of(protocol, &bytes[..length]);
                filter.tree.holds(&content);
            }
        }
    }
    assert!(understood > 500, "{understood}");
    let _ = "(".repeat(LONGEST).parse::<Filter>();
    let _ = "! ".repeat(LONGEST / 2).parse::<Filter>();
    "tcp or ".repeat(2000).parse::<Filter>().expect_err("ends in the air");
    format!("{}tcp", "tcp or ".repeat(2000))
        .parse::<Filter>()
        .expect("a long chain");
}
