//! `addr`: what nsx does against what `ip addr` does.

crate::cases! {
    an_address:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.addr.add(\"10.0.0.100/24\", #{ dev: \"br0\" });
         host.addr.add(\"10.0.0.101/24\", #{ dev: \"br0\" });
         host.addr.add(\"10.0.1.1/32\", #{ dev: \"br0\" });
         host.link.set(\"br0\", #{ up: true })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip addr add 10.0.0.100/24 dev br0
           ip addr add 10.0.0.101/24 dev br0
           ip addr add 10.0.1.1 dev br0
           ip link set br0 up";
    an_address_of_a_namespace:
        "let ns0 = netns::add(\"ns0\");
         ns0.addr.add(\"10.0.0.1/8\", #{ dev: \"lo\" });
         ns0.link.set(\"lo\", #{ up: true })"
        = "ip netns add ns0
           ip -n ns0 addr add 10.0.0.1/8 dev lo
           ip -n ns0 link set lo up";
    a_loopback_address_is_of_the_host:
        "host.addr.add(\"127.0.0.2/8\", #{ dev: \"lo\" });
         host.addr.add(\"127.1.0.1/32\", #{ dev: \"lo\", scope: \"global\" })"
        = "ip addr add 127.0.0.2/8 dev lo
           ip addr add 127.1.0.1/32 dev lo scope global";
    an_ipv6_address:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.addr.add(\"2001:db8::A/128\", #{ dev: \"lo\" });
         host.addr.add(\"fe80::1/64\", #{ dev: \"br0\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add fd00::1/64 dev br0 nodad
           ip addr add 2001:db8::a dev lo
           ip addr add fe80::1/64 dev br0";
    the_other_end:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/32\", #{ dev: \"br0\", peer: \"10.0.0.2/32\" });
         host.addr.add(\"10.0.0.1/32\", #{ dev: \"br0\", peer: \"10.0.9.0/24\" });
         host.addr.add(\"fd00::1/128\", #{ dev: \"br0\", peer: \"fd00::2/128\", nodad: true })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1 peer 10.0.0.2 dev br0
           ip addr add 10.0.0.1 peer 10.0.9.0/24 dev br0
           ip addr add fd00::1 peer fd00::2 dev br0 nodad";
    broadcast_addresses:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\", broadcast: \"10.0.0.255\" });
         host.addr.add(\"10.0.1.1/24\", #{ dev: \"br0\", broadcast: \"+\" });
         host.addr.add(\"10.0.2.1/24\", #{ dev: \"br0\", broadcast: \"-\" });
         host.addr.add(\"10.0.3.1/31\", #{ dev: \"br0\", broadcast: \"+\" });
         host.addr.add(\"10.0.4.1/24\", #{ dev: \"br0\", broadcast: \"10.0.4.7\" })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip addr add 10.0.0.1/24 broadcast 10.0.0.255 dev br0
           ip addr add 10.0.1.1/24 broadcast + dev br0
           ip addr add 10.0.2.1/24 broadcast - dev br0
           ip addr add 10.0.3.1/31 broadcast + dev br0
           ip addr add 10.0.4.1/24 broadcast 10.0.4.7 dev br0";
    broadcast_to_a_peer_s_subnet:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.addr.add(\"10.0.0.1/32\", #{ dev: \"br0\", peer: \"10.0.9.1/24\", broadcast: \"+\" })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip addr add 10.0.0.1 peer 10.0.9.1/24 broadcast + dev br0";
    scopes:
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\", scope: \"link\" });
         host.addr.add(\"10.0.1.1/24\", #{ dev: \"lo\", scope: \"host\" });
         host.addr.add(\"10.0.2.1/24\", #{ dev: \"lo\", scope: \"site\" });
         host.addr.add(\"10.0.3.1/24\", #{ dev: \"lo\", scope: \"global\" });
         host.addr.add(\"10.0.4.1/24\", #{ dev: \"lo\", scope: 200 })"
        = "ip addr add 10.0.0.1/24 scope link dev lo
           ip addr add 10.0.1.1/24 scope host dev lo
           ip addr add 10.0.2.1/24 scope site dev lo
           ip addr add 10.0.3.1/24 scope global dev lo
           ip addr add 10.0.4.1/24 scope 200 dev lo";
    labels:
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\", label: \"lo:web\" });
         host.addr.add(\"10.0.1.1/24\", #{ dev: \"lo\", label: \"lo\" })"
        = "ip addr add 10.0.0.1/24 label lo:web dev lo
           ip addr add 10.0.1.1/24 label lo dev lo";
    replaced_where_it_was_not:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.replace(\"10.0.0.1/24\", #{ dev: \"br0\", broadcast: \"+\", scope: \"link\", label: \"br0:web\" });
         host.addr.replace(\"10.0.1.1/32\", #{ dev: \"br0\", peer: \"10.0.1.2/32\" });
         host.addr.replace(\"fd00::1/64\", #{ dev: \"br0\", nodad: true })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr replace 10.0.0.1/24 broadcast + scope link label br0:web dev br0
           ip addr replace 10.0.1.1 peer 10.0.1.2 dev br0
           ip addr replace fd00::1/64 dev br0 nodad";
    replaced_where_it_was:
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
         host.addr.add(\"10.0.0.2/24\", #{ dev: \"lo\" });
         host.addr.add(\"fd00::1/64\", #{ dev: \"lo\" });
         host.addr.replace(\"10.0.0.2/24\", #{ dev: \"lo\" });
         host.addr.replace(\"10.0.0.1/24\", #{ dev: \"lo\", scope: \"link\" });
         host.addr.replace(\"fd00::1/64\", #{ dev: \"lo\" })"
        = "ip addr add 10.0.0.1/24 dev lo
           ip addr add 10.0.0.2/24 dev lo
           ip addr add fd00::1/64 dev lo
           ip addr replace 10.0.0.2/24 dev lo
           ip addr replace 10.0.0.1/24 scope link dev lo
           ip addr replace fd00::1/64 dev lo";
    deleted:
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
         host.addr.add(\"10.0.0.2/24\", #{ dev: \"lo\" });
         host.addr.add(\"fd00::1/64\", #{ dev: \"lo\" });
         host.addr.add(\"fd00::2/64\", #{ dev: \"lo\" });
         host.addr.del(\"10.0.0.2/24\", #{ dev: \"lo\" });
         host.addr.del(\"fd00::1/64\", #{ dev: \"lo\" })"
        = "ip addr add 10.0.0.1/24 dev lo
           ip addr add fd00::2/64 dev lo";
    a_deleted_primary_takes_its_secondaries_along:
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
         host.addr.add(\"10.0.0.2/24\", #{ dev: \"lo\" });
         host.addr.del(\"10.0.0.1/24\", #{ dev: \"lo\" })"
        = "ip addr add 10.0.0.1/24 dev lo
           ip addr add 10.0.0.2/24 dev lo
           ip addr del 10.0.0.1/24 dev lo";
    an_address_with_a_peer_deleted:
        "host.addr.add(\"10.0.0.1/32\", #{ dev: \"lo\", peer: \"10.0.0.2/32\" });
         host.addr.add(\"10.0.0.1/32\", #{ dev: \"lo\", peer: \"10.0.7.2/24\" });
         host.addr.del(\"10.0.0.1/32\", #{ dev: \"lo\", peer: \"10.0.0.2/32\" })"
        = "ip addr add 10.0.0.1 peer 10.0.7.2/24 dev lo";
    flushed:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.addr.add(\"10.0.0.2/24\", #{ dev: \"br0\" });
         host.addr.add(\"10.0.0.3/32\", #{ dev: \"br0\", peer: \"10.7.0.1/24\" });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.addr.add(\"10.0.0.4/24\", #{ dev: \"lo\" });
         host.addr.flush(#{ dev: \"br0\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip addr add fd00::1/64 dev br0 nodad
           ip addr add 10.0.0.4/24 dev lo
           ip addr flush dev br0";
    flushed_with_promoted_secondaries:
        "host.sysctl.set(\"net.ipv4.conf.lo.promote_secondaries\", 1);
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
         host.addr.add(\"10.0.0.2/24\", #{ dev: \"lo\" });
         host.addr.add(\"10.0.0.3/24\", #{ dev: \"lo\" });
         host.addr.flush(#{ dev: \"lo\" })"
        = "sysctl -w net.ipv4.conf.lo.promote_secondaries=1
           ip addr add 10.0.0.1/24 dev lo
           ip addr add 10.0.0.2/24 dev lo
           ip addr flush dev lo";
}
