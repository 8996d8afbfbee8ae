//! What show() says against what `ip -j` says in the same namespace, field by field, and its text against
//! the text of `ip`.

use crate::builder::Nsx;

/// `agree(ns)` compares everything there is to show of a namespace.
pub const AGREE: &str = r#"
fn same(shown, ns, words) {
    let said = ns.exec(`ip -j ${words}`);
    // A table without a route is an error to ip.
    let json = if said.ok { said.stdout } else { "[]" };
    assert(said.ok || said.stderr.contains("FIB table does not exist"), said.stderr);
    let told = parse_json(`{"all":${json}}`).all.filter(|fact| fact.len() > 0);
    // What this ip says in the text alone: the name of the peer's namespace, which metrics are locked.
    let fields = shown.map(|fact| {
        fact.remove("link_netns");
        if "metrics" in fact { fact.metrics[0].remove("lock"); }
        fact
    });
    // A second may have begun between the two looks.
    for (fact, i) in fields {
        if "expires" in fact && i < told.len() && "expires" in told[i] && fact.expires - told[i].expires == 1 {
            fields[i].expires -= 1;
        }
    }
    assert_eq(fields, told, `${ns.name}: ip -j ${words}`);
    let text = ns.exec(`ip ${words}`).stdout;
    let printed = if shown.len() == 0 { "" } else { shown.to_string() + "\n" };
    if text.contains(" expires ") {
        assert_eq(untimed(printed), untimed(text), `${ns.name}: ip ${words}`);
    } else {
        assert_eq(printed, text, `${ns.name}: ip ${words}`);
    }
}
fn untimed(text) {
    let words = text.split(" ");
    for i in 1..words.len() {
        if words[i - 1] == "expires" { words[i] = "…"; }
    }
    words
}
fn agree(ns) {
    // While duplicate address detection goes on, routes come and go between the two looks.
    eventually("5s", || ns.exec("ip -6 addr show tentative -dadfailed", #{ check: true }).stdout == "");
    same(ns.link.show(), ns, "link");
    same(ns.addr.show(), ns, "addr");
    for link in ns.link.show() {
        same([ns.link.show(link.ifname)], ns, `link show dev ${link.ifname}`);
        same(ns.addr.show(#{ dev: link.ifname }), ns, `addr show dev ${link.ifname}`);
        same(ns.route.show(#{ dev: link.ifname }), ns, `route show dev ${link.ifname}`);
        same(ns.route.show(#{ dev: link.ifname, family: "inet6" }), ns, `-6 route show dev ${link.ifname}`);
    }
    same(ns.route.show(), ns, "route");
    for family in [["inet", "-4 "], ["inet6", "-6 "]] {
        for table in ["main", "local", "all", "77"] {
            let number = if table == "77" { 77 } else { table };
            same(ns.route.show(#{ family: family[0], table: number }), ns, `${family[1]}route show table ${table}`);
        }
    }
    same(ns.route.show(#{ table: "all" }), ns, "route show table all");
}
fn get(ns, address, keys, words) {
    same([ns.route.get(address, keys)], ns, `route get ${address} ${words}`);
}
fn sh(ns, line) { ns.exec("set -e\n" + line, #{ check: true }); }
"#;

/// Cases: a name, a script that prepares namespaces and then lets nsx and `ip` agree.
macro_rules! agree {
    ($($name:ident: $script:literal;)*) => {$(
        #[test]
        fn $name() {
            crate::tools();
            Nsx::script(&format!("{AGREE}\n{}", $script)).run().fails(0, &[]);
        }
    )*};
}

agree! {
    an_empty_namespace: "agree(netns::add(\"ns0\")); agree(host);";
    veth_pairs: "
        let ns0 = netns::add(\"ns0\"); let ns1 = netns::add(\"ns1\");
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\" });
        host.link.add(\"vc0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, up: true, alias: \"to ns0\", mtu: 1400 });
        ns0.link.add(\"vd0\", #{ type: \"veth\", peer: #{ name: \"vd0\", netns: ns1 } });
        ns0.link.set(\"vd0\", #{ up: true });
        for ns in [host, ns0, ns1] { agree(ns); }
        ns1.link.set(\"vd0\", #{ up: true }); ns0.link.set(\"eth0\", #{ up: true });
        assert(eventually(\"3s\", || ns1.link.show(\"vd0\").operstate == \"UP\"), \"it comes up\");
        sh(ns0, \"ip link set eth0 txqueuelen 5 group 7\");
        for ns in [host, ns0, ns1] { agree(ns); }
        host.exec(\"unshare -n sleep 5 & sleep 0.2; ip link set vb0 netns $!\", #{ check: true });
        agree(host);";
    a_bridge_and_its_ports: "
        host.link.add(\"br0\", #{ type: \"bridge\", up: true, stp_state: true });
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\", master: \"br0\", up: true });
        agree(host);
        host.link.set(\"vb0\", #{ up: true });
        host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
        host.addr.add(\"10.0.0.2/24\", #{ dev: \"vb0\" });
        sleep(\"50ms\");
        agree(host);";
    kinds_that_nsx_does_not_make: "
        let ns0 = netns::add(\"ns0\");
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\", up: true });
        sh(host, `ip link add mv0 link va0 type macvlan mode bridge
            ip link add vx0 type vxlan id 42 dstport 4789 local 10.0.0.1 remote 10.0.0.2 dev va0
            ip link add vx1 type vxlan id 43 dstport 4789
            ip tuntap add dev tun0 mode tun
            ip tuntap add dev tap0 mode tap
            ip link set mv0 protodown on
            ip link property add dev vb0 altname second altname third-name
            ip link set mv0 netns ns0
            ip link set va0 promisc on allmulticast on
            ip link set vb0 arp off multicast off dynamic on
            ip link set tap0 mode dormant up
            ip link set tun0 up`);
        agree(host);
        agree(ns0);";
    addresses: "
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\", up: true });
        sh(host, `ip addr add 10.0.0.1/24 dev va0
            ip addr add 10.0.0.2/24 brd + dev va0 label va0:x
            ip addr add 10.0.0.3 peer 10.7.0.1/24 dev va0
            ip addr add 10.0.1.1/24 brd 10.0.1.7 scope link dev va0 metric 50
            ip addr add 10.0.2.1/24 scope 77 dev va0 noprefixroute
            ip addr add 10.0.3.1/24 dev va0 preferred_lft 0
            ip addr add fd00::1/64 dev va0 nodad
            ip addr add fd00::2/64 dev va0
            ip addr add fd00::3 peer fd00::4 dev vb0 nodad
            ip addr add fd00:1::1/64 dev va0 nodad preferred_lft 0
            ip addr add fd00:2::1/64 dev va0 home nodad noprefixroute
            ip addr add fd00:3::1/64 dev va0 mngtmpaddr nodad
            ip addr add ::ffff:10.0.0.9/128 dev va0 nodad
            ip addr add ::10.0.0.1/128 dev lo`);
        agree(host);
        host.link.set(\"vb0\", #{ up: true });
        sleep(\"2500ms\");
        agree(host);";
    routes: "
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\", up: true });
        host.link.add(\"vc0\", #{ type: \"veth\", peer: \"vd0\", up: true });
        sh(host, `ip link set vb0 up
            ip addr add 10.0.0.1/24 dev va0
            ip addr add 10.0.1.1/24 dev vc0
            ip route add default via 10.0.0.254 proto static src 10.0.0.1
            ip route add default via 10.0.0.253 metric 100 mtu 1400 advmss 1360 initcwnd 10
            ip route add 10.9.0.0/16 dev va0 scope link proto dhcp realm 5
            ip route add 10.9.1.0/24 dev va0 scope 77 proto 77 tos 0x10
            ip route add 10.10.0.0/16 nexthop via 10.0.0.2 weight 3 nexthop via 10.0.0.3 dev va0 onlink
            ip route add 10.11.0.0/16 via 172.16.0.1 dev va0 onlink
            ip route add 10.12.0.0/16 via inet6 fe80::1 dev va0
            ip route add 10.13.0.0/16 nexthop via inet6 fe80::1 dev va0 nexthop via 10.0.0.9
            ip route add 10.14.0.0/16 dev va0 rtt 20ms rttvar 10ms rto_min 200ms window 5000 hoplimit 7 quickack 1 mtu lock 1200 congctl reno
            ip route add 10.15.0.0/16 dev vc0
            ip route add blackhole 10.66.0.0/16
            ip route add unreachable 10.67.0.0/16 metric 5
            ip route add prohibit 10.68.0.0/16
            ip route add throw 10.69.0.0/16 table 77
            ip route add local 10.70.0.0/16 dev lo
            ip route add 10.71.0.1 dev va0 table 77
            ip route add multicast 224.5.0.0/16 dev va0 table 77
            ip nexthop add id 5 via 10.0.0.7 dev va0
            ip route add 10.72.0.0/16 nhid 5
            ip route add broadcast 10.73.0.0/16 dev va0`);
        agree(host);
        get(host, \"8.8.8.8\", #{ }, \"\");
        get(host, \"127.0.0.1\", #{ }, \"\");
        get(host, \"10.0.0.1\", #{ }, \"\");
        get(host, \"10.0.0.255\", #{ }, \"\");
        get(host, \"10.14.0.1\", #{ from: \"10.0.0.1\" }, \"from 10.0.0.1\");
        get(host, \"10.14.0.1\", #{ mark: 3 }, \"mark 3\");
        get(host, \"10.14.0.1\", #{ oif: \"va0\", mark: 255 }, \"oif va0 mark 255\");
        get(host, \"10.72.0.1\", #{ }, \"\");
        get(host, \"224.5.0.1\", #{ }, \"\");";
    a_packet_that_is_forwarded: "
        host.sysctl.set(\"net.ipv4.ip_forward\", 1);
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\", up: true });
        host.link.add(\"vc0\", #{ type: \"veth\", peer: \"vd0\", up: true });
        sh(host, `ip link set vb0 up; ip link set vd0 up; ip addr add 10.0.0.1/24 dev va0; ip addr add 10.0.1.1/24 dev vc0`);
        get(host, \"10.0.1.9\", #{ from: \"10.0.0.9\", iif: \"va0\" }, \"from 10.0.0.9 iif va0\");";
    ipv6_routes: "
        host.link.add(\"va0\", #{ type: \"veth\", peer: \"vb0\", up: true });
        host.link.add(\"vc0\", #{ type: \"veth\", peer: \"vd0\", up: true });
        sh(host, `ip link set vb0 up
            ip addr add fd00::1/64 dev va0 nodad
            ip route add default via fd00::2 metric 10 pref high
            ip route add default via fe80::2 dev va0 metric 20 pref low
            ip route add 2001:db8::/32 via fd00::2 mtu 1300 hoplimit 5 proto static
            ip route add 2001:db8:1::/48 nexthop via fd00::2 weight 2 nexthop via fd00::3
            ip route add 2001:db8:2::/48 dev vc0
            ip route add 2001:db8:3::/48 dev va0 expires 1000 src fd00::1
            ip route add blackhole 2001:db8:4::/48
            ip route add unreachable 2001:db8:5::/48
            ip route add prohibit 2001:db8:6::/48
            ip route add 2001:db8:7::1 dev va0 table 77
            ip nexthop add id 6 via fd00::7 dev va0
            ip route add 2001:db8:8::/48 nhid 6
            ip route add local 2001:db8:9::/48 dev lo`);
        sleep(\"2500ms\");
        agree(host);
        get(host, \"2001:db8::1\", #{ }, \"\");
        get(host, \"::1\", #{ }, \"\");
        get(host, \"2001:db8:1::1\", #{ from: \"fd00::1\", oif: \"va0\" }, \"from fd00::1 oif va0\");";
}
