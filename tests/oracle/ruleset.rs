//! NAT and filter: each rule by nsx in one namespace and by `nft` in another; `nft -j list ruleset` of both must
//! say the same.

use crate::builder::Nsx;

/// A call, the chain it is about, and the rule as nft's own grammar has it.
const RULES: &[(&str, &str, &str)] = &[
    // Devices.
    (
        "filter.add(\"forward\", #{ iif: \"br0\", verdict: \"accept\" })",
        "filter forward",
        "iifname \"br0\" counter accept",
    ),
    (
        "filter.add(\"forward\", #{ oif: \"eth0\", verdict: \"drop\" })",
        "filter forward",
        "oifname \"eth0\" counter drop",
    ),
    (
        "filter.add(\"forward\", #{ iif: \"!br0\", verdict: \"drop\" })",
        "filter forward",
        "iifname != \"br0\" counter drop",
    ),
    // Addresses of both families.
    (
        "filter.add(\"input\", #{ saddr: \"10.0.0.0/8\", verdict: \"accept\" })",
        "filter input",
        "ip saddr 10.0.0.0/8 counter accept",
    ),
    (
        "filter.add(\"output\", #{ daddr: \"10.0.0.9\", verdict: \"drop\" })",
        "filter output",
        "ip daddr 10.0.0.9 counter drop",
    ),
    (
        "filter.add(\"input\", #{ saddr: \"fd00::/64\", verdict: \"accept\" })",
        "filter input",
        "ip6 saddr fd00::/64 counter accept",
    ),
    // Protocols and ports.
    (
        "filter.add(\"input\", #{ proto: \"tcp\", verdict: \"accept\" })",
        "filter input",
        "meta l4proto tcp counter accept",
    ),
    (
        "filter.add(\"input\", #{ proto: \"tcp\", dport: 22, verdict: \"accept\" })",
        "filter input",
        "tcp dport 22 counter accept",
    ),
    (
        "filter.add(\"input\", #{ proto: \"udp\", sport: 53, verdict: \"accept\" })",
        "filter input",
        "udp sport 53 counter accept",
    ),
    (
        "filter.add(\"input\", #{ proto: \"udp\", dport: \"1000-2000\", verdict: \"drop\" })",
        "filter input",
        "udp dport 1000-2000 counter drop",
    ),
    (
        "filter.add(\"input\", #{ proto: \"tcp\", dport: [80, 443], verdict: \"accept\" })",
        "filter input",
        "tcp dport { 80, 443 } counter accept",
    ),
    (
        "filter.add(\"input\", #{ icmp_type: \"echo-request\", verdict: \"accept\" })",
        "filter input",
        "icmp type echo-request counter accept",
    ),
    (
        "filter.add(\"input\", #{ proto: \"icmpv6\", icmp_type: \"echo-request\", verdict: \"accept\" })",
        "filter input",
        "icmpv6 type echo-request counter accept",
    ),
    // Connection state, mark, comment, log, reject.
    (
        "filter.add(\"forward\", #{ ct: [\"established\", \"related\"], verdict: \"accept\" })",
        "filter forward",
        "ct state established,related counter accept",
    ),
    (
        "filter.add(\"forward\", #{ ct: \"new\", verdict: \"drop\" })",
        "filter forward",
        "ct state new counter drop",
    ),
    (
        "filter.add(\"forward\", #{ mark: 7, verdict: \"accept\" })",
        "filter forward",
        "meta mark 7 counter accept",
    ),
    (
        "filter.add(\"input\", #{ verdict: \"accept\", comment: \"all of it\" })",
        "filter input",
        "counter accept comment \"all of it\"",
    ),
    (
        "filter.add(\"input\", #{ log: \"seen \", verdict: \"drop\" })",
        "filter input",
        "counter log prefix \"seen \" drop",
    ),
    (
        "filter.add(\"input\", #{ verdict: \"reject\" })",
        "filter input",
        "counter reject",
    ),
    // NAT.
    (
        "nat.masquerade(\"10.1.1.0/24\")",
        "nat postrouting",
        "ip saddr 10.1.1.0/24 counter masquerade",
    ),
    (
        "nat.masquerade(\"10.1.1.0/24\", #{ oif: \"enp1s0\" })",
        "nat postrouting",
        "ip saddr 10.1.1.0/24 oifname \"enp1s0\" counter masquerade",
    ),
    (
        "nat.masquerade(\"fd00:1::/64\", #{ oif: \"enp1s0\" })",
        "nat postrouting",
        "ip6 saddr fd00:1::/64 oifname \"enp1s0\" counter masquerade",
    ),
    (
        "nat.snat(\"10.1.1.0/24\", #{ to: \"203.0.113.2\", oif: \"enp1s0\" })",
        "nat postrouting",
        "ip saddr 10.1.1.0/24 oifname \"enp1s0\" counter snat ip to 203.0.113.2",
    ),
    (
        "nat.dnat(#{ proto: \"tcp\", dport: 8080, to: \"10.1.1.10:80\", iif: \"enp1s0\" })",
        "nat prerouting",
        "meta nfproto ipv4 iifname \"enp1s0\" tcp dport 8080 counter dnat ip to 10.1.1.10:80",
    ),
    (
        "nat.dnat(#{ proto: \"tcp\", dport: 8080, to: \"[fd00::1]:80\" })",
        "nat prerouting",
        "meta nfproto ipv6 tcp dport 8080 counter dnat ip6 to [fd00::1]:80",
    ),
    (
        "nat.dnat(#{ daddr: \"203.0.113.2\", to: \"10.1.1.10\" })",
        "nat prerouting",
        "ip daddr 203.0.113.2 counter dnat ip to 10.1.1.10",
    ),
    (
        "nat.redirect(#{ proto: \"tcp\", dport: 80, to: 8080 })",
        "nat prerouting",
        "tcp dport 80 counter redirect to :8080",
    ),
];

