//! A lab, and its exported script run with the real `ip` and `nft`: both must look the same to `ip` and `nft`.

use crate::builder::Nsx;

const LAB: &str = r#"
let ns0 = netns::add("ns0");
let ns1 = netns::add("ns1");
host.link.add("br0", #{ type: "bridge", up: true });
for (ns, i) in [ns0, ns1] {
    host.link.add(`veth${i}`, #{ type: "veth", peer: #{ name: "eth0", netns: ns, mtu: 1400 }, master: "br0", up: true });
    ns.link.set("lo", #{ up: true });
    ns.link.set("eth0", #{ up: true, alias: "to the bridge" });
    ns.addr.add(`10.1.1.1${i}/24`, #{ dev: "eth0", broadcast: "+" });
    ns.route.add("default", #{ via: "10.1.1.1" });
}
host.addr.add("10.1.1.1/24", #{ dev: "br0" });
host.sysctl.set("net.ipv4.ip_forward", 1);
host.rule.add(#{ from: "10.1.1.0/24", table: 100, priority: 100 });
host.route.add("10.66.0.0/16", #{ type: "blackhole", table: 100 });
host.bridge.link.set("veth0", #{ isolated: true });
host.neigh.add("10.1.1.77", #{ dev: "br0", lladdr: "02:00:00:00:00:77" });
host.qdisc.add("veth1", #{ kind: "tbf", rate: "10mbit", burst: "32kb", latency: "50ms" });
host.filter.policy("forward", "drop");
host.filter.add("forward", #{ iif: "br0", verdict: "accept" });
host.filter.add("input", #{ proto: "tcp", dport: [22, 80], saddr: "10.0.0.0/8", verdict: "reject", comment: "not in" });
host.nat.masquerade("10.1.1.0/24", #{ oif: "!br0" });
ns0.filter.add("output", #{ icmp_type: "echo-reply", proto: "icmp", verdict: "drop" });
netns::add("gone");
netns::del("gone");
"#;

/// What `ip` and `nft` say of a lab, without what is different each time.
const FACTS: &str = r#"
sleep 1
for ns in host ns0 ns1; do
    [ "$ns" = host ] && in= || in="ip netns exec $ns"
    echo "== $ns"
    $in ip -d -o link | sed -E 's/^[0-9]+: //; s/@[a-z0-9]+:/:/; s/(bridge_id|designated_bridge|designated_root|root_id) [^ ]+//g; s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g; s/[a-z_]*timer +[0-9.]+//g; s/link-netns(id)? [a-z0-9]+//g; s/num[rt]xqueues [0-9]+//g; s/ +/ /g'
    $in ip -4 -o addr | sed -E 's/^[0-9]+: //'
    $in ip route show table all | grep -v 'fe80\|multicast\|^local fe\|::'
    $in ip rule
    $in ip neigh show nud permanent
    $in nft list ruleset | sed -E 's/packets [0-9]+ bytes [0-9]+//; s/ with icmp port-unreachable//'
    $in tc qdisc show | sed -E 's/ [0-9a-f]+: dev/ dev/; s/refcnt [0-9]+//'
    $in cat /proc/sys/net/ipv4/ip_forward
done
bridge -d link | grep -o 'isolated o[nf]*'
ip netns list | cut -d' ' -f1 | sort
"#;

#[test]
fn the_exported_script_makes_the_same_lab() {
    crate::tools();
    let exported = Nsx::new(&["export", "--shell", "lab.rhai"])
        .file("lab.rhai", LAB)
        .prints();
    let facts = |script: &str, first: &str| {
        let script = format!("{script}\nprint(host.exec(args[1], #{{ check: true }}).stdout);");
        let nsx = Nsx::new(&["run", "lab.rhai", first, FACTS]).file("lab.rhai", &script);
        nsx.prints()
    };
    let own = facts(LAB, "");
    let by_shell = facts(
        "host.exec(\"cat >lab.sh <<'END OF LAB'\\n\" + args[0] + \"\\nEND OF LAB\\nsh lab.sh --here\", #{ check: true });",
        &exported,
    );
    assert!(
        own.contains("masquerade") && own.contains("blackhole 10.66.0.0/16"),
        "{own}"
    );
    let apart = |one: &str, other: &str| -> Vec<String> {
        let known: Vec<&str> = other.lines().collect();
        one.lines()
            .filter(|line| !known.contains(line))
            .map(String::from)
            .collect()
    };
    let (only_nsx, only_shell) = (apart(&own, &by_shell), apart(&by_shell, &own));
    assert!(
        only_nsx.is_empty() && only_shell.is_empty(),
        "nsx: {only_nsx:#?}\nthe script: {only_shell:#?}"
    );
}

#[test]
fn the_exported_script_runs_in_a_sandbox_of_its_own() {
    crate::tools();
    let lab = "host.link.add(\"br7\", #{ type: \"bridge\" });\nnetns::add(\"ns7\");\nhost.exec(\"ip -br link; ip netns list\");";
    let exported = Nsx::new(&["export", "--shell", "lab.rhai"])
        .file("lab.rhai", lab)
        .prints();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lab.sh");
    std::fs::write(&file, exported).expect("a file");
    let ran = std::process::Command::new("sh").arg(&file).output().expect("a shell");
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(text.contains("br7") && text.contains("ns7"), "{text}");
    let links = std::process::Command::new("ip")
        .args(["-br", "link"])
        .output()
        .expect("ip");
    assert!(
        !String::from_utf8_lossy(&links.stdout).contains("br7"),
        "the machine has none of it"
    );
}
