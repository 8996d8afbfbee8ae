//! Every key: built into expressions, written and read as messages are, and put together to the same rule again.

use serde_json::{Value as Json, json};

use super::super::build::{Built, build};
use super::super::{Matches, Rule};
use super::*;
use crate::netlink::nftables::{Chain, Hook};
use crate::ops::Typed;

const FORWARD: Chain = Chain {
    table: "nsx_filter",
    name: "forward",
    kind: "filter",
    hook: Hook::Forward,
    priority: 0,
};

fn built(keys: &Json, action: &Action) -> Built {
    let matches: Matches = serde_json::from_value(keys.clone()).unwrap();
    build(&Rule {
        chain: &FORWARD,
        matches: &matches,
        action,
    })
    .unwrap()
}

/// What a rule with these keys is read back as.
fn read_back(keys: &Json, action: &Action) -> RuleFact {
    let built = built(keys, action);
    assert_eq!(built.keys.len(), built.expressions.len());
    let expressions = built
        .expressions
        .iter()
        .map(|e| Expression::read(e.write().as_bytes()))
        .collect();
    let comment = keys.get("comment").map(|comment| comment.as_str().unwrap().to_string());
    let rule = RuleState {
        chain: "forward".into(),
        handle: 7,
        expressions,
        comment,
    };
    // Two sets of one rule have the same name until the kernel numbers them: here they are taken in turn.
    let next = std::cell::Cell::new(0);
    let elements = |_: &str| {
        let index = next.replace(next.get() + 1);
        let mut elements = built.sets.get(index)?.elements.clone();
        elements.sort_by(|a, b| (&a.key, !a.end).cmp(&(&b.key, !b.end)));
        Some(elements)
    };
    Reader { elements: &elements }.read(&rule)
}

fn holds(keys: Json) {
    let accept = Action {
        verdict: Verdict::Accept,
        to: None,
    };
    let fact = read_back(&keys, &accept);
    assert_eq!(serde_json::to_value(&fact.matches).unwrap(), keys);
    assert_eq!(
        (fact.handle, fact.action, fact.packets),
        (Some(7), Some(accept), Some(0))
    );
    assert!(fact.expr.is_empty(), "{:?}", fact.expr);
}

#[test]
fn every_key_comes_back_as_it_was_given() {
    holds(json!({}));
    for device in ["br0", "!br0", "veth*", "!veth*", "fifteen-letters"] {
        holds(json!({ "iif": device }));
        holds(json!({ "oif": device }));
    }
    for addresses in [
        "10.0.0.0/8",
        "!10.1.0.0/22",
        "10.0.0.1",
        "0.0.0.0/0",
        "fd00::/8",
        "!fd00::1",
        "fe80::/10",
        "::/0",
    ] {
        holds(json!({ "saddr": addresses }));
        holds(json!({ "daddr": addresses }));
    }
    for protocol in [json!("tcp"), json!("icmp"), json!("icmpv6"), json!(99)] {
        holds(json!({ "proto": protocol }));
    }
    for ports in [
        json!(22),
        json!("1000-2000"),
        json!([80, 443]),
        json!([80, "443-445", "1000-65535"]),
        json!(["0-5", 7]),
    ] {
        holds(json!({ "proto": "tcp", "sport": ports }));
        holds(json!({ "proto": "udp", "dport": ports }));
        holds(json!({ "proto": "udp", "sport": ports, "dport": ports }));
    }
    holds(json!({ "proto": "icmp", "icmp_type": "echo-request" }));
    holds(json!({ "proto": "icmpv6", "icmp_type": "nd-neighbor-solicit" }));
    holds(json!({ "proto": "icmp", "icmp_type": 99 }));
    holds(json!({ "ct": ["established", "related"] }));
    holds(json!({ "ct": ["invalid", "established", "related", "new", "untracked"] }));
    holds(json!({ "mark": 5 }));
    holds(json!({ "log": true }));
    holds(json!({ "log": "in: " }));
    holds(json!({ "comment": "no ssh" }));
    holds(
        json!({ "iif": "br0", "oif": "!eth0", "saddr": "10.0.0.0/8", "daddr": "10.9.0.1", "proto": "tcp", "sport": "1024-65535",
        "dport": [80, 443], "ct": ["new"], "mark": 7, "log": "x", "comment": "all of them" }),
    );
}

#[test]
fn every_action_comes_back_as_it_was_given() {
    let target = |text: &str| Some(To::Target(Target::read(&crate::ops::Value::Str(text.into())).unwrap()));
    let nothing = json!({ "proto": "tcp" });
    for (verdict, to) in [
        (Verdict::Accept, None),
        (Verdict::Drop, None),
        (Verdict::Reject, None),
        (Verdict::Masquerade, None),
        (Verdict::Snat, target("203.0.113.2")),
        (Verdict::Dnat, target("10.1.1.10:80")),
        (Verdict::Dnat, target("[fd00::1]:80")),
        (Verdict::Redirect, None),
        (Verdict::Redirect, Some(To::Port(8080))),
    ] {
        let action = Action { verdict, to };
        let fact = read_back(&nothing, &action);
        assert_eq!(fact.family.is_some(), matches!(to, Some(To::Target(_))), "{action:?}");
        assert_eq!(fact.action, Some(action));
        assert!(fact.expr.is_empty());
        let again: RuleFact = serde_json::from_value(serde_json::to_value(&fact).unwrap()).unwrap();
        assert_eq!(again, fact);
    }
}

#[test]
fn icmp_is_of_the_family_that_the_rule_says() {
    let accept = Action {
        verdict: Verdict::Accept,
        to: None,
    };
    let family = |keys| read_back(&keys, &accept).family;
    assert_eq!(family(json!({ "icmp_type": "echo-request" })), Some(Family::V4));
    assert_eq!(family(json!({ "icmp_type": "nd-redirect" })), Some(Family::V6));
    assert_eq!(
        family(json!({ "icmp_type": "echo-request", "saddr": "fd00::1" })),
        Some(Family::V6)
    );
    assert_eq!(family(json!({ "proto": "tcp" })), None);
}

#[test]
fn what_others_put_there_is_named() {
    let expressions = vec![
        Expression::Meta {
            key: meta::IIFNAME,
            to: 1,
        },
        Expression::Other("numgen".into()),
        Expression::Compare {
            register: 1,
            relation: Relation::Equal,
            value: vec![0],
        },
        Expression::Verdict { code: 1 },
    ];
    let rule = RuleState {
        chain: "forward".into(),
        handle: 1,
        expressions,
        comment: None,
    };
    let fact = Reader { elements: &|_| None }.read(&rule);
    // What `numgen` left in the register is not mistaken for the device.
    assert_eq!(
        (fact.expr, fact.matches),
        (vec!["numgen".to_string(), "cmp".to_string()], Matches::default())
    );
    assert_eq!(
        fact.action,
        Some(Action {
            verdict: Verdict::Accept,
            to: None
        })
    );
}