/// What `nft` has to be told before the rules, so that both rulesets have the same tables and chains.
const CHAINS: &str = "table inet nsx_filter {
  chain input { type filter hook input priority filter; policy accept; }
  chain forward { type filter hook forward priority filter; policy accept; }
  chain output { type filter hook output priority filter; policy accept; }
}
table inet nsx_nat {
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; }
  chain postrouting { type nat hook postrouting priority srcnat; policy accept; }
}";

/// Functions of the scripts: the rules of a chain as nft's JSON has them, without what is counted.
const RULES_OF: &str = "
fn rules(ns, table, chain) {
    let all = parse_json(ns.exec(\"nft -j list ruleset\", #{ check: true }).stdout).nftables;
    let found = [];
    for entry in all {
        if \"rule\" in entry && entry.rule.table == table && entry.rule.chain == chain {
            let kept = #{ expr: entry.rule.expr, comment: entry.rule.comment };
            found.push(kept.to_json());
        }
    }
    found
}
";

#[test]
fn every_rule_and_key_reads_as_nfts_own() {
    for (call, place, rule) in RULES {
        let (table, chain) = place.split_once(' ').expect("a table and a chain");
        let script = format!(
            "{RULES_OF}
let ours = netns::add(\"ours\");
let theirs = netns::add(\"theirs\");
ours.{call};
theirs.exec([\"nft\", `{CHAINS}`], #{{ check: true }});
theirs.exec([\"nft\", `add rule inet nsx_{table} {chain} {rule}`], #{{ check: true }});
assert_eq(rules(ours, \"nsx_{table}\", \"{chain}\"), rules(theirs, \"nsx_{table}\", \"{chain}\"), `{call}`);
assert_eq(ours.{table}.show().len(), 1, \"show() tells of it\");"
        );
        Nsx::script(&script).run().fails(0, &[]);
    }
}

#[test]
fn a_policy_reads_as_nfts_own() {
    let ran = Nsx::script(
        "host.filter.policy(\"forward\", \"drop\");
print(host.exec(\"nft list chain inet nsx_filter forward\", #{ check: true }).stdout);",
    )
    .run();
    ran.fails(0, &[]);
    assert!(
        ran.stdout
            .contains("type filter hook forward priority filter; policy drop;"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_refused_rule_leaves_the_ruleset_as_it_was_and_names_its_key() {
    let ran = Nsx::script(
        "host.filter.add(\"input\", #{ iif: \"br0\", verdict: \"accept\" });
let before = host.exec(\"nft -j list ruleset\", #{ check: true }).stdout;
let told = #{};
for wrong in [
    #{ verdict: \"accept\", saddr: \"10.0.0.5/24\" },
    #{ verdict: \"accept\", dport: 80 },
    #{ verdict: \"accept\", proto: \"tcp\", dport: 70000 },
    #{ verdict: \"accept\", ct: \"etablished\" },
    #{ verdict: \"accept\", saddr: \"10.0.0.1\", daddr: \"fd00::1\" },
    #{ verdict: \"acept\" },
    #{ verdict: \"accept\", iif: \"a-name-that-is-too-long\" },
] {
    try { host.filter.add(\"input\", wrong); print(`accepted ${wrong}`) } catch (e) { print(e.message) }
    assert_eq(host.exec(\"nft -j list ruleset\", #{ check: true }).stdout, before, \"nothing has changed\");
}",
    )
    .run();
    ran.fails(0, &[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 7, "{}", ran.stdout);
    for (line, key) in lines
        .iter()
        .zip(["saddr", "dport", "dport", "ct", "daddr", "verdict", "iif"])
    {
        assert!(line.contains(key) && !line.starts_with("accepted"), "{key} in {line}");
    }
}

/// What a script prints.
fn printed(script: &str) -> String {
    Nsx::script(script).prints()
}

/// What a script prints in a lab in which a shell ran another one before.
fn printed_after(by_shell: &str, script: &str) -> String {
    let run = "host.exec(\"cat >lab.sh <<'END OF LAB'\\n\" + args[0] + \"\\nEND OF LAB\\nsh -e lab.sh --here\", #{ check: true });";
    Nsx::new(&["run", "lab.rhai", by_shell])
        .file("lab.rhai", &format!("{run}\n{script}"))
        .prints()
}

fn exported(lab: &str) -> String {
    Nsx::new(&["export", "--shell", "lab.rhai"])
        .file("lab.rhai", lab)
        .prints()
}

#[test]
fn a_rule_is_inserted_where_nft_inserts_it_by_what_is_said_and_exported() {
    let lab = "host.filter.add(\"forward\", #{ iif: \"a\", verdict: \"drop\" });
host.filter.insert(\"forward\", #{ iif: \"b\", verdict: \"drop\" });
host.filter.insert(\"forward\", 2, #{ iif: \"c\", verdict: \"drop\" });
host.filter.insert(\"forward\", 4, #{ iif: \"d\", verdict: \"drop\" });
";
    let show = "print(host.exec(\"nft -s list chain inet nsx_filter forward\", #{ check: true }).stdout);";
    let own = printed(&format!("{lab}{show}"));
    let order: Vec<&str> = own.split("iifname \"").skip(1).map(|rule| &rule[..1]).collect();
    assert_eq!(order, ["b", "c", "a", "d"], "{own}");
    let exported = exported(lab);
    assert_eq!(printed_after(&exported, show), own, "{exported}");
    let ran = Nsx::new(&["run", "-v", "lab.rhai"]).file("lab.rhai", lab).run();
    let spelled = ran.stderr.lines().filter_map(|line| line.strip_prefix("+ "));
    let chain = "nft add table inet nsx_filter
nft 'add chain inet nsx_filter forward { type filter hook forward priority 0 ; }'";
    let spelled: Vec<&str> = chain.lines().chain(spelled).collect();
    assert_eq!(printed_after(&spelled.join("\n"), show), own, "{spelled:#?}");
}

#[test]
fn every_rule_is_removed_by_what_it_says_also_by_the_exported_script() {
    let rules = RULES.iter().filter_map(|(call, ..)| call.strip_prefix("filter.add"));
    let strange = "(\"output\", #{ comment: \"a 'b' \\\\ $c # handle 9\", verdict: \"drop\" })";
    // Other words for what the kernel lists in its own.
    let others = [
        strange,
        "(\"input\", #{ proto: 6, dport: [22], sport: \"7-7\", verdict: \"drop\" })",
        "(\"input\", #{ proto: \"tcp\", dport: [443, 80, \"90-95\"], verdict: \"drop\" })",
        "(\"input\", #{ icmp_type: 8, verdict: \"drop\" })",
        "(\"input\", #{ icmp_type: \"nd-redirect\", verdict: \"drop\" })",
        "(\"input\", #{ ct: [\"related\", \"new\", \"new\"], verdict: \"drop\" })",
        "(\"input\", #{ iif: \"veth*\", saddr: \"! 10.0.0.1/32\", log: true, verdict: \"drop\" })",
    ];
    let rules: Vec<&str> = rules.chain(others).collect();
    // Of two that say the same, the first goes.
    let mut lab = "host.filter.add(\"forward\", #{ mark: 9, verdict: \"drop\" });
host.filter.add(\"forward\", #{ mark: 10, verdict: \"drop\" });
host.filter.add(\"forward\", #{ mark: 9, verdict: \"drop\" });
host.filter.remove(\"forward\", #{ mark: 9, verdict: \"drop\" });
"
    .to_string();
    for verb in ["add", "remove"] {
        lab.extend(rules.iter().map(|rule| format!("host.filter.{verb}{rule};\n")));
    }
    let show = "print(host.filter.show().map(|rule| rule.mark));";
    assert_eq!(printed(&format!("{lab}{show}")), "[10, 9]\n");
    let exported = exported(&lab);
    assert_eq!(printed_after(&exported, show), "[10, 9]\n", "{exported}");
}

#[test]
fn what_cannot_be_inserted_or_removed_is_said_with_its_cause() {
    let accept = "iif: \"br0\", verdict: \"accept\" }";
    for (script, said) in [
        (
            format!("host.filter.remove(\"forward\", #{{ {accept});"),
            ["no rule of chain forward says this", "it has no rules"],
        ),
        (
            format!(
                "host.filter.add(\"forward\", #{{ oif: \"br0\", verdict: \"accept\" }}); host.filter.remove(\"forward\", #{{ {accept});"
            ),
            [
                "no rule of chain forward says this",
                "its one rule is `oifname \"br0\" accept`",
            ],
        ),
        (
            format!("host.filter.insert(\"input\", 2, #{{ {accept});"),
            [
                "place 2 is beyond the end of chain input",
                "it has 0 rules: the last place is 1",
            ],
        ),
    ] {
        Nsx::script(&script).run().fails(3, &said);
    }
}
