//! Captures: files that tcpdump and Wireshark read, complete however they end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::builder::{Nsx, Ran};

/// A file of packets, read as its format says.
struct Pcap {
    link_type: u32,
    snaplen: u32,
    packets: Vec<Packet>,
}

struct Packet {
    seconds: u32,
    nanoseconds: u32,
    length: u32,
    bytes: Vec<u8>,
}

/// Reads the file, to its last byte.
#[track_caller]
fn read(nsx: &Nsx, name: &str) -> Pcap {
    let file = fs::read(nsx.folder().join(name)).expect("the file is there");
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(number(0), 0xa1b2_3c4d, "nanoseconds, little-endian");
    assert_eq!(file[4..8], [2, 0, 4, 0], "version 2.4");
    let mut packets = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let kept = number(at + 8) as usize;
        packets.push(Packet {
            seconds: number(at),
            nanoseconds: number(at + 4),
            length: number(at + 12),
            bytes: file[at + 16..at + 16 + kept].to_vec(),
        });
        at += 16 + kept;
    }
    assert_eq!(at, file.len(), "the last packet is whole");
    Pcap {
        link_type: number(20),
        snaplen: number(16),
        packets,
    }
}

impl Packet {
    /// The type of its ICMP message, if it is one over IPv4 over Ethernet.
    fn icmp(&self) -> Option<u8> {
        let is_icmp = self.bytes.get(12..14)? == [8, 0] && *self.bytes.get(23)? == 1;
        self.bytes.get(34).copied().filter(|_| is_icmp)
    }
}

