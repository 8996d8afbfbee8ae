use std::net::{IpAddr, Ipv4Addr};

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};

use super::Names;

const V6: &str = "2001:db8::1";

fn names() -> Names {
    let mut names = Names::default();
    let addresses = ["192.0.2.1", V6].map(|a| a.parse().expect("an address"));
    names.add("Example.COM.", addresses.to_vec()).expect("a name");
    let many = (0..100).map(|n| IpAddr::V4(Ipv4Addr::new(198, 51, 100, n)));
    names.add("many.test", many.collect()).expect("a name");
    names
}

fn query(name: &'static str, qtype: QTYPE) -> Packet<'static> {
    let mut query = Packet::new_query(4711);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).expect("a name");
    query
        .questions
        .push(Question::new(name, qtype, QCLASS::CLASS(CLASS::IN), false));
    query
}

/// The code of the answer and its records, in words.
fn told(query: &Packet) -> (RCODE, Vec<String>) {
    let bytes = query.build_bytes_vec().expect("a message");
    let reply = names().answer(&bytes, true).expect("an answer");
    let reply = Packet::parse(&reply).expect("a message");
    assert_eq!(reply.id(), 4711);
    assert!(reply.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE));
    let word = |data: &RData| match data {
        RData::A(a) => Ipv4Addr::from(a.address).to_string(),
        RData::AAAA(a) => std::net::Ipv6Addr::from(a.address).to_string(),
        RData::PTR(name) => name.to_string(),
        other => format!("{other:?}"),
    };
    (reply.rcode(), reply.answers.iter().map(|r| word(&r.rdata)).collect())
}

#[track_caller]
fn tells(name: &'static str, qtype: QTYPE, code: RCODE, records: &[&str]) {
    let records: Vec<String> = records.iter().map(ToString::to_string).collect();
    assert_eq!(told(&query(name, qtype)), (code, records), "{name}");
}

#[test]
fn a_name_has_its_addresses_and_an_address_its_name() {
    tells("example.com", TYPE::A.into(), RCODE::NoError, &["192.0.2.1"]);
    tells("eXample.Com", TYPE::AAAA.into(), RCODE::NoError, &[V6]);
    tells("example.com", QTYPE::ANY, RCODE::NoError, &["192.0.2.1", V6]);
    tells(
        "1.2.0.192.in-addr.arpa",
        TYPE::PTR.into(),
        RCODE::NoError,
        &["example.com"],
    );
    let reverse = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    tells(reverse, TYPE::PTR.into(), RCODE::NoError, &["example.com"]);
}

#[test]
fn a_missing_type_is_no_missing_name() {
    tells("example.com", TYPE::MX.into(), RCODE::NoError, &[]);
    tells("com", TYPE::A.into(), RCODE::NoError, &[]);
    tells("www.example.com", TYPE::A.into(), RCODE::NameError, &[]);
    tells("xample.com", TYPE::A.into(), RCODE::NameError, &[]);
    tells("example.com", QTYPE::AXFR, RCODE::Refused, &[]);
}

#[test]
fn the_question_comes_back_as_it_was_written() {
    let bytes = query("eXample.Com", TYPE::A.into())
        .build_bytes_vec()
        .expect("a message");
    let reply = names().answer(&bytes, true).expect("an answer");
    assert_eq!(reply[12..29], bytes[12..29]);
}

#[test]
fn edns_is_answered_with_edns() {
    let with = |version| {
        let mut query = query("example.com", TYPE::A.into());
        *query.opt_mut() = Some(OPT {
            opt_codes: Vec::new(),
            udp_packet_size: 4096,
            version,
        });
        let bytes = query.build_bytes_vec().expect("a message");
        names().answer(&bytes, true).expect("an answer")
    };
    let (known, unknown) = (with(0), with(1));
    let known = Packet::parse(&known).expect("a message");
    assert_eq!((known.rcode(), known.answers.len()), (RCODE::NoError, 1));
    assert_eq!(known.opt().map(|opt| opt.version), Some(0));
    assert_eq!(Packet::parse(&unknown).expect("a message").rcode(), RCODE::BADVERS);
}

#[test]
fn what_is_too_long_for_udp_is_asked_for_over_tcp() {
    let query = query("many.test", TYPE::A.into()).build_bytes_vec().expect("a message");
    let short = names().answer(&query, true).expect("an answer");
    let short = Packet::parse(&short).expect("a message");
    assert!(short.has_flags(PacketFlag::TRUNCATION) && short.answers.is_empty());
    let whole = names().answer(&query, false).expect("an answer");
    assert_eq!(Packet::parse(&whole).expect("a message").answers.len(), 100);
}

#[test]
fn what_is_no_question_is_refused_or_passed_over() {
    let bytes = query("example.com", TYPE::A.into())
        .build_bytes_vec()
        .expect("a message");
    let code = |bytes: &[u8]| {
        let reply = names().answer(bytes, true)?;
        Some(Packet::parse(&reply).expect("a message").rcode())
    };
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(code(&with(2, 0x80)), None, "an answer");
    assert_eq!(code(&bytes[..20]), None, "half a question");
    assert_eq!(code(&with(5, 2)), Some(RCODE::FormatError), "two questions");
    assert_eq!(code(&with(6, 255)), Some(RCODE::FormatError), "far too many records");
    assert_eq!(code(&with(26, 200)), Some(RCODE::NotImplemented), "an unknown type");
    let mut update = query("example.com", TYPE::A.into());
    *update.opcode_mut() = OPCODE::Update;
    assert_eq!(
        code(&update.build_bytes_vec().expect("a message")),
        Some(RCODE::NotImplemented)
    );
}

#[test]
fn no_message_makes_it_panic() {
    let mut good = query("example.com", TYPE::A.into());
    *good.opt_mut() = Some(OPT {
        opt_codes: Vec::new(),
        udp_packet_size: 512,
        version: 0,
    });
    let good = good.build_bytes_vec().expect("a message");
    let names = names();
    let mut state = 1u64;
    let mut random = || {
        // Knuth's MMIX generator: the same bytes in every run.
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for round in 0..50_000 {
        let mut bytes = good.clone();
        for _ in 0..=round % 4 {
            let at = random() % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() % (bytes.len() + 1));
        let _ = names.answer(&bytes, round % 2 == 0);
        let noise: Vec<u8> = (0..random() % 80).map(|_| random() as u8).collect();
        let _ = names.answer(&noise, true);
    }
}

#[test]
fn a_name_is_checked() {
    for wrong in ["", ".", "a..b", "a b", "é.com", &"x".repeat(64), &"x.".repeat(128)] {
        assert!(Names::default().add(wrong, Vec::new()).is_err(), "{wrong:?}");
    }
}
