//! `neigh`: what nsx does and shows against what `ip neigh` does and shows.

use crate::builder::Nsx;

crate::cases! {
    a_neighbour after "ip netns add ns1
         ip link add v0 address 02:00:00:00:00:01 up type veth peer name e0 netns ns1 address 02:00:00:00:00:02
         ip -n ns1 link set e0 up
         until ip link show v0 | grep -q 'state UP'; do sleep 0.05; done":
        "host.neigh.add(\"10.0.0.9\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:09\" });
         host.neigh.add(\"fd00::9\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:0A\" })"
        = "ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0
           ip neigh add fd00::9 lladdr 02:00:00:00:00:0a dev v0";
    of_every_state after "ip netns add ns1
         ip link add v0 address 02:00:00:00:00:01 up type veth peer name e0 netns ns1 address 02:00:00:00:00:02
         ip -n ns1 link set e0 up
         until ip link show v0 | grep -q 'state UP'; do sleep 0.05; done":
        "host.neigh.add(\"10.0.0.1\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:01\", nud: \"permanent\" });
         host.neigh.add(\"10.0.0.2\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:02\", nud: \"stale\" });
         host.neigh.add(\"10.0.0.3\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:03\", nud: \"noarp\" })"
        = "ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 nud permanent dev v0
           ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 nud stale dev v0
           ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:03 nud noarp dev v0";
    for_whom_it_answers after "ip netns add ns1
         ip link add v0 address 02:00:00:00:00:01 up type veth peer name e0 netns ns1 address 02:00:00:00:00:02
         ip -n ns1 link set e0 up
         until ip link show v0 | grep -q 'state UP'; do sleep 0.05; done":
        "host.neigh.add(\"10.0.0.9\", #{ dev: \"v0\", proxy: true });
         host.neigh.add(\"10.0.0.8\", #{ dev: \"v0\", proxy: true });
         host.neigh.replace(\"10.0.0.7\", #{ dev: \"v0\", proxy: true });
         host.neigh.del(\"10.0.0.8\", #{ dev: \"v0\", proxy: true })"
        = "ip neigh add proxy 10.0.0.9 dev v0
           ip neigh add proxy 10.0.0.7 dev v0";
    replaced after "ip netns add ns1
         ip link add v0 address 02:00:00:00:00:01 up type veth peer name e0 netns ns1 address 02:00:00:00:00:02
         ip -n ns1 link set e0 up
         until ip link show v0 | grep -q 'state UP'; do sleep 0.05; done":
        "host.neigh.replace(\"10.0.0.9\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:09\" });
         host.neigh.replace(\"10.0.0.9\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:0a\", nud: \"stale\" })"
        = "ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:0a nud stale dev v0";
    deleted after "ip netns add ns1
         ip link add v0 address 02:00:00:00:00:01 up type veth peer name e0 netns ns1 address 02:00:00:00:00:02
         ip -n ns1 link set e0 up
         until ip link show v0 | grep -q 'state UP'; do sleep 0.05; done
         ip neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev v0
        ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0":
        "host.neigh.del(\"10.0.0.9\", #{ dev: \"v0\", lladdr: \"02:00:00:00:00:09\", nud: \"permanent\" })"
        = "ip neigh del 10.0.0.9 lladdr 02:00:00:00:00:09 nud permanent dev v0";
    flushed_by_device_and_family after "ip netns add ns1
         for n in 1 2; do
            ip link add v$n address 02:00:00:00:01:0$n up type veth peer name e$n netns ns1 address 02:00:00:00:02:0$n
            ip -n ns1 link set e$n up
            until ip link show v$n | grep -q 'state UP'; do sleep 0.05; done
            ip neigh add 10.0.$n.7 lladdr 02:00:00:00:00:07 dev v$n
            ip neigh add 10.0.$n.8 lladdr 02:00:00:00:00:08 nud stale dev v$n
            ip neigh add fd00::$n:8 lladdr 02:00:00:00:00:08 nud stale dev v$n
        done":
        "host.neigh.flush(#{ dev: \"v1\", family: \"inet\" })"
        = "ip -4 neigh flush dev v1";
    flushed after "ip netns add ns1
         for n in 1 2; do
            ip link add v$n address 02:00:00:00:01:0$n up type veth peer name e$n netns ns1 address 02:00:00:00:02:0$n
            ip -n ns1 link set e$n up
            until ip link show v$n | grep -q 'state UP'; do sleep 0.05; done
            ip neigh add 10.0.$n.7 lladdr 02:00:00:00:00:07 dev v$n
            ip neigh add fd00::$n:8 lladdr 02:00:00:00:00:08 nud stale dev v$n
        done":
        "host.neigh.flush()"
        = "ip neigh flush all";
}

#[test]
fn neighbours_show_as_ip_shows_them() {
    let script = "
let ns = netns::add(\"ns\");
sh(ns, `ip link add v2 up type veth peer name v1
ip link set v1 up
until [ $(ip link | grep -c 'state UP') = 2 ]; do sleep 0.05; done
for n in 1 2; do
    ip neigh add 10.0.$n.7 lladdr 02:00:00:00:00:07 dev v$n
    ip neigh add 10.0.$n.8 lladdr 02:00:00:00:00:08 nud stale dev v$n
    ip neigh add 10.0.$n.9 lladdr 02:00:00:00:00:09 nud noarp dev v$n
    ip neigh add fd00::$n:8 lladdr 02:00:00:00:00:08 router nud stale dev v$n
    ip neigh add 10.0.$n.6 lladdr 02:00:00:00:00:06 extern_learn dev v$n protocol static
done`);
same(ns.neigh.show(), ns, \"neigh\");
same(ns.neigh.show(#{ dev: \"v1\" }), ns, \"neigh show dev v1\");
same(ns.neigh.show(#{ family: \"inet6\" }), ns, \"-6 neigh show\");
same(ns.neigh.show(#{ dev: \"v2\", family: \"inet\" }), ns, \"-4 neigh show dev v2\");";
    crate::tools();
    Nsx::script(&format!("{}{script}", crate::facts::AGREE))
        .run()
        .fails(0, &[]);
}
