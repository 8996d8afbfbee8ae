//! The names of namespaces: nsx's are `ip netns`'s, and the other way round.

use crate::builder::Nsx;

#[track_caller]
fn holds(script: &str) {
    crate::tools();
    Nsx::script(script).run().fails(0, &[]);
}

#[test]
fn ip_netns_lists_what_nsx_made() {
    holds(
        "netns::add(\"ns0\"); netns::add(\"ns1\");
         let listed = host.exec(\"ip netns list\").stdout.split(\"\\n\").map(|l| l.split(\" \")[0]).filter(|l| l != \"\");
         listed.sort();
         assert_eq(listed, netns::list(), \"ip netns list\");
         assert(netns::get(\"ns0\").exec(\"ip netns identify\").stdout.contains(\"ns0\"), \"ip netns identify\");",
    );
}

#[test]
fn ip_netns_exec_enters_what_nsx_made() {
    holds(
        "let ns0 = netns::add(\"ns0\");
         ns0.link.add(\"br7\", #{ type: \"bridge\" });
         let seen = host.exec(\"ip netns exec ns0 ls /sys/class/net\", #{ check: true }).stdout;
         assert_eq(seen, \"br7\\nlo\\n\", \"the devices by ip netns exec\");
         let nested = ns0.exec(\"ip netns exec ns0 ip -br link\", #{ check: true }).stdout;
         assert(nested.contains(\"br7\"), \"from within it too\");",
    );
}

#[test]
fn nsx_finds_what_ip_netns_made() {
    holds(
        "host.exec(\"ip netns add made && ip -n made link set lo up\", #{ check: true });
         assert_eq(netns::list(), [\"made\"], \"list\");
         let made = netns::get(\"made\");
         assert(made.ping(\"127.0.0.1\").ok, \"its lo is up\");
         host.link.add(\"v0\", #{ type: \"veth\", peer: #{ name: \"v1\", netns: \"made\" } });
         assert_eq(made.link.show(\"v1\").link_netnsid, 0, \"a peer born in it\");
         made.del();
         assert_eq(host.exec(\"ip netns list\").stdout, \"\", \"it is gone for ip too\");
         assert_eq(host.link.show().len(), 1, \"with its peer\");",
    );
}

#[test]
fn nsx_notices_what_ip_netns_deleted() {
    holds(
        "let ns0 = netns::add(\"ns0\");
         host.exec(\"ip netns del ns0\", #{ check: true });
         assert_eq(netns::list(), [], \"list\");
         let again = netns::add(\"ns0\");
         again.link.add(\"br0\", #{ type: \"bridge\" });
         assert(host.exec(\"ip -n ns0 link show br0\").ok, \"the handle is of the new one\");",
    );
}

#[test]
fn deleting_what_ip_deleted_is_an_error() {
    holds(
        "let ns0 = netns::add(\"ns0\");
         host.exec(\"ip netns del ns0\", #{ check: true });
         try { ns0.del(); assert(false, \"it is gone\"); } catch (e) { assert_eq(e.errno, \"ENOENT\", e.message); }",
    );
}

#[test]
fn a_name_given_to_another_namespace_means_that_one() {
    holds(
        "let ns0 = netns::add(\"ns0\");
         ns0.link.add(\"br7\", #{ type: \"bridge\" });
         host.exec(\"ip netns del ns0 && ip netns add ns0\", #{ check: true });
         assert_eq(ns0.link.show().map(|l| l.ifname), [\"lo\"], \"the new ns0\");
         host.exec(\"ip netns del ns0\", #{ check: true });
         let told = \"\";
         try { ns0.link.show() } catch (e) { told = e.message }
         assert_eq(told, \"there is no netns ns0\");",
    );
}
