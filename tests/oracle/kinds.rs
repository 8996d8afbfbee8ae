//! The kinds of devices: made by nsx, by `ip`, and by what nsx says it is to `ip`. A kind that the kernel lacks is
//! named, and nothing of it is left; the fuller kernel of `.ci/vm` has them all.

use crate::builder::Nsx;

/// Compares where the kernel has the kind; else expects the error that names it.
#[track_caller]
fn judge(nsx: &str, ip: &str) {
    let kind = nsx
        .rsplit("type: \"")
        .next()
        .and_then(|rest| rest.split('"').next())
        .expect("a kind");
    let ran = Nsx::script(nsx).run();
    if ran.status != 4 {
        return crate::changes::compare("", nsx, ip);
    }
    ran.fails(
        4,
        &[
            "NSX031",
            &format!("this kernel has no devices of type {kind}"),
            "it needs a kernel with CONFIG_",
        ],
    );
    let first = nsx.find(&format!("type: \"{kind}\"")).expect("the kind is added");
    let left = nsx[..first]
        .rsplit_once("host.link.add(")
        .map_or("", |(before, _)| before);
    let nothing_left = format!(
        "{left}
let before = host.link.show().map(|l| l.ifname);
try {{ {} }} catch (e) {{ assert_eq(e.code, \"NSX031\"); }}
assert_eq(host.link.show().map(|l| l.ifname), before, \"nothing is left\");",
        &nsx[left.len()..]
    );
    Nsx::script(&nothing_left).run().fails(0, &[]);
}

/// Three devices told by nsx, then by the commands that nsx says it is: `wg` sees the same.
#[test]
fn wireguard_keys_and_peers() {
    const TOLD: &str = "
let own = \"iAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=\";
let one = host.wg.pubkey(\"kAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=\");
let two = host.wg.pubkey(\"mAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=\");
let ns0 = netns::add(\"ns0\");
host.link.add(\"wg0\", #{ type: \"wireguard\" });
ns0.link.add(\"wg0\", #{ type: \"wireguard\" });
host.wg.set(\"wg0\", #{ private_key: own, listen_port: 51820, fwmark: 7, peer: [
    #{ public_key: one, endpoint: \"10.0.0.2:51820\", allowed_ips: [\"10.1.0.2/32\", \"fd00::/64\"], persistent_keepalive: \"25s\", preshared_key: own },
    #{ public_key: two, endpoint: \"[fd00::2]:7\", allowed_ips: \"0.0.0.0/0\" },
] });
ns0.wg.set(\"wg0\", #{ peer: [#{ public_key: one, allowed_ips: \"10.1.0.0/24\" }, #{ public_key: two }] });
ns0.wg.set(\"wg0\", #{ private_key: own, peer: #{ public_key: one, allowed_ips: \"10.2.0.0/24\", persistent_keepalive: \"off\" } });
ns0.wg.set(\"wg0\", #{ peer: #{ public_key: two, remove: true } });
";
    const LOOK: &str =
        "print(host.exec(\"wg show all dump; ip netns exec ns0 wg show all dump\", #{ check: true }).stdout);";
    crate::tools();
    let own = Nsx::script(&format!("{TOLD}{LOOK}")).arg("-v").run();
    if own.lacks_kernel() {
        own.fails(4, &["NSX031", "no devices of type wireguard", "CONFIG_WIREGUARD"]);
        return;
    }
    assert_eq!(own.status, 0, "{}", own.stderr);
    assert_eq!(
        own.stdout.lines().filter(|line| !line.is_empty()).count(),
        5,
        "{}",
        own.stdout
    );
    let said: Vec<&str> = own.stderr.lines().filter_map(|line| line.strip_prefix("+ ")).collect();
    let by_wg = Nsx::script(&format!("host.exec(args[0], #{{ check: true }});\n{LOOK}"))
        .arg(&format!("set -e\n{}", said.join("\n")))
        .prints();
    // A port that nobody asked for is the kernel's choice.
    assert_eq!(own.stdout, by_wg, "{}", said.join("\n"));
    let shown = Nsx::script(&format!(
        "{TOLD}print(ns0.wg.show(\"wg0\")); print(\"--\"); print(ns0.exec(\"wg show wg0\").stdout);
         print(\"--\"); print(host.wg.show()); print(\"--\"); print(host.exec(\"wg show\").stdout);"
    ))
    .prints();
    let texts: Vec<&str> = shown.split("--\n").map(str::trim_end).collect();
    assert_eq!(texts[0], texts[1], "one device");
    assert_eq!(texts[2], texts[3], "all devices");
}

/// Reads packets from the tun of this name and sends each echo back as its answer.
const ECHO: &str = "
import fcntl, os, struct, sys
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', sys.argv[1].encode(), 0x1001))
print('ready', flush=True)
while True:
    p = bytearray(os.read(tun, 2000))
    if p[0] >> 4 == 4 and p[9] == 1 and p[20] == 8:
        p[12:16], p[16:20], p[20] = p[16:20], p[12:16], 0
        total = int.from_bytes(p[22:24], 'big') + 0x800
        p[22:24] = ((total & 0xffff) + (total >> 16)).to_bytes(2, 'big')
        os.write(tun, p)
";

#[test]
fn a_program_reads_and_writes_the_packets_of_a_tun() {
    let script = "
let ns0 = netns::add(\"ns0\");
ns0.link.add(\"tun0\", #{ type: \"tun\", up: true });
ns0.addr.add(\"10.0.0.1/24\", #{ dev: \"tun0\" });
assert(!ns0.ping(\"10.0.0.2\", #{ timeout: \"300ms\" }).ok, \"nobody reads it\");
let program = ns0.start([\"python3\", \"-c\", args[0], \"tun0\"]);
assert(eventually(\"60s\", || program.stdout == \"ready\\n\"), program.stderr);
assert(eventually(\"5s\", || ns0.ping(\"10.0.0.2\").ok), \"the program answers\");
program.stop();
assert(eventually(\"5s\", || ns0.link.show(\"tun0\").operstate == \"DOWN\"), \"it stays when the program goes\");
ns0.link.del(\"tun0\");
assert_eq(ns0.link.show().len(), 1);";
    Nsx::script(script).arg(ECHO).run().fails(0, &[]);
}

/// What `link.show` and `addr.show` say of every kind that the kernel has, on a lower device where it wants one.
#[test]
fn devices_of_every_kind_show_as_ip_shows_them() {
    let script = "
let ns = netns::add(\"ns\");
ns.link.add(\"v0\", #{ type: \"veth\", peer: \"v1\", addrgenmode: \"none\", up: true });
ns.link.set(\"v1\", #{ addrgenmode: \"none\", up: true });
let on = #{ vlan: #{ link: \"v0\", id: 5 }, ipvlan: #{ link: \"v0\" }, macvlan: #{ link: \"v1\" }, macvtap: #{ link: \"v1\" } };
let to4 = #{ local: \"10.0.0.1\", remote: \"10.0.0.2\" };
let to6 = #{ local: \"fd00::1\", remote: \"fd00::2\" };
let more = #{ vxlan: #{ id: 1, dstport: 4789 }, geneve: #{ id: 1, remote: \"10.0.0.2\" }, vrf: #{ table: 10 },
    gre: to4, gretap: to4, ipip: to4, sit: to4, ip6gre: to6, ip6gretap: to6, ip6tnl: to6,
    bond: #{}, bridge: #{}, dummy: #{}, ifb: #{}, tun: #{}, wireguard: #{} };
for keys in [on, more] {
    for kind in keys.keys() {
        let options = keys[kind] + #{ type: kind, alias: kind };
        try { ns.link.add(`x${kind}`, options); } catch (e) { assert_eq(e.code, \"NSX031\", e.message); }
    }
}
assert(ns.link.show().len() >= 8, \"what every kernel of labs has\");
same(ns.link.show(), ns, \"link\");
same(ns.addr.show(), ns, \"addr\");
for link in ns.link.show() {
    if link.ifname.starts_with(\"x\") { ns.link.del(link.ifname); }
}
assert_eq(ns.link.show().len(), 3, \"all are deleted\");";
    crate::tools();
    Nsx::script(&format!("{}{script}", crate::facts::AGREE))
        .run()
        .fails(0, &[]);
}

/// Names all kinds there are, so that none is left out above.
#[test]
fn every_kind_is_shown() {
    let here = include_str!("kinds.rs");
    for about in nsx::ops::link::KINDS.iter().filter(|about| about.name != "veth") {
        assert!(
            here.contains(&format!(" {}: ", about.name)),
            "{} is not shown",
            about.name
        );
    }
}

macro_rules! kinds {
    ($($name:ident: $nsx:literal = $ip:literal;)*) => {
        /// What nsx is told in the cases of this file.
        pub const CASES: &[&str] = &[$($nsx),*];

        $(#[test]
        fn $name() {
            judge($nsx, $ip);
        })*
    };
}

kinds! {
    a_dummy:
        "host.link.add(\"d0\", #{ type: \"dummy\", address: \"02:00:00:00:00:01\", mtu: 1400, up: true })"
        = "ip link add d0 address 02:00:00:00:00:01 mtu 1400 up type dummy";
    an_ifb:
        "host.link.add(\"i0\", #{ type: \"ifb\", address: \"02:00:00:00:00:01\" })"
        = "ip link add i0 address 02:00:00:00:00:01 type ifb";
    a_vrf:
        "host.link.add(\"red\", #{ type: \"vrf\", table: 10, address: \"02:00:00:00:00:01\" })"
        = "ip link add red address 02:00:00:00:00:01 type vrf table 10";
    a_bond:
        "host.link.add(\"b0\", #{ type: \"bond\", address: \"02:00:00:00:00:01\", mode: \"active-backup\", miimon: 100, updelay: 200, downdelay: 300 })"
        = "ip link add b0 address 02:00:00:00:00:01 type bond mode active-backup miimon 100 updelay 200 downdelay 300";
    a_vlan:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"v0.5\", #{ type: \"vlan\", link: \"v0\", id: 5, protocol: \"802.1ad\", reorder_hdr: false, gvrp: true, mvrp: true, loose_binding: true, bridge_binding: false })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 v0.5 type vlan protocol 802.1ad id 5 reorder_hdr off gvrp on mvrp on loose_binding on bridge_binding off";
    an_ipvlan:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"iv0\", #{ type: \"ipvlan\", link: \"v0\", mode: \"l2\", \"private\": true })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 iv0 type ipvlan mode l2 private";
    an_ipvlan_of_layer_3:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"iv0\", #{ type: \"ipvlan\", link: \"v0\", mode: \"l3\", bridge: true })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 iv0 type ipvlan mode l3 bridge";
    an_ipvlan_by_way_of_a_switch:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"iv0\", #{ type: \"ipvlan\", link: \"v0\", mode: \"l3s\", vepa: true })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 iv0 type ipvlan mode l3s vepa";
    a_macvtap:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"mt0\", #{ type: \"macvtap\", link: \"v0\", mode: \"vepa\", address: \"02:00:00:00:00:03\" })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 mt0 address 02:00:00:00:00:03 type macvtap mode vepa";
    a_macvlan:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"mv0\", #{ type: \"macvlan\", link: \"v0\", mode: \"bridge\", bcqueuelen: 500, address: \"02:00:00:00:00:03\" })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 mv0 address 02:00:00:00:00:03 type macvlan mode bridge bcqueuelen 500";
    a_macvlan_that_passes_through:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"mv0\", #{ type: \"macvlan\", link: \"v0\", mode: \"passthru\", nopromisc: true })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link add link v0 mv0 type macvlan mode passthru nopromisc";
    a_vxlan_to_one:
        "host.link.add(\"vx0\", #{ type: \"vxlan\", address: \"02:00:00:00:00:01\", id: 42, local: \"10.0.0.1\", remote: \"10.0.0.2\", dev: \"lo\", ttl: 8, dstport: 4789, ageing: 60, maxaddress: 100, nolearning: true, proxy: true, rsc: true, l2miss: true, l3miss: true, udpcsum: false })"
        = "ip link add vx0 address 02:00:00:00:00:01 type vxlan id 42 remote 10.0.0.2 local 10.0.0.1 dev lo ttl 8 dstport 4789 ageing 60 maxaddress 100 nolearning proxy rsc l2miss l3miss noudpcsum";
    a_vxlan_to_a_group:
        "host.link.add(\"vx0\", #{ type: \"vxlan\", address: \"02:00:00:00:00:01\", id: 42, group: \"239.1.1.1\", dev: \"lo\", dstport: 4789, learning: true })"
        = "ip link add vx0 address 02:00:00:00:00:01 type vxlan id 42 group 239.1.1.1 dev lo dstport 4789 learning";
    a_vxlan_told_from_outside:
        "host.link.add(\"vx0\", #{ type: \"vxlan\", address: \"02:00:00:00:00:01\", external: true, dstport: 4789 })"
        = "ip link add vx0 address 02:00:00:00:00:01 type vxlan external dstport 4789";
    a_geneve:
        "host.link.add(\"g0\", #{ type: \"geneve\", address: \"02:00:00:00:00:01\", id: 7, remote: \"10.0.0.2\", ttl: 9, dstport: 6082, udpcsum: true })"
        = "ip link add g0 address 02:00:00:00:00:01 type geneve id 7 remote 10.0.0.2 ttl 9 dstport 6082 udpcsum";
    gres:
        "host.link.add(\"g1\", #{ type: \"gre\", local: \"10.0.0.1\", remote: \"10.0.0.2\", ttl: 64, tos: 16, key: 7, seq: true, csum: true, dev: \"lo\" });
         host.link.add(\"g2\", #{ type: \"gre\", remote: \"10.0.0.2\", ikey: 1, okey: 2, ttl: \"inherit\", tos: \"inherit\", pmtudisc: false });
         host.link.add(\"g3\", #{ type: \"gre\", local: \"10.0.0.1\", remote: \"10.0.0.3\", key: 7 });
         host.link.set(\"g3\", #{ type: \"gre\", ttl: 9, seq: true });
         host.link.add(\"g4\", #{ type: \"gre\", external: true })"
        = "ip link add g1 type gre local 10.0.0.1 remote 10.0.0.2 ttl 64 tos 0x10 key 7 seq csum dev lo
           ip link add g2 type gre remote 10.0.0.2 ikey 1 okey 2 ttl inherit tos inherit nopmtudisc
           ip link add g3 type gre local 10.0.0.1 remote 10.0.0.3 key 7
           ip link set g3 type gre ttl 9 seq
           ip link add g4 type gre external";
    a_tun:
        "host.link.add(\"t1\", #{ type: \"tun\", mtu: 1400 })"
        = "ip tuntap add dev t1 mode tun
           ip link set t1 mtu 1400";
    taps:
        "let ns0 = netns::add(\"ns0\");
         host.link.add(\"t1\", #{ type: \"tun\", mode: \"tap\", address: \"02:00:00:00:00:01\", user: 0, group: 0, pi: true, vnet_hdr: true, netns: ns0 });
         ns0.link.add(\"t2\", #{ type: \"tun\", mode: \"tap\", address: \"02:00:00:00:00:02\", multi_queue: true, alias: \"a tap\" })"
        = "ip netns add ns0
           ip -n ns0 tuntap add dev t1 mode tap user 0 group 0 pi vnet_hdr
           ip -n ns0 link set t1 address 02:00:00:00:00:01
           ip -n ns0 tuntap add dev t2 mode tap multi_queue
           ip -n ns0 link set t2 address 02:00:00:00:00:02 alias 'a tap'";
    a_wireguard:
        "host.link.add(\"wg0\", #{ type: \"wireguard\", mtu: 1380, up: true })"
        = "ip link add wg0 mtu 1380 up type wireguard";
    a_gretap:
        "host.link.add(\"g1\", #{ type: \"gretap\", address: \"02:00:00:00:00:01\", local: \"10.0.0.1\", remote: \"10.0.0.2\", key: 7 })"
        = "ip link add g1 address 02:00:00:00:00:01 type gretap local 10.0.0.1 remote 10.0.0.2 key 7";
    gres_over_ipv6:
        "host.link.add(\"g1\", #{ type: \"ip6gre\", local: \"fd00::1\", remote: \"fd00::2\", ttl: 9, key: 7, encaplimit: \"none\" });
         host.link.add(\"g2\", #{ type: \"ip6gre\", local: \"fd00::1\", remote: \"fd00::3\" });
         host.link.set(\"g2\", #{ type: \"ip6gre\", encaplimit: 6 })"
        = "ip link add g1 type ip6gre local fd00::1 remote fd00::2 ttl 9 key 7 encaplimit none
           ip link add g2 type ip6gre local fd00::1 remote fd00::3
           ip link set g2 type ip6gre encaplimit 6";
    a_gretap_over_ipv6:
        "host.link.add(\"g1\", #{ type: \"ip6gretap\", address: \"02:00:00:00:00:01\", local: \"fd00::1\", remote: \"fd00::2\" })"
        = "ip link add g1 address 02:00:00:00:00:01 type ip6gretap local fd00::1 remote fd00::2";
    an_ipip:
        "host.link.add(\"t1\", #{ type: \"ipip\", mode: \"any\", local: \"10.0.0.1\", remote: \"10.0.0.2\", ttl: 64, tos: 16, dev: \"lo\" });
         host.link.set(\"t1\", #{ type: \"ipip\", ttl: 9 })"
        = "ip link add t1 type ipip mode any local 10.0.0.1 remote 10.0.0.2 ttl 64 tos 0x10 dev lo
           ip link set t1 type ipip ttl 9";
    sits:
        "host.link.add(\"t1\", #{ type: \"sit\", local: \"10.0.0.1\", remote: \"10.0.0.2\" });
         host.link.add(\"t2\", #{ type: \"sit\", mode: \"any\", local: \"10.0.0.1\", remote: \"10.0.0.3\", pmtudisc: false })"
        = "ip link add t1 type sit local 10.0.0.1 remote 10.0.0.2
           ip link add t2 type sit mode any local 10.0.0.1 remote 10.0.0.3 nopmtudisc";
    tunnels_over_ipv6:
        "host.link.add(\"t1\", #{ type: \"ip6tnl\", local: \"fd00::1\", remote: \"fd00::2\" });
         host.link.add(\"t2\", #{ type: \"ip6tnl\", mode: \"ipip6\", local: \"fd00::1\", remote: \"fd00::3\", ttl: 9, encaplimit: \"none\" });
         host.link.set(\"t2\", #{ type: \"ip6tnl\", ttl: 8 })"
        = "ip link add t1 type ip6tnl local fd00::1 remote fd00::2
           ip link add t2 type ip6tnl mode ipip6 local fd00::1 remote fd00::3 ttl 9 encaplimit none
           ip link set t2 type ip6tnl ttl 8";
}
