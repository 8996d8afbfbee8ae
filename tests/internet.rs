//! The Internet in a namespace: pings, pages and names in it, by nsx itself.

use crate::builder::Nsx;

/// Runs a lab with an uplink, as whoever runs the test and as a user without any privilege.
#[track_caller]
fn holds(script: &str) {
    let lab = format!("import \"std/internet\" as internet;\nlet world = internet::uplink(host);\n{script}");
    for lab in [Nsx::script(&lab), Nsx::script(&lab).unprivileged()] {
        lab.run().fails(0, &[]);
    }
}

/// A private network behind the host: `inside` has 10.1.1.10 and fd00:1::10.
const PRIVATE: &str = r#"
let inside = netns::add("inside");
host.link.add("br0", #{ type: "veth", peer: #{ name: "eth0", netns: inside }, up: true });
inside.link.set("eth0", #{ up: true });
host.addr.add("10.1.1.1/24", #{ dev: "br0" });
inside.addr.add("10.1.1.10/24", #{ dev: "eth0" });
host.addr.add("fd00:1::1/64", #{ dev: "br0", nodad: true });
inside.addr.add("fd00:1::10/64", #{ dev: "eth0", nodad: true });
inside.route.add("default", #{ via: "10.1.1.1" });
inside.route.add("default", #{ via: "fd00:1::1" });
host.sysctl.set("net.ipv4.ip_forward", 1);
host.sysctl.set("net.ipv6.conf.all.forwarding", 1);
"#;

#[test]
fn it_answers_at_once_over_both_families() {
    holds(
        r#"
for address in ["8.8.8.8", "1.1.1.1", "93.184.216.34", "203.0.113.1",
                "2001:4860:4860::8888", "2606:4700:4700::1111", "2001:db8:1::1"] {
    let reply = host.ping(address);
    assert(reply.ok, `${address}: ${reply.error}`);
}
assert_eq(world, netns::get("internet"));
assert_eq(host.ping("9.9.9.9").ok, false, "what it does not have does not answer");
"#,
    );
}

#[test]
fn a_page_says_who_asks() {
    holds(
        r#"
assert_eq(host.fetch("http://8.8.8.8/").body, "this is 8.8.8.8, you are 203.0.113.2\n");
assert_eq(host.fetch("http://[2001:4860:4860::8888]/").body, "this is 2001:4860:4860::8888, you are 2001:db8:1::2\n");
assert_eq(host.fetch(world).body, "this is 8.8.8.8, you are 203.0.113.2\n");
assert_eq(host.fetch("http://www.example.com/?x").body, "this is 93.184.216.34, you are 203.0.113.2\n");
let nowhere = host.fetch("http://8.8.8.8/nowhere");
assert_eq([nowhere.ok, nowhere.status, nowhere.error], [false, 404, ""]);
assert_eq(host.fetch("http://8.8.8.8:81/").error, "Connection refused");
assert_eq(host.fetch("http://nowhere.example.com/").error, "nowhere.example.com: no such name");
assert_eq(netns::add("alone").fetch("http://8.8.8.8/").error, "Network is unreachable");
"#,
    );
}

#[test]
fn names_resolve_for_programs() {
    holds(
        r#"
let four = host.exec("getent ahostsv4 example.com");
assert(four.ok && four.stdout.contains("93.184.216.34"), four.stdout + four.stderr);
let over_tcp = host.exec("RES_OPTIONS=use-vc getent ahostsv4 dns.google");
assert(over_tcp.stdout.contains("8.8.8.8"), over_tcp.stdout + over_tcp.stderr);
let six = host.exec("getent hosts dns.google");
assert(six.ok && six.stdout.contains("2001:4860:4860::8888"), six.stdout + six.stderr);
let name = host.exec("getent hosts 1.1.1.1");
assert(name.ok && name.stdout.contains("one.one.one.one"), name.stdout + name.stderr);
assert_eq(host.exec("getent hosts nowhere.example.com").status, 2, "an unknown name is not found");
assert(host.exec("cat /etc/resolv.conf").stdout.contains("nameserver 8.8.8.8\nnameserver 2001:4860:4860::8888\n"));
"#,
    );
}

#[test]
fn a_private_network_needs_nat() {
    holds(&format!(
        r#"{PRIVATE}
let quick = #{{ timeout: "300ms" }};
assert_eq(inside.ping("8.8.8.8", quick).error, "timeout", "nobody out there knows a way back");
assert_eq(inside.ping("2001:4860:4860::8888", quick).error, "timeout");
assert_eq(inside.fetch("http://8.8.8.8/", quick).error, "timeout");

host.nat.masquerade("10.1.1.0/24");
host.nat.masquerade("fd00:1::/64");
assert(inside.ping("8.8.8.8").ok, "NAT leads out");
assert(inside.ping("2001:4860:4860::8888").ok, "NAT leads out over IPv6 too");
assert_eq(inside.fetch("http://example.com/").body, "this is 93.184.216.34, you are 203.0.113.2\n");
let name = inside.exec("getent ahostsv4 example.com");
assert(name.stdout.contains("93.184.216.34"), name.stdout + name.stderr);
"#
    ));
}

#[test]
fn it_goes_with_its_uplink() {
    holds(
        r#"
assert(host.fetch("http://8.8.8.8/").ok);
world.del();
assert_eq(host.link.show().len(), 1, "enp1s0 is gone");
assert_eq(netns::list(), []);
let again = internet::uplink(host);
assert(host.fetch("http://example.com/").ok, "another one works at once");
netns::del("internet");
"#,
    );
}

#[test]
fn a_server_listens_where_it_is_told_to() {
    let lab = Nsx::script(
        r#"
host.addr.add("10.0.0.1/32", #{ dev: "lo" });
host.serve("http", #{ port: 8080, address: "10.0.0.1", body: "<p>hello</p>" });
assert_eq(host.fetch("http://10.0.0.1:8080").body, "<p>hello</p>");
assert_eq(host.fetch("http://127.0.0.1:8080").error, "Connection refused");
host.serve("http", #{ port: 8080, address: "127.0.0.1" });
for i in 0..200 {
    assert(host.fetch("http://127.0.0.1:8080").ok);
}
"#,
    );
    lab.run().fails(0, &[]);
}

#[test]
fn what_cannot_be_served_is_told() {
    for (call, words) in [
        ("host.serve(\"smtp\");", "wants \"http\" or \"dns\", not \"smtp\""),
        ("host.serve(\"http\", #{ prot: 1 });", "did you mean `port`?"),
        ("host.serve(\"http\", #{ records: #{} });", "unknown key `records`"),
        (
            "host.serve(\"dns\", #{ records: #{ \"a b\": \"1.1.1.1\" } });",
            "\"a b\" is no name",
        ),
        (
            "host.serve(\"dns\", #{ records: #{ \"a\": 5 } });",
            "\"a\" wants an address",
        ),
        ("host.serve(\"http\", #{ port: 0 });", "`port` is at least 1"),
        ("host.serve(\"http\");\nhost.serve(\"http\");", "Address already in use"),
        (
            "host.serve(\"http\", #{ address: \"10.9.9.9\" });",
            "give host that address first",
        ),
        ("host.fetch(\"https://example.com/\");", "wants a URL such as"),
    ] {
        Nsx::script(call).run().fails(3, &[words]);
    }
}

#[test]
fn a_program_is_answered_while_the_lab_waits_for_another() {
    let lab = Nsx::script(
        r#"
import "std/internet" as internet;
internet::uplink(host);
let asking = host.start("getent ahostsv4 example.com");
sleep("500ms");
assert(asking.stdout.contains("93.184.216.34"), asking.stderr);
"#,
    );
    lab.run().fails(0, &[]);
}
