use std::collections::BTreeMap;

use super::*;
use crate::error::{Part, Problem};
use crate::ops::Args;
use crate::ops::Change as Any;

fn text(text: &str) -> Value {
    Value::Str(text.into())
}

fn call(verb: &str, mut arguments: Vec<Value>, keys: &[(&str, Value)]) -> Result<Change> {
    let keys: BTreeMap<String, Value> = keys
        .iter()
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect();
    if !keys.is_empty() {
        arguments.push(Value::Map(keys));
    }
    let verb = NOUN.verbs.iter().find(|v| v.name == verb).unwrap();
    let Act::Change(act) = verb.act else {
        panic!("{} changes nothing", verb.name)
    };
    act(Args::of_call(arguments)).map(|change| match change {
        Any::Filter(change) => change,
        other => panic!("{other:?}"),
    })
}

fn spelled(keys: &[(&str, Value)]) -> String {
    call("add", vec![text("input")], keys).unwrap().spell(&NsName::host())
}

fn refused(keys: &[(&str, Value)]) -> Box<Problem> {
    call("add", vec![text("input")], keys).unwrap_err()
}

#[test]
fn a_rule_for_one_family_is_spelled_as_iptables_does() {
    let ssh = [
        ("proto", text("tcp")),
        ("dport", Value::Int(22)),
        ("saddr", text("10.0.0.0/8")),
        ("verdict", text("reject")),
        ("comment", text("no ssh")),
    ];
    let words = "-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -m comment --comment 'no ssh' -j REJECT";
    assert_eq!(spelled(&ssh), format!("iptables {words}"));
    let several = Value::List(vec![Value::Int(80), text("1000-2000")]);
    let keys = [
        ("saddr", text("!fd00::/8")),
        ("iif", text("!veth*")),
        ("proto", text("udp")),
        ("dport", several),
        ("ct", text("new")),
        ("mark", Value::Int(5)),
        ("verdict", text("drop")),
    ];
    let words = "! -s fd00::/8 ! -i veth+ -p udp -m multiport --dports 80,1000:2000 -m conntrack --ctstate NEW -m mark --mark 5";
    assert_eq!(spelled(&keys), format!("ip6tables -A INPUT {words} -j DROP"));
    let ping = [("icmp_type", text("echo-request")), ("verdict", text("drop"))];
    assert_eq!(
        spelled(&ping),
        "iptables -A INPUT -p icmp --icmp-type echo-request -j DROP"
    );
}

#[test]
fn a_rule_for_both_families_is_spelled_as_nft_does() {
    let bridged = [("iif", text("br0")), ("verdict", text("accept"))];
    assert_eq!(
        spelled(&bridged),
        "nft add rule inet nsx_filter input 'iifname \"br0\" counter accept'"
    );
    let established = [("ct", text("established")), ("verdict", text("accept"))];
    assert_eq!(
        spelled(&established),
        "nft add rule inet nsx_filter input ct state established counter accept"
    );
    let policy = call("policy", vec![text("forward"), text("drop")], &[]).unwrap();
    let words = "'{ type filter hook forward priority filter ; policy drop ; }'";
    let ns0 = "ns0".parse().unwrap();
    assert_eq!(
        policy.spell(&ns0),
        format!("ip netns exec ns0 nft add chain inet nsx_filter forward {words}")
    );
}

#[test]
fn a_rule_is_inserted_and_removed() {
    let bridged = [("iif", text("br0")), ("verdict", text("accept"))];
    let ping = [("proto", text("icmp")), ("verdict", text("drop"))];
    let spelled = |verb, place: Option<i64>, keys: &[(&str, Value)]| {
        let arguments = [Some(text("forward")), place.map(Value::Int)];
        let change = call(verb, arguments.into_iter().flatten().collect(), keys).unwrap();
        change.spell(&NsName::host())
    };
    let words = "'iifname \"br0\" counter accept'";
    let cases = [
        ("insert", None, format!("insert rule inet nsx_filter forward {words}")),
        (
            "insert",
            Some(1),
            format!("insert rule inet nsx_filter forward {words}"),
        ),
        // nft puts what it adds behind the rule with this index, which it counts from 0.
        (
            "insert",
            Some(3),
            format!("add rule inet nsx_filter forward index 1 {words}"),
        ),
        ("remove", None, format!("delete rule inet nsx_filter forward {words}")),
    ];
    for (verb, place, said) in cases {
        assert_eq!(spelled(verb, place, &bridged), format!("nft {said}"));
    }
    assert_eq!(spelled("insert", None, &ping), "iptables -I FORWARD -p icmp -j DROP");
    assert_eq!(
        spelled("insert", Some(2), &ping),
        "iptables -I FORWARD 2 -p icmp -j DROP"
    );
    assert_eq!(spelled("remove", None, &ping), "iptables -D FORWARD -p icmp -j DROP");
    let nowhere = call("insert", vec![text("forward"), Value::Int(0)], &ping).unwrap_err();
    assert_eq!(nowhere.part, Part::Argument(1));
    assert!(call("remove", vec![text("forward"), Value::Int(2)], &ping).is_err());
}

#[test]
fn what_contradicts_itself_is_refused_before_the_kernel_is_asked() {
    let accept = ("verdict", text("accept"));
    let key = |keys: &[(&str, Value)]| refused(keys).part;
    assert_eq!(
        key(&[("dport", Value::Int(22)), accept.clone()]),
        Part::Key("dport".into())
    );
    assert_eq!(key(&[("oif", text("br0")), accept.clone()]), Part::Key("oif".into()));
    let ported = [("dport", Value::Int(22)), ("proto", text("icmp")), accept.clone()];
    assert_eq!(key(&ported), Part::Key("proto".into()));
    let families = [("saddr", text("10.0.0.1")), ("daddr", text("fd00::1")), accept.clone()];
    assert_eq!(key(&families), Part::Key("daddr".into()));
    assert_eq!(refused(&families).message, "`daddr` is of IPv6, and `saddr` of IPv4");
    let icmp = [
        ("icmp_type", text("nd-redirect")),
        ("saddr", text("10.0.0.1")),
        accept.clone(),
    ];
    assert_eq!(key(&icmp), Part::Key("icmp_type".into()));
    let icmp = [
        ("icmp_type", text("echo-request")),
        ("proto", text("tcp")),
        accept.clone(),
    ];
    assert_eq!(key(&icmp), Part::Key("proto".into()));
    assert_eq!(key(&[("verdict", text("masquerade"))]), Part::Key("verdict".into()));
    assert!(
        refused(&[("iif", text("br0"))])
            .message
            .starts_with("`verdict` is missing")
    );
    assert_eq!(refused(&[("sadr", text("x")), accept]).help, "did you mean `saddr`?");
}

#[test]
fn chains_are_the_filters() {
    let nats = call("policy", vec![text("postrouting"), text("drop")], &[]).unwrap_err();
    assert!(nats.message.contains("is a chain of nat"), "{}", nats.message);
    assert!(call("policy", vec![text("forward"), text("reject")], &[]).is_err());
    assert!(call("del", vec![text("forward"), Value::Unit], &[]).is_err());
}

#[test]
fn a_change_travels_as_data() {
    let keys = [
        ("proto", text("tcp")),
        ("dport", Value::Int(22)),
        ("log", Value::Bool(true)),
        ("verdict", text("drop")),
    ];
    let add = call("add", vec![text("input")], &keys).unwrap();
    let json = serde_json::to_value(&add).unwrap();
    assert_eq!(json["matches"]["dport"], 22);
    assert_eq!(serde_json::from_value::<Change>(json).unwrap(), add);
}
