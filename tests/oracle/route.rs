//! `route`: what nsx does against what `ip route` does.

crate::cases! {
    a_gateway:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.route.add(\"default\", #{ via: \"10.0.0.254\" });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.2\", dev: \"br0\" });
         host.route.add(\"10.10.0.1\", #{ via: \"10.0.0.2\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip route add default via 10.0.0.254
           ip route add 10.9.0.0/16 via 10.0.0.2 dev br0
           ip route add 10.10.0.1 via 10.0.0.2";
    a_device:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.route.add(\"default\", #{ dev: \"br0\" });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"br0\", scope: \"global\" });
         host.route.add(\"10.10.0.0/16\", #{ dev: \"lo\", scope: \"host\" });
         host.route.add(\"10.11.0.0/16\", #{ dev: \"br0\", scope: 200 })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip route add default dev br0
           ip route add 10.9.0.0/16 dev br0 scope global
           ip route add 10.10.0.0/16 dev lo scope host
           ip route add 10.11.0.0/16 dev br0 scope 200";
    all_that_can_be_said:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.addr.add(\"10.0.0.2/24\", #{ dev: \"br0\" });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.9\", dev: \"br0\", src: \"10.0.0.2\", metric: 50, table: 100, mtu: 1400 });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.9\", metric: 60, table: \"local\" });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.9\", metric: 60, table: 100000 });
         host.route.add(\"192.168.7.0/24\", #{ via: \"172.16.0.1\", dev: \"br0\", onlink: true });
         host.route.add(\"192.168.8.0/24\", #{ via: \"10.0.0.7\", onlink: false });
         host.route.add(\"192.168.9.0/24\", #{ via: \"10.0.0.7\", proto: \"static\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip addr add 10.0.0.2/24 dev br0
           ip route add 10.9.0.0/16 via 10.0.0.9 dev br0 src 10.0.0.2 metric 50 table 100 mtu 1400
           ip route add 10.9.0.0/16 via 10.0.0.9 metric 60 table local
           ip route add 10.9.0.0/16 via 10.0.0.9 metric 60 table 100000
           ip route add 192.168.7.0/24 via 172.16.0.1 dev br0 onlink
           ip route add 192.168.8.0/24 via 10.0.0.7
           ip route add 192.168.9.0/24 via 10.0.0.7 proto static";
    every_type:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.route.add(\"10.60.0.0/16\", #{ type: \"blackhole\" });
         host.route.add(\"10.61.0.0/16\", #{ type: \"unreachable\" });
         host.route.add(\"10.62.0.0/16\", #{ type: \"prohibit\" });
         host.route.add(\"10.63.0.0/16\", #{ type: \"throw\" });
         host.route.add(\"10.70.0.0/16\", #{ type: \"unicast\", dev: \"br0\" });
         host.route.add(\"10.71.0.0/16\", #{ type: \"local\", dev: \"br0\" });
         host.route.add(\"10.72.0.0/16\", #{ type: \"broadcast\", dev: \"br0\" });
         host.route.add(\"10.73.0.0/16\", #{ type: \"anycast\", dev: \"br0\" });
         host.route.add(\"10.74.0.0/16\", #{ type: \"multicast\", dev: \"br0\" });
         host.route.add(\"default\", #{ type: \"unreachable\", metric: 9999 });
         host.route.add(\"10.80.0.0/16\", #{ type: \"blackhole\", table: 7 });
         host.route.add(\"10.81.0.0/16\", #{ type: \"local\", dev: \"lo\", table: \"main\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip route add blackhole 10.60.0.0/16
           ip route add unreachable 10.61.0.0/16
           ip route add prohibit 10.62.0.0/16
           ip route add throw 10.63.0.0/16
           ip route add unicast 10.70.0.0/16 dev br0
           ip route add local 10.71.0.0/16 dev br0
           ip route add broadcast 10.72.0.0/16 dev br0
           ip route add anycast 10.73.0.0/16 dev br0
           ip route add multicast 10.74.0.0/16 dev br0
           ip route add unreachable default metric 9999
           ip route add blackhole 10.80.0.0/16 table 7
           ip route add local 10.81.0.0/16 dev lo table main";
    several_gateways:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.addr.add(\"10.0.1.1/24\", #{ dev: \"br0\" });
         host.route.add(\"10.9.0.0/16\", #{ nexthop: [ #{ via: \"10.0.0.2\", weight: 1 }, #{ via: \"10.0.1.2\", weight: 2 } ] });
         host.route.add(\"default\", #{ nexthop: [ #{ via: \"10.0.0.2\", dev: \"br0\" }, #{ via: \"172.16.0.1\", dev: \"br0\", onlink: true, weight: 256 } ], metric: 5 });
         host.route.add(\"10.10.0.0/16\", #{ nexthop: [ #{ dev: \"br0\" }, #{ dev: \"lo\", weight: 9 } ], mtu: 1400 })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip addr add 10.0.1.1/24 dev br0
           ip route add 10.9.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.1.2 weight 2
           ip route add default metric 5 nexthop via 10.0.0.2 dev br0 nexthop via 172.16.0.1 dev br0 weight 256 onlink
           ip route add 10.10.0.0/16 mtu 1400 nexthop dev br0 nexthop dev lo weight 9";
    several_gateways_and_a_scope:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.route.add(\"10.9.0.0/16\", #{ nexthop: [ #{ dev: \"br0\" }, #{ dev: \"lo\" } ], scope: \"link\", table: 9 })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip route add 10.9.0.0/16 scope link table 9 nexthop dev br0 nexthop dev lo";
    ipv6:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"default\", #{ via: \"fd00::2\" });
         host.route.add(\"2001:db8::/32\", #{ via: \"fe80::2\", dev: \"br0\", metric: 7 });
         host.route.add(\"2001:db8:1::/48\", #{ dev: \"br0\", mtu: 1300, table: 100 });
         host.route.add(\"2001:db8:2::1\", #{ dev: \"br0\" });
         host.route.add(\"2001:db8:3::/48\", #{ via: \"fd00::2\", src: \"fd00::1\" });
         host.route.add(\"2001:db8:4::/48\", #{ via: \"fd77::2\", dev: \"br0\", onlink: true });
         host.route.add(\"::/0\", #{ dev: \"br0\", metric: 5000 })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add fd00::1/64 dev br0 nodad
           ip route add default via fd00::2
           ip route add 2001:db8::/32 via fe80::2 dev br0 metric 7
           ip route add 2001:db8:1::/48 dev br0 mtu 1300 table 100
           ip route add 2001:db8:2::1 dev br0
           ip route add 2001:db8:3::/48 via fd00::2 src fd00::1
           ip route add 2001:db8:4::/48 via fd77::2 dev br0 onlink
           ip -6 route add default dev br0 metric 5000";
    ipv6_types_and_gateways:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"2001:db8:1::/48\", #{ type: \"blackhole\" });
         host.route.add(\"2001:db8:2::/48\", #{ type: \"unreachable\" });
         host.route.add(\"2001:db8:3::/48\", #{ type: \"prohibit\" });
         host.route.add(\"2001:db8:4::/48\", #{ type: \"throw\" });
         host.route.add(\"2001:db8:9::/48\", #{ nexthop: [ #{ via: \"fd00::2\", weight: 3 }, #{ via: \"fd00::3\" } ] });
         host.route.add(\"2001:db8:a::/48\", #{ type: \"local\", dev: \"lo\" });
         host.route.add(\"2001:db8:b::1\", #{ type: \"anycast\", dev: \"br0\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add fd00::1/64 dev br0 nodad
           ip route add blackhole 2001:db8:1::/48
           ip route add unreachable 2001:db8:2::/48
           ip route add prohibit 2001:db8:3::/48
           ip route add throw 2001:db8:4::/48
           ip route add 2001:db8:9::/48 nexthop via fd00::2 weight 3 nexthop via fd00::3
           ip route add local 2001:db8:a::/48 dev lo
           ip route add anycast 2001:db8:b::1 dev br0";
    ipv4_by_way_of_ipv6:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"10.9.0.0/16\", #{ via: \"fd00::2\", dev: \"br0\" });
         host.route.add(\"10.10.0.0/16\", #{ nexthop: [ #{ via: \"fe80::2\", dev: \"br0\" }, #{ via: \"fd00::3\" } ] })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add fd00::1/64 dev br0 nodad
           ip route add 10.9.0.0/16 via inet6 fd00::2 dev br0
           ip route add 10.10.0.0/16 nexthop via inet6 fe80::2 dev br0 nexthop via inet6 fd00::3";
    replaced:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.route.replace(\"default\", #{ via: \"10.0.0.2\" });
         host.route.replace(\"default\", #{ via: \"10.0.0.3\" });
         host.route.replace(\"10.9.0.0/16\", #{ dev: \"br0\" });
         host.route.replace(\"10.9.0.0/16\", #{ type: \"prohibit\" });
         host.route.replace(\"10.19.0.0/16\", #{ via: \"10.0.0.2\", proto: 77 });
         host.route.replace(\"10.10.0.0/16\", #{ via: \"10.0.0.2\", dev: \"br0\", src: \"10.0.0.1\", metric: 3, table: 9, scope: \"global\", onlink: true, mtu: 1200 });
         host.route.replace(\"10.10.0.0/16\", #{ nexthop: [ #{ via: \"10.0.0.3\" }, #{ via: \"10.0.0.4\" } ], metric: 3, table: 9 })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip route replace default via 10.0.0.2
           ip route replace default via 10.0.0.3
           ip route replace 10.9.0.0/16 dev br0
           ip route replace prohibit 10.9.0.0/16
           ip route replace 10.19.0.0/16 via 10.0.0.2 proto 77
           ip route replace 10.10.0.0/16 via 10.0.0.2 dev br0 src 10.0.0.1 metric 3 table 9 scope global onlink mtu 1200
           ip route replace 10.10.0.0/16 metric 3 table 9 nexthop via 10.0.0.3 nexthop via 10.0.0.4";
    ipv6_replaced:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"2001:db8::/32\", #{ via: \"fd00::2\" });
         host.route.replace(\"2001:db8::/32\", #{ via: \"fd00::3\" });
         host.route.replace(\"2001:db8:1::/48\", #{ type: \"blackhole\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add fd00::1/64 dev br0 nodad
           ip route add 2001:db8::/32 via fd00::2
           ip route replace 2001:db8::/32 via fd00::3
           ip route replace blackhole 2001:db8:1::/48";
    deleted:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.route.add(\"default\", #{ via: \"10.0.0.2\" });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.2\", metric: 2 });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.3\", metric: 3 });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.4\", metric: 4 });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.5\", metric: 5 });
         host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.9\", src: \"10.0.0.1\", dev: \"br0\", table: 9, metric: 8, mtu: 1200, onlink: true });
         host.route.add(\"10.10.0.0/16\", #{ type: \"blackhole\" });
         host.route.add(\"10.11.0.0/16\", #{ dev: \"br0\", scope: \"link\" });
         host.route.add(\"10.12.0.0/16\", #{ nexthop: [ #{ via: \"10.0.0.3\" }, #{ via: \"10.0.0.4\" } ] });
         host.route.add(\"10.13.0.0/16\", #{ type: \"local\", dev: \"lo\" });
         host.route.add(\"10.14.0.0/16\", #{ dev: \"br0\" });
         host.route.del(\"default\");
         host.route.del(\"10.9.0.0/16\", #{ metric: 3 });
         host.route.del(\"10.9.0.0/16\", #{ via: \"10.0.0.4\" });
         host.route.del(\"10.9.0.0/16\");
         host.route.del(\"10.9.0.0/16\", #{ via: \"10.0.0.9\", src: \"10.0.0.1\", dev: \"br0\", table: 9, mtu: 1200, onlink: true });
         host.route.del(\"10.10.0.0/16\", #{ type: \"blackhole\" });
         host.route.del(\"10.11.0.0/16\", #{ dev: \"br0\", scope: \"link\" });
         host.route.del(\"10.12.0.0/16\", #{ nexthop: [ #{ via: \"10.0.0.3\" }, #{ via: \"10.0.0.4\" } ] });
         host.route.del(\"10.13.0.0/16\", #{ type: \"local\" });
         host.route.del(\"10.14.0.0/16\");
         host.route.add(\"10.15.0.0/16\", #{ via: \"10.0.0.2\", proto: \"static\" });
         host.route.del(\"10.15.0.0/16\", #{ proto: \"static\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip route add 10.9.0.0/16 via 10.0.0.5 metric 5";
    ipv6_deleted:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"default\", #{ via: \"fd00::2\" });
         host.route.add(\"2001:db8::/32\", #{ via: \"fd00::2\" });
         host.route.add(\"2001:db8::/32\", #{ via: \"fd00::3\" , metric: 3 });
         host.route.add(\"2001:db8:1::/48\", #{ type: \"unreachable\" });
         host.route.del(\"::/0\");
         host.route.del(\"2001:db8::/32\", #{ via: \"fd00::2\" });
         host.route.del(\"2001:db8:1::/48\")"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add fd00::1/64 dev br0 nodad
           ip route add 2001:db8::/32 via fd00::3 metric 3";
    flushed:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"default\", #{ via: \"10.0.0.2\" });
         host.route.add(\"10.9.0.0/16\", #{ type: \"blackhole\" });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"br0\", table: 9 });
         host.route.add(\"2001:db8::/32\", #{ via: \"fd00::2\" });
         host.route.flush()"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip addr add fd00::1/64 dev br0 nodad
           ip route add 2001:db8::/32 via fd00::2
           ip route add 10.9.0.0/16 dev br0 table 9
           ip route flush table main";
    flushed_by_table_device_and_family:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"br0\", table: 9 });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"br0\", table: 10 });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"br0\", table: 1000 });
         host.route.add(\"2001:db8::/32\", #{ dev: \"br0\", table: 10 });
         host.route.add(\"10.8.0.0/16\", #{ dev: \"lo\" });
         host.route.add(\"10.7.0.0/16\", #{ nexthop: [ #{ dev: \"lo\" }, #{ dev: \"br0\" } ], table: 11 });
         host.route.flush(#{ table: 9 });
         host.route.flush(#{ table: 1000 });
         host.route.flush(#{ table: 10, family: \"inet\" });
         host.route.flush(#{ dev: \"br0\" });
         host.route.flush(#{ dev: \"lo\", family: \"inet6\", table: 10 })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip addr add fd00::1/64 dev br0 nodad
           ip route add 2001:db8::/32 dev br0 table 10
           ip route add 10.8.0.0/16 dev lo
           ip route add 10.7.0.0/16 table 11 nexthop dev lo nexthop dev br0
           ip route flush table main dev br0";
    flushed_of_everything:
        "host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
         host.route.add(\"2001:db8::/32\", #{ dev: \"lo\", table: 9 });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"lo\", table: 252 });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"lo\", table: 1000 });
         host.route.flush(#{ table: 252 });
         host.route.flush(#{ table: \"all\" })"
        = "ip addr add 10.0.0.1/24 dev lo
           ip route add 2001:db8::/32 dev lo table 9
           ip route flush table all";
    flushed_of_one_family:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
         host.addr.add(\"fd00::1/64\", #{ dev: \"br0\", nodad: true });
         host.route.flush(#{ family: \"inet6\" });
         host.route.flush(#{ table: \"local\", family: \"inet\", dev: \"lo\" })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip addr add 10.0.0.1/24 dev br0
           ip addr add fd00::1/64 dev br0 nodad
           ip -6 route flush table main
           ip -4 route flush table local dev lo";
}
