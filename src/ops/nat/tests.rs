use std::collections::BTreeMap;

use super::*;
use crate::ops::Change as Any;

fn text(text: &str) -> Value {
    Value::Str(text.into())
}

fn call(verb: &str, mut arguments: Vec<Value>, keys: &[(&str, Value)]) -> Result<Change> {
    let keys: BTreeMap<String, Value> = keys
        .iter()
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect();
    arguments.push(Value::Map(keys));
    let verb = NOUN.verbs.iter().find(|v| v.name == verb).unwrap();
    let Act::Change(act) = verb.act else {
        panic!("{} changes nothing", verb.name)
    };
    act(Args::of_call(arguments)).map(|change| match change {
        Any::Nat(change) => change,
        other => panic!("{other:?}"),
    })
}

fn spelled(verb: &str, arguments: Vec<Value>, keys: &[(&str, Value)]) -> String {
    call(verb, arguments, keys).unwrap().spell(&NsName::host())
}

#[test]
fn the_contracts_calls_are_spelled_as_iptables_does() {
    let sources = || vec![text("10.1.1.0/24")];
    assert_eq!(
        spelled("masquerade", sources(), &[]),
        "iptables -t nat -A POSTROUTING -s 10.1.1.0/24 -j MASQUERADE"
    );
    let snat = spelled(
        "snat",
        sources(),
        &[("to", text("203.0.113.2")), ("oif", text("enp1s0"))],
    );
    assert_eq!(
        snat,
        "iptables -t nat -A POSTROUTING -s 10.1.1.0/24 -o enp1s0 -j SNAT --to-source 203.0.113.2"
    );
    let published = [
        ("proto", text("tcp")),
        ("dport", Value::Int(8080)),
        ("to", text("10.1.1.10:80")),
        ("iif", text("enp1s0")),
    ];
    let words = "-A PREROUTING -i enp1s0 -p tcp --dport 8080 -j DNAT --to-destination 10.1.1.10:80";
    assert_eq!(spelled("dnat", vec![], &published), format!("iptables -t nat {words}"));
    let redirect = [
        ("proto", text("tcp")),
        ("dport", Value::Int(80)),
        ("to", Value::Int(8080)),
    ];
    let words = "prerouting tcp dport 80 counter redirect to :8080";
    assert_eq!(
        spelled("redirect", vec![], &redirect),
        format!("nft add rule inet nsx_nat {words}")
    );
    let everything = spelled("masquerade", vec![text("default")], &[]);
    assert_eq!(everything, "nft add rule inet nsx_nat postrouting counter masquerade");
}

#[test]
fn a_port_wants_a_protocol() {
    let problem = call("dnat", vec![], &[("to", text("10.1.1.10:80"))]).unwrap_err();
    assert_eq!(problem.part, Part::Key("to".into()));
    assert_eq!(problem.help, "add proto: \"tcp\" or proto: \"udp\"");
    assert!(call("dnat", vec![], &[("to", text("10.1.1.10"))]).is_ok());
    assert!(call("redirect", vec![], &[("to", Value::Int(8080))]).is_err());
    let zero = call("redirect", vec![], &[("proto", text("tcp")), ("to", Value::Int(0))]).unwrap_err();
    assert_eq!(zero.part, Part::Key("to".into()));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let families = [("to", text("fd00::1")), ("daddr", text("10.0.0.1"))];
    assert_eq!(
        call("dnat", vec![], &families).unwrap_err().part,
        Part::Key("to".into())
    );
    let twice = call(
        "masquerade",
        vec![text("10.1.1.0/24")],
        &[("saddr", text("10.1.1.0/24"))],
    )
    .unwrap_err();
    assert_eq!(twice.part, Part::Key("saddr".into()));
    let bits = call("masquerade", vec![text("10.1.1.1/24")], &[]).unwrap_err();
    assert_eq!(bits.part, Part::Argument(0));
    let unrouted = call("dnat", vec![], &[("to", text("10.1.1.10")), ("oif", text("eth0"))]).unwrap_err();
    assert_eq!(unrouted.part, Part::Key("oif".into()));
    let chain = call(
        "dnat",
        vec![],
        &[("to", text("10.1.1.10")), ("chain", text("postrouting"))],
    )
    .unwrap_err();
    assert_eq!(chain.part, Part::Key("chain".into()));
    assert!(
        call("dnat", vec![], &[])
            .unwrap_err()
            .message
            .starts_with("`to` is missing")
    );
}

#[test]
fn a_change_travels_as_data() {
    let keys = [
        ("proto", text("tcp")),
        ("dport", Value::Int(80)),
        ("to", Value::Int(8080)),
        ("chain", text("output")),
    ];
    let add = call("redirect", vec![], &keys).unwrap();
    let json = serde_json::to_value(&add).unwrap();
    assert_eq!(
        (&json["chain"], &json["action"]["to"]),
        (&"output".into(), &8080.into())
    );
    assert_eq!(serde_json::from_value::<Change>(json).unwrap(), add);
}
