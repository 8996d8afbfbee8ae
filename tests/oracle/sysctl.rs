//! `netns` and `sysctl`: what nsx does against what `ip netns` and `sysctl` do.

crate::cases! {
    a_namespace:
        "netns::add(\"ns0\"); netns::add(\"ns1\"); netns::del(\"ns0\")"
        = "ip netns add ns1";
    a_deleted_namespace_takes_both_ends_along:
        "let ns0 = netns::add(\"ns0\");
         host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 } });
         ns0.del()"
        = "true";
    a_parameter:
        "let ns0 = netns::add(\"ns0\");
         ns0.sysctl.set(\"net.ipv4.ip_forward\", 1);
         ns0.sysctl.set(\"net.ipv4.conf.all.rp_filter\", \"2\");
         host.sysctl.set(\"net.ipv6.conf.lo.disable_ipv6\", true);
         host.sysctl.set(\"net/ipv4/conf/lo/arp_ignore\", 1)"
        = "ip netns add ns0
           ip netns exec ns0 sysctl -w net.ipv4.ip_forward=1
           ip netns exec ns0 sysctl -w net.ipv4.conf.all.rp_filter=2
           sysctl -w net.ipv6.conf.lo.disable_ipv6=1
           sysctl -w net.ipv4.conf.lo.arp_ignore=1";
    a_parameter_of_a_device_with_a_dot:
        "host.link.add(\"br0.1\", #{ type: \"bridge\", address: \"02:00:00:00:00:01\" });
         host.sysctl.set(\"net/ipv4/conf/br0.1/arp_notify\", 1)"
        = "ip link add br0.1 address 02:00:00:00:00:01 type bridge
           sysctl -w net/ipv4/conf/br0.1/arp_notify=1";
}
