//! The language: what scripts are written against, page by page.

use std::time::Duration;

use crate::builder::Nsx;

/// Scripts that hold: a name, a script.
macro_rules! holds {
    ($($name:ident: $script:literal;)*) => {$(
        #[test]
        fn $name() {
            Nsx::script($script).run().fails(0, &[]);
        }
    )*};
}

/// Scripts that are refused: a name, then each script with the words of its refusal.
macro_rules! refused {
    ($($name:ident: $($script:literal => [$($word:literal),*]),+;)*) => {$(
        #[test]
        fn $name() {
            $(Nsx::script($script).run().fails(3, &[$($word),*]);)+
        }
    )*};
}

/// Scripts and what they print.
macro_rules! prints {
    ($($name:ident: $script:literal => $text:literal;)*) => {$(
        #[test]
        fn $name() {
            assert_eq!(Nsx::script($script).prints(), $text);
        }
    )*};
}

holds! {
    namespaces: r#"
        let ns1 = netns::add("ns1");
        let ns0 = netns::add("ns0");
        assert_eq(netns::list(), ["ns0", "ns1"], "the names, sorted, without host");
        assert_eq(netns::get("ns0"), ns0, "get gives the handle");
        assert_eq([ns0.name, host.name], ["ns0", "host"], "a handle knows its name");
        assert_eq(netns::get("host"), host, "host has a name too");
        assert(ns0 != ns1 && ns0 == ns0, "handles compare");
        assert_eq(`${ns0}`, "ns0", "a handle reads as its name");
        ns0.del();
        netns::del(ns1);
        assert_eq(netns::list(), [], "both ways to delete");"#;
    how_a_lab_starts: r#"
        assert_eq(host.link.show().map(|l| l.ifname), ["lo"], "host has lo alone");
        assert("UP" in host.link.show("lo").flags, "up");
        assert(host.ping("127.0.0.1").ok, "it answers");
        let ns0 = netns::add("ns0");
        assert_eq(ns0.link.show("lo").flags, ["LOOPBACK"], "a new namespace has lo, down");
        assert_eq(ns0.route.show(), [], "and no route");"#;
    links: r#"
        let ns0 = netns::add("ns0");
        host.link.add("veth0", #{ type: "veth", peer: "veth1" });
        host.link.add("veth2", #{ type: "veth", peer: #{ name: "eth0", netns: ns0 } });
        assert_eq(ns0.link.show().map(|l| l.ifname), ["lo", "eth0"], "the peer is born in ns0");
        assert_eq(host.link.show("veth2").link_netns, "ns0", "and known to be there");
        host.link.add("br0", #{ type: "bridge", up: true });
        host.link.set("veth0", #{ master: "br0", mtu: 1400, address: "02:00:00:00:00:01", up: true, txqueuelen: 7, alias: "a b" });
        let veth0 = host.link.show("veth0");
        assert_eq([veth0.master, veth0.mtu, veth0.address, veth0.txqlen, veth0.ifalias], ["br0", 1400, "02:00:00:00:00:01", 7, "a b"], "set");
        assert("UP" in veth0.flags, "up");
        host.link.set("veth0", #{ nomaster: true, down: true });
        assert(!("master" in host.link.show("veth0")), "out of the bridge");
        host.link.set("veth0", #{ netns: "ns0" });
        host.link.set("veth1", #{ netns: ns0, name: "eth1" });
        assert_eq(ns0.link.show().len(), 4, "moved by name and by handle");
        assert_eq(ns0.link.show("eth1").link, "veth0", "moved and renamed in one call");
        ns0.link.del("eth1");
        assert_eq(ns0.link.show().map(|l| l.ifname), ["lo", "eth0"], "both ends are gone");"#;
    addresses: r#"
        host.link.add("br0", #{ type: "bridge" });
        host.addr.add("10.0.0.100/24", #{ dev: "br0", broadcast: "+", label: "br0:x", scope: "site" });
        host.addr.add("10.1.0.1/32", #{ dev: "br0", peer: "10.1.0.2/32" });
        host.addr.add("fd00::1/64", #{ dev: "br0", nodad: true });
        let info = host.addr.show(#{ dev: "br0" })[0].addr_info;
        assert_eq(info.map(|a| a.local), ["10.0.0.100", "10.1.0.1", "fd00::1"], "IPv4, then IPv6");
        assert_eq([info[1].address, info[1].prefixlen], ["10.1.0.2", 32], "a peer");
        assert_eq([info[0].broadcast, info[0].label, info[0].scope], ["10.0.0.255", "br0:x", "site"], "what was said");
        assert_eq([info[2].family, info[2].nodad, info[2].prefixlen], ["inet6", true, 64], "IPv6");
        host.addr.del("10.0.0.100/24", #{ dev: "br0" });
        host.addr.del("10.1.0.1/32", #{ dev: "br0", peer: "10.1.0.2/32" });
        assert_eq(host.addr.show(#{ dev: "br0" })[0].addr_info.len(), 1, "deleted");
        host.addr.flush(#{ dev: "br0" });
        assert_eq(host.addr.show(#{ dev: "br0" })[0].addr_info, [], "flushed");
        assert_eq(host.addr.show().map(|l| l.ifname), ["lo", "br0"], "every device is shown");"#;
    routes: r#"
        host.link.add("br0", #{ type: "bridge", up: true });
        host.addr.add("10.0.0.1/24", #{ dev: "br0" });
        host.route.add("default", #{ via: "10.0.0.254" });
        host.route.add("10.9.0.0/16", #{ nexthop: [ #{ via: "10.0.0.2", weight: 1 }, #{ via: "10.0.0.3", weight: 2 } ] });
        host.route.add("10.66.0.0/16", #{ type: "blackhole" });
        let shown = host.route.show();
        assert_eq(shown.map(|r| r.dst), ["default", "10.0.0.0/24", "10.9.0.0/16", "10.66.0.0/16"], "show");
        assert_eq([shown[0].gateway, shown[0].dev, shown[1].prefsrc, shown[1].protocol], ["10.0.0.254", "br0", "10.0.0.1", "kernel"], "fields");
        assert_eq(shown[2].nexthops.map(|hop| hop.weight), [1, 2], "weights");
        assert_eq(host.route.get("8.8.8.8").gateway, "10.0.0.254", "the kernel's decision is a map");
        host.route.replace("default", #{ via: "10.0.0.253" });
        assert_eq(host.route.get("8.8.8.8").gateway, "10.0.0.253", "replaced");
        host.route.del("default");
        try { host.route.get("8.8.8.8"); throw "there is no way"; } catch (e) { assert_eq(e.errno, "ENETUNREACH", "get"); }
        host.route.flush();
        assert_eq(host.route.show(), [], "flushed");"#;
    parameters: r#"
        let ns0 = netns::add("ns0");
        for value in [1, "1", true] {
            ns0.sysctl.set("net.ipv4.ip_forward", value);
            assert_eq(ns0.sysctl.get("net.ipv4.ip_forward"), "1", "text, whatever it was set from");
            ns0.sysctl.set("net.ipv4.ip_forward", false);
        }
        host.sysctl.set("net.ipv4.ip_forward", 1);
        assert_eq(ns0.sysctl.get("net.ipv4.ip_forward"), "0", "each namespace has its own");"#;
    a_namespace_by_handle_or_by_name: r#"
        let ns0 = netns::add("ns0");
        host.link.add("veth0", #{ type: "veth", peer: "veth1" });
        host.link.set("veth0", #{ netns: "ns0" });
        ns0.link.set("veth0", #{ netns: "host" });
        host.link.set("veth0", #{ netns: ns0 });
        ns0.link.set("veth0", #{ netns: host });
        host.link.add("v2", #{ type: "veth", netns: ns0, peer: #{ name: "v3", netns: "ns0" } });
        assert_eq(ns0.link.show().len(), 3, "both ends born there");
        netns::del(ns0);
        assert_eq(host.link.show().len(), 3, "host kept its own");"#;
    deleted_means_gone: r#"
        for i in 0..200 {
            let ns0 = netns::add("ns0");
            host.link.add("veth0", #{ type: "veth", peer: #{ name: "veth1", netns: ns0 } });
            if i % 2 == 0 { ns0.del(); } else { netns::del("ns0"); }
            assert_eq(host.link.show().len(), 1, "its devices and their peers are gone");
        }"#;
    pings: r#"
        let ns0 = netns::add("ns0");
        host.link.add("veth0", #{ type: "veth", peer: #{ name: "veth0", netns: ns0 }, up: true });
        ns0.link.set("veth0", #{ up: true });
        host.addr.add("10.0.0.1/24", #{ dev: "veth0" });
        ns0.addr.add("10.0.0.2/24", #{ dev: "veth0" });
        let one = host.ping(ns0);
        assert(one.ok, "a namespace stands for its first global address");
        assert_eq([one.transmitted, one.received, one.loss, one.error, one.from], [1, 1, 0, "", "10.0.0.2"], "one echo");
        assert(one.rtt.min > 0.0 && one.rtt.min <= one.rtt.avg && one.rtt.avg <= one.rtt.max, "ms, floats");
        assert_eq(type_of(one.rtt.avg), "f64", "a float");
        let more = ns0.ping("10.0.0.1", #{ count: 3, timeout: "2s", interval: "20ms", size: 1400, ttl: 64, dont_fragment: true });
        assert_eq([more.ok, more.transmitted, more.received], [true, 3, 3], "its keys");
        assert_eq(ns0.ping("8.8.8.8").error, "Network is unreachable", "no route");
        let none = ns0.ping("10.0.0.9", #{ timeout: "100ms" });
        assert_eq([none.ok, none.received, none.loss, none.error], [false, 0, 100, "timeout"], "no answer is a result");
        ns0.route.add("10.7.0.0/16", #{ type: "prohibit" });
        assert(ns0.ping("10.7.0.1").error != "", "a refusal too");"#;
    programs: r#"
        let ns0 = netns::add("ns0");
        let ran = ns0.exec("echo out; echo err >&2; exit 3");
        assert_eq([ran.ok, ran.status, ran.stdout, ran.stderr], [false, 3, "out\n", "err\n"], "a line for the shell");
        assert_eq(ns0.exec(["printf", "%s|", "a b", "$HOME"]).stdout, "a b|$HOME|", "the exact words");
        assert_eq(host.exec("no-such-program").status, 127, "the shell's own status");
        assert(!host.exec(["no-such-program"]).ok, "not found is a result");
        try { ns0.exec("echo why >&2; false", #{ check: true }); throw "it failed"; }
        catch (e) { assert_eq([e.code, e.netns], ["NSX005", "ns0"], "check"); assert(e.message.contains("why"), e.message); }
        let waiting = ns0.start("echo ready; cat /proc/net/dev; sleep 100");
        assert(eventually("3s", || waiting.stdout.contains("ready")), "stdout as it comes");
        assert(waiting.alive && waiting.pid > 1, "it runs");
        waiting.stop();
        assert(!waiting.alive, "stopped");
        let short = host.start("echo oops >&2; exit 4");
        assert_eq([short.wait(), short.stderr, short.alive], [4, "oops\n", false], "waited for");
        assert_eq(short.wait(), 4, "and again");"#;
    proving: r#"
        assert(true, "words");
        assert(1 < 2);
        assert_eq(1, 1.0, "numbers by value");
        assert_eq([1, #{ a: [()] }], [1, #{ a: [()] }], "through and through");
        let n = 0;
        assert(eventually("3s", || { n += 1; n == 3 }), "polls until true");
        assert_eq(n, 3, "and no longer");
        sleep("1ms");"#;
    caught: r#"
        netns::add("ns0");
        host.link.add("br0", #{ type: "bridge" });
        host.link.add("br1", #{ type: "bridge" });
        let fields = |e| [e.code, e.op, e.netns, e.errno, e.kernel, e.message, e.help];
        for act in [
            || netns::add("ns0"), || netns::get("ns9"), || host.link.set("br1", #{ master: "br0" }), || host.link.show("eth0"),
            || host.link.add("x", #{ tpye: "veth" }), || host.ping("x"), || host.sysctl.get("net.ipv4.nothing"), || host.start(["nothing"]),
        ] {
            try { act.call(); throw "not reached"; } catch (e) {
                assert(fields.call(e).all(|field| type_of(field) == "string"), "every field is text");
                assert(e.code.starts_with("NSX0") && e.message != "", e.message);
                assert_eq(`${e}`, e.message, "it reads as its message");
            }
        }
        try { host.link.set("br1", #{ master: "br0" }); } catch (e) {
            assert_eq([e.code, e.op, e.netns, e.errno], ["NSX019", "ip link set br1 master br0", "host", "ELOOP"], "fields");
            assert_eq(e.kernel, "Can not enslave a bridge to a bridge", "the kernel's own words");
        }
        try { host.addr.add("10.0.0.1", #{ dev: "br0" }); } catch (e) { assert_eq([e.code, e.errno, e.kernel], ["NSX020", "", ""], "nothing is empty"); }"#;
    host_and_netns_are_known_everywhere: r#"
        fn make(name) { let ns = netns::add(name); host.link.add(`v${name}`, #{ type: "veth", peer: #{ name: "eth0", netns: ns } }); ns }
        let all = ["a0", "b0"].map(|name| make(name));
        let count = || host.link.show().len();
        assert_eq(count.call(), 3, "in a closure");
        all.for_each(|| netns::del(this));
        assert_eq(netns::list(), [], "in a method's closure");
        let host2 = host; let map = #{ host: 1 };
        assert_eq(host2, host, "host is a value");"#;
}

refused! {
    a_duration_without_a_unit:
        "sleep(3);" => ["NSX003", "has no unit", "3s"],
        "sleep(0.5);" => ["has no unit"],
        "sleep(\"200\");" => ["has no unit", "200ms"],
        "eventually(3, || true);" => ["eventually", "has no unit"],
        "host.ping(\"127.0.0.1\", #{ timeout: 2 });" => ["`timeout` has no unit"],
        "host.exec(\"true\", #{ timeout: 1.5 });" => ["`timeout` has no unit"],
        "sleep(\"3 parsecs\");" => ["wants a duration"],
        "sleep(\"-3s\");" => ["wants a duration"];
    an_unknown_key:
        "host.link.add(\"v0\", #{ type: \"veth\", pear: \"v1\" });" => ["NSX003", "unknown key `pear`", "did you mean `peer`?"],
        "host.link.add(\"v0\", #{ type: \"bridge\", peer: \"v1\" });" => ["unknown key `peer`"],
        "host.link.set(\"lo\", #{ mastre: \"br0\" });" => ["did you mean `master`?"],
        "host.link.add(\"v0\", #{ type: \"vet\" });" => ["did you mean \"veth\"?"],
        "host.addr.add(\"10.0.0.1/24\", #{ dve: \"lo\" });" => ["did you mean `dev`?"],
        "host.addr.show(#{ device: \"lo\" });" => ["unknown key `device`"],
        "host.route.add(\"default\", #{ vai: \"10.0.0.1\" });" => ["did you mean `via`?"],
        "host.route.add(\"default\", #{ nexthop: [ #{ via: \"10.0.0.1\", wieght: 2 } ] });" => ["nexthop", "wieght"],
        "host.ping(\"127.0.0.1\", #{ cuont: 2 });" => ["did you mean `count`?"],
        "host.exec(\"true\", #{ chekc: true });" => ["did you mean `check`?"],
        "netns::add(\"ns0\", #{ x: 1 });" => ["unknown key `x`", "takes no options"];
    a_wrong_type:
        "host.link.set(\"lo\", #{ mtu: \"big\" });" => ["NSX003", "`mtu` wants a whole number", "not \"big\""],
        "host.link.set(\"lo\", #{ mtu: -1 });" => ["`mtu` wants a whole number", "-1"],
        "host.link.set(\"lo\", #{ up: 1 });" => ["`up` wants true or false"],
        "host.link.set(7, #{ up: true });" => ["the device wants the name of a device, not the number 7"],
        "host.link.set(\"lo\", #{ address: \"02:00\" });" => ["`address` wants a link-layer address"],
        "host.link.set(\"lo\", #{ netns: 7 });" => ["`netns` wants a netns handle or its name"],
        "host.addr.add(\"10.0.0.1\", #{ dev: \"lo\" });" => ["10.0.0.1/24"],
        "host.addr.add(\"10.0.0.256/24\", #{ dev: \"lo\" });" => ["wants an address with its prefix length"],
        "host.route.add(\"10.0.0.5/24\", #{ dev: \"lo\" });" => ["10.0.0.0/24"],
        "host.route.add(\"default\", #{ via: \"10.0.0.1/24\" });" => ["`via` wants an address without a prefix length"],
        "host.route.add(\"default\", #{ nexthop: \"10.0.0.1\" });" => ["`nexthop` wants an array"],
        "host.route.add(\"10.0.0.0/8\", #{ type: \"blackhloe\" });" => ["`type` wants unicast"],
        "host.route.add(\"10.0.0.0/8\", #{ dev: \"lo\", table: \"all\" });" => ["one table"],
        "host.sysctl.set(\"kernel.hostname\", \"x\");" => ["belongs to the whole machine"],
        "host.sysctl.set(\"net/../../etc/passwd\", \"x\");" => ["wants a parameter"],
        "host.ping(7);" => ["wants an address", "or a netns"],
        "host.exec(\"\");" => ["the command is empty"],
        "host.exec([]);" => ["the command is empty"],
        "assert(1, \"x\");" => ["the condition wants true or false"],
        "eventually(\"10ms\", || 1);" => ["the condition wants true or false"];
    something_missing:
        "netns::add();" => ["NSX003", "the name is missing"],
        "host.link.add();" => ["the device is missing"],
        "host.link.add(\"v0\");" => ["`type` is missing", "veth"],
        "host.link.set(\"lo\");" => ["no key was given"],
        "host.link.add(\"v0\", #{ type: \"veth\", peer: #{ mtu: 1400 } });" => ["has no `name`"],
        "host.addr.add(#{ dev: \"lo\" });" => ["the address is missing"],
        "host.addr.add(\"10.0.0.1/24\");" => ["`dev` is missing"],
        "host.addr.del(\"10.0.0.1/24\");" => ["`dev` is missing"],
        "host.addr.flush();" => ["`dev` is missing"],
        "host.route.add(#{ via: \"10.0.0.1\" });" => ["the destination is missing"],
        "host.route.add(\"default\");" => ["a route needs a way"],
        "host.route.get();" => ["the address is missing"],
        "host.sysctl.set(\"net.ipv4.ip_forward\");" => ["the value is missing"],
        "host.ping();" => ["the target is missing"],
        "host.ping(netns::add(\"ns0\"));" => ["ns0 has no global address"];
    one_argument_too_many:
        "netns::add(\"ns0\", \"ns1\");" => ["NSX003", "one argument too many: \"ns1\""],
        "netns::list(1);" => ["one argument too many: the number 1"],
        "host.link.show(\"lo\", \"lo\");" => ["one argument too many"],
        "host.link.del(\"lo\", #{ }, 3);" => ["one argument too many"],
        "host.route.flush(\"main\");" => ["one argument too many"],
        "host.ping(\"127.0.0.1\", \"127.0.0.2\");" => ["one argument too many"];
    names_with_bad_characters:
        "netns::add(\"../x\");" => ["NSX003", "cannot name a netns"],
        "netns::add(\"\");" => ["cannot name a netns"],
        "netns::add(\"host\");" => ["`host` is the lab's own root namespace"],
        "host.del();" => ["`host` is the lab's own root namespace"],
        "host.link.add(\"a b\", #{ type: \"bridge\" });" => ["cannot name a device"],
        "host.link.add(\"a/b\", #{ type: \"bridge\" });" => ["cannot name a device"],
        "host.link.add(\"0123456789abcdef\", #{ type: \"bridge\" });" => ["16 bytes", "at most 15"],
        "host.link.set(\"lo\", #{ name: \"x%d\" });" => ["`name`", "cannot name a device"];
    what_does_not_exist:
        "netns::add(\"ns0\");\nnetns::get(\"ns1\");" => ["NSX015", "there is no netns ns1", "netns::get(\"ns0\")"],
        "netns::del(\"ns1\");" => ["there is no netns ns1", "netns::add(\"ns1\")"],
        "let ns0 = netns::add(\"ns0\");\nns0.del();\nns0.link.show();" => ["there is no netns ns0"],
        "host.link.del(\"eth0\");" => ["there is no device eth0 in host", "host has lo"],
        "host.link.show(\"eth0\");" => ["there is no device eth0 in host", "ip link show eth0"],
        "host.link.set(\"lo\", #{ master: \"br0\" });" => ["there is no device br0 in host"],
        "host.link.set(\"lo\", #{ netns: \"ns7\" });" => ["there is no netns ns7"],
        "host.addr.show(#{ dev: \"eth0\" });" => ["there is no device eth0 in host"],
        "host.addr.del(\"10.0.0.1/24\", #{ dev: \"lo\" });" => ["EADDRNOTAVAIL", "lo has no such address"],
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"eth0\" });" => ["there is no device eth0 in host"],
        "host.route.del(\"10.0.0.0/24\");" => ["ESRCH", "no route fits"],
        "host.route.show(#{ dev: \"eth0\" });" => ["there is no device eth0"],
        "host.sysctl.get(\"net.ipv4.nothing\");" => ["no parameter net.ipv4.nothing"],
        "let ns0 = netns::add(\"ns0\");\nhost.link.add(\"v0\", #{ type: \"veth\", peer: #{ name: \"v1\", netns: ns0 } });\nhost.link.set(\"v1\", #{ up: true });"
            => ["there is no device v1 in host", "v1 is in ns0"];
    misspelt_words:
        "netns::ad(\"ns0\");" => ["NSX002", "did you mean"],
        "ntens::add(\"ns0\");" => ["there is no module `ntens`", "did you mean `netns`?"],
        "host.lnk.show();" => ["a netns has no `lnk`", "did you mean `link`?"],
        "host.link.shw();" => ["did you mean `show`?"],
        "host.pign(\"127.0.0.1\");" => ["did you mean `ping`?"],
        "fn f() { hots.name }\nprint(1);" => ["there is no variable `hots`", "did you mean `host`?"],
        "host.route.set(\"default\");" => ["route has no set", "add"];
    names_that_are_taken:
        "host.link.add(\"v0\", #{ type: \"veth\", peer: \"v1\" });\nhost.link.add(\"v1\", #{ type: \"bridge\" });" => ["EEXIST", "host already has a device v1"],
        "host.link.add(\"v0\", #{ type: \"veth\", peer: \"lo\" });" => ["EEXIST", "the name that the peer is to have", "peer: \"lo0\""],
        "host.link.add(\"v0\", #{ type: \"veth\", peer: \"v1\" });\nhost.link.set(\"v0\", #{ name: \"v1\" });" => ["EEXIST", "host already has a device v1"],
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });\nhost.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });" => ["EEXIST", "lo has this address already"],
        "host.route.add(\"10.0.0.0/8\", #{ dev: \"lo\" });\nhost.route.add(\"10.0.0.0/8\", #{ dev: \"lo\" });" => ["EEXIST", "host.route.replace"];
}

prints! {
    facts_read_as_the_text_of_ip: r#"
        print(host.link.show("lo"));
        print(host.link.show());
        print(`lo: ${host.addr.show()[0].addr_info.len()}`);
        print(`${host.link.show("lo")}`);"#
        => "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\nlo: 2\n1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n";
    what_is_made_of_facts_reads_so_too: r#"
        host.route.add("10.9.0.0/16", #{ type: "blackhole" });
        host.route.add("10.8.0.0/16", #{ dev: "lo", metric: 5 });
        let routes = host.route.show();
        print(routes.filter(|r| r.dst == "10.9.0.0/16"));
        print(routes[0]);
        print(`first: ${routes[0]}|`);
        print(routes.filter(|r| r.dst == "nowhere"));
        print([routes[1], routes[0]]);
        print(routes + routes);
        for route in routes { print(route); }
        print(routes.map(|r| r.dst));
        print(routes[0].flags);"#
        => "blackhole 10.9.0.0/16 \n10.8.0.0/16 dev lo scope link metric 5 \nfirst: 10.8.0.0/16 dev lo scope link metric 5 |\n[]\nblackhole 10.9.0.0/16 \n10.8.0.0/16 dev lo scope link metric 5 \n10.8.0.0/16 dev lo scope link metric 5 \nblackhole 10.9.0.0/16 \n10.8.0.0/16 dev lo scope link metric 5 \nblackhole 10.9.0.0/16 \n10.8.0.0/16 dev lo scope link metric 5 \nblackhole 10.9.0.0/16 \n[\"10.8.0.0/16\", \"10.9.0.0/16\"]\n[]\n";
    an_empty_show_prints_an_empty_line: "print(host.route.show()); print(\"|\");" => "\n|\n";
    other_values: r#"print([1, "a", #{ b: [host, ()] }]); print(#{ "a": 1 }); print([]); print(1.5); print(host); print(());"#
        => "[1, \"a\", #{\"b\": [netns(\"host\"), ()]}]\n#{\"a\": 1}\n[]\n1.5\nhost\n\n";
}

#[test]
fn eventually_gives_up_in_time() {
    let ran = Nsx::script("assert_eq(eventually(\"300ms\", || false), false, \"time is up\");").run();
    ran.fails(0, &[]);
    assert!(
        ran.took >= Duration::from_millis(300) && ran.took < Duration::from_secs(2),
        "it took {:?}",
        ran.took
    );
}

#[test]
fn arguments() {
    let ran = Nsx::script("assert_eq(args, [\"a b\", \"--quiet\", \"-x\"], \"what stood after the name\");");
    ran.arg("a b").arg("--quiet").arg("-x").run().fails(0, &[]);
}

#[test]
fn on_exit_runs_at_the_end_of_the_lab() {
    let start = "on_exit(|| print(netns::list())); on_exit(|| print(\"last\"));\nnetns::add(\"ns0\");\n";
    for (end, status) in [
        ("", 0),
        ("throw \"x\";", 3),
        ("assert(false);", 1),
        ("exit(5);", 5),
        ("host.link.del(\"x\");", 3),
    ] {
        let ran = Nsx::script(&format!("{start}{end}")).run();
        assert_eq!(
            (ran.status, ran.stdout.as_str()),
            (status, "last\n[\"ns0\"]\n"),
            "after {end:?}: {}",
            ran.stderr
        );
    }
    Nsx::script("on_exit(|| host.link.del(\"x\"));")
        .run()
        .fails(3, &["there is no device x"]);
}

#[test]
fn modules_know_host_and_netns() {
    let module = "fn lab(name) { let ns = netns::add(name); host.link.add(\"v0\", #{ type: \"veth\", peer: #{ name: \"v1\", netns: ns } }); ns }
        fn count() { let f = || host.link.show().len(); f.call() }";
    let script = "import \"lib/lab\" as lab;\nlet ns = lab::lab(\"ns0\");\nassert_eq([ns.name, lab::count()], [\"ns0\", 2], \"in a module\");";
    Nsx::script(script).file("lib/lab.rhai", module).run().fails(0, &[]);
}

#[test]
fn a_misspelt_name_is_found_before_anything_runs() {
    for (script, words) in [
        (
            "print(1); hots.link.show();",
            ["no variable `hots`", "did you mean `host`?"],
        ),
        (
            "print(1); host.pign(\"10.0.0.1\");",
            ["no function `pign`", "did you mean `ping`?"],
        ),
        (
            "print(1); fn f() { asert(true) }",
            ["no function `asert`", "did you mean `assert`?"],
        ),
        (
            "print(1); let f = || netns::lst();",
            ["no function `netns::lst`", "did you mean `list`?"],
        ),
    ] {
        let ran = Nsx::script(script).run();
        ran.fails(3, &words);
        assert_eq!(ran.stdout, "", "nothing has run");
    }
}