const PAIR: &str = "
let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, up: true });
host.addr.add(\"10.0.0.1/24\", #{ dev: \"veth0\" });
ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });
ns0.link.set(\"eth0\", #{ up: true });
";

/// A lab of two, as a user without any privilege, in a folder where that user may write.
fn lab(script: &str) -> Nsx {
    let nsx = Nsx::script(&format!("{PAIR}{script}")).unprivileged();
    fs::set_permissions(nsx.folder(), fs::Permissions::from_mode(0o777)).expect("an open folder");
    nsx
}

#[track_caller]
fn runs(nsx: &Nsx) -> Ran {
    let ran = nsx.run();
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    ran
}

#[test]
fn a_ping_is_two_packets_in_the_file() {
    let nsx = lab(
        "let seen = ns0.capture(\"eth0\", #{ file: \"x.pcap\", filter: \"icmp\" });
        assert(host.ping(ns0).ok, \"the host reaches ns0\");
        print(`${seen.packets} ${seen.dropped} ${seen.file} ${seen.alive} ${seen}`);
        seen.stop();
        assert(host.ping(ns0).ok, \"still\");
        print(`${seen.packets} ${seen.alive}`);",
    );
    let ran = runs(&nsx);
    assert_eq!(ran.stdout, "2 0 x.pcap true capture on eth0 in ns0\n2 false\n");
    let file = read(&nsx, "x.pcap");
    assert_eq!((file.link_type, file.snaplen), (1, 262_144));
    let kinds: Vec<_> = file.packets.iter().map(Packet::icmp).collect();
    assert_eq!(kinds, [Some(8), Some(0)], "the echo, then its answer");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let times: Vec<_> = file.packets.iter().map(|p| (p.seconds, p.nanoseconds)).collect();
    assert!(times.is_sorted() && now - u64::from(times[0].0) < 60, "{times:?}");
    assert!(
        file.packets
            .iter()
            .all(|p| p.length as usize == p.bytes.len() && p.length == 98)
    );
}

#[test]
fn filters_choose_and_without_a_file_packets_are_counted() {
    let ran = runs(&lab(
        "let captures = [\"arp\", \"icmp\", \"icmp and src 10.0.0.1\", \"udp port 53\", \"host 10.0.0.2 and not arp\", \"icmp or arp\"]
            .map(|filter| host.capture(\"veth0\", #{ filter: filter }));
        host.ping(ns0, #{ count: 3, interval: \"10ms\" });
        print(captures.map(|capture| capture.packets));
        print(captures[0].file == \"\");",
    ));
    assert_eq!(ran.stdout, "[2, 6, 3, 0, 6, 8]\ntrue\n");
}

#[test]
fn a_count_ends_it_and_a_snaplen_cuts() {
    let nsx = lab(
        "let seen = ns0.capture(\"eth0\", #{ file: \"x.pcap\", filter: \"icmp\", count: 3, snaplen: 40 });
        host.ping(ns0, #{ count: 5, interval: \"10ms\" });
        assert(!seen.alive, \"it has ended\");
        assert_eq(seen.packets, 3);",
    );
    runs(&nsx);
    let file = read(&nsx, "x.pcap");
    let lengths: Vec<_> = file.packets.iter().map(|p| (p.length, p.bytes.len())).collect();
    assert_eq!(lengths, [(98, 40); 3]);
    assert_eq!(file.snaplen, 40);
}

#[test]
fn the_file_is_complete_however_the_lab_ends() {
    let begin = "ns0.capture(\"eth0\", #{ file: \"x.pcap\", filter: \"icmp\" });
        host.ping(ns0, #{ count: 20, interval: \"1ms\" });";
    for (end, status) in [
        ("", 0),
        ("exit(7);", 7),
        ("assert(false, \"no\");", 1),
        ("host.link.del(\"none\");", 3),
        ("netns::del(\"ns0\");", 0),
        ("ns0.exec(\"kill -INT $PPID\"); sleep(\"60s\");", 130),
    ] {
        let nsx = lab(&format!("{begin}{end}"));
        nsx.run().fails(status, &[]);
        assert_eq!(read(&nsx, "x.pcap").packets.len(), 40, "after {end:?}");
    }
}

#[test]
fn a_namespace_that_is_deleted_ends_its_captures() {
    let ran = runs(&lab("let theirs = ns0.capture(\"eth0\");
        let all = ns0.capture(\"any\", #{ filter: \"icmp\" });
        let own = host.capture(\"any\");
        host.ping(ns0);
        netns::del(\"ns0\");
        print(`${theirs.alive} ${all.alive} ${all.packets} ${own.alive}`);
        netns::add(\"ns0\");"));
    assert_eq!(ran.stdout, "false false 2 true\n");
}

#[test]
fn all_devices_are_heard_at_once() {
    let nsx = lab(
        "let all = host.capture(\"any\", #{ file: \"all.pcap\", filter: \"icmp\" });
        host.ping(ns0);
        host.ping(\"127.0.0.1\");
        all.stop();",
    );
    runs(&nsx);
    let file = read(&nsx, "all.pcap");
    assert_eq!(file.link_type, 276, "LINKTYPE_LINUX_SLL2");
    // Out, and in, by veth0; then by lo, where each packet is seen once.
    let seen: Vec<_> = file
        .packets
        .iter()
        .map(|p| {
            let index = u32::from_be_bytes(p.bytes[4..8].try_into().expect("four bytes"));
            (index == 1, p.bytes[10], p.bytes[40])
        })
        .collect();
    assert_eq!(seen, [(false, 4, 8), (false, 0, 0), (true, 0, 8), (true, 0, 0)]);
}

#[test]
fn a_file_is_overwritten_and_must_be_a_plain_one() {
    let nsx = lab("host.capture(\"lo\", #{ file: \"x.pcap\" });").file("x.pcap", &"old".repeat(1000));
    fs::set_permissions(nsx.folder().join("x.pcap"), fs::Permissions::from_mode(0o666)).expect("an open file");
    runs(&nsx);
    assert!(read(&nsx, "x.pcap").packets.is_empty());
    for (file, words) in [
        ("/dev/null", "it is no plain file"),
        (".", "Is a directory"),
        ("none/x.pcap", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
    ] {
        lab(&format!("host.capture(\"lo\", #{{ file: {file:?} }});"))
            .run()
            .fails(3, &["cannot write", words, "this option"]);
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (call, words) in [
        (
            "\"lo\", #{ filter: \"icpm\" }",
            [
                "`filter` does not understand `icpm`: did you mean `icmp`?",
                "this option",
            ],
        ),
        (
            "\"lo\", #{ filter: 5 }",
            ["`filter` wants a filter such as", "this option"],
        ),
        ("\"lo\", #{ count: 0 }", ["`count` is at least 1", "this option"]),
        ("\"lo\", #{ snaplen: 0 }", ["`snaplen` is at least 1", "this option"]),
        (
            "\"lo\", #{ fillter: \"ip\" }",
            ["did you mean `filter`?", "unknown key"],
        ),
        ("\"eth0\"", ["there is no device eth0 in host", "eth0 is in ns0"]),
        ("", ["the device is missing", "capture"]),
    ] {
        lab(&format!("host.capture({call});")).run().fails(3, &words);
    }
}
