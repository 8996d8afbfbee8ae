//! `link`: what nsx does against what `ip link` does. Every address is said, since the kernel draws lots else.

crate::cases! {
    a_veth_pair:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02";
    a_veth_pair_with_a_bare_peer:
        "host.link.add(\"v0\", #{ type: \"veth\", peer: \"v1\" });
         host.link.set(\"v0\", #{ address: \"02:00:00:00:00:01\" });
         host.link.set(\"v1\", #{ address: \"02:00:00:00:00:02\" })"
        = "ip link add v0 type veth peer name v1
           ip link set v0 address 02:00:00:00:00:01
           ip link set v1 address 02:00:00:00:00:02";
    a_veth_pair_whose_peer_the_kernel_names:
        "host.link.add(\"v0\", #{ type: \"veth\" });
         host.link.set(\"v0\", #{ address: \"02:00:00:00:00:01\" });
         host.link.set(\"veth0\", #{ address: \"02:00:00:00:00:02\" })"
        = "ip link add v0 type veth
           ip link set v0 address 02:00:00:00:00:01
           ip link set veth0 address 02:00:00:00:00:02";
    as_many_queues_as_wanted:
        "host.link.add(\"v0\", #{ type: \"veth\", numtxqueues: 3, numrxqueues: 5, address: \"02:00:00:00:00:01\",
             peer: #{ name: \"v1\", numtxqueues: 6, numrxqueues: 7, address: \"02:00:00:00:00:02\" } })"
        = "ip link add v0 numtxqueues 3 numrxqueues 5 address 02:00:00:00:00:01 type veth peer name v1 numtxqueues 6 numrxqueues 7 address 02:00:00:00:00:02";
    a_peer_born_elsewhere:
        "let ns0 = netns::add(\"ns0\");
         host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", up: true, mtu: 1400,
             peer: #{ name: \"eth0\", netns: ns0, address: \"02:00:00:00:00:02\", mtu: 1400 } });
         ns0.link.set(\"eth0\", #{ up: true })"
        = "ip netns add ns0
           ip link add v0 mtu 1400 address 02:00:00:00:00:01 up type veth peer name eth0 netns ns0 address 02:00:00:00:00:02 mtu 1400
           ip -n ns0 link set eth0 up";
    both_ends_born_elsewhere:
        "let ns0 = netns::add(\"ns0\"); netns::add(\"ns1\");
         host.link.add(\"eth0\", #{ type: \"veth\", netns: \"ns0\", address: \"02:00:00:00:00:01\",
             peer: #{ name: \"eth0\", netns: \"ns1\", address: \"02:00:00:00:00:02\" } })"
        = "ip netns add ns0
           ip netns add ns1
           ip link add eth0 netns ns0 address 02:00:00:00:00:01 type veth peer name eth0 netns ns1 address 02:00:00:00:00:02";
    from_within_a_namespace_a_peer_in_another:
        "let ns0 = netns::add(\"ns0\"); netns::add(\"ns1\");
         ns0.link.add(\"a\", #{ type: \"veth\", address: \"02:00:00:00:00:01\",
             peer: #{ name: \"b\", netns: \"ns1\", address: \"02:00:00:00:00:02\" } })"
        = "ip netns add ns0
           ip netns add ns1
           ip -n ns0 link add name a address 02:00:00:00:00:01 type veth peer name b netns ns1 address 02:00:00:00:00:02";
    a_peer_born_in_the_lab_s_own_namespace:
        "let ns0 = netns::add(\"ns0\");
         ns0.link.add(\"a\", #{ type: \"veth\", address: \"02:00:00:00:00:01\",
             peer: #{ name: \"b\", netns: host, address: \"02:00:00:00:00:02\" } })"
        = "ip netns add ns0
           ip -n ns0 link add name a address 02:00:00:00:00:01 type veth peer name b netns 1 address 02:00:00:00:00:02";
    everything_at_birth:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.link.add(\"v0\", #{ type: \"veth\", master: \"br0\", mtu: 1300, address: \"02:00:00:00:00:01\", txqueuelen: 77,
             alias: \"the uplink\", up: true, nomaster: false, peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.add(\"v2\", #{ type: \"veth\", down: true, address: \"02:00:00:00:00:03\",
             peer: #{ name: \"v3\", address: \"02:00:00:00:00:04\" } })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip link add v0 mtu 1300 address 02:00:00:00:00:01 txqueuelen 77 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v0 master br0
           ip link set v0 alias 'the uplink'
           ip link set v0 up
           ip link add v2 address 02:00:00:00:00:03 type veth peer name v3 address 02:00:00:00:00:04";
    a_bridge_and_its_keys:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true, stp_state: true,
             mcast_snooping: false, ageing_time: 1000, forward_delay: 400 });
         host.link.add(\"br1\", #{ type: \"bridge\", address: \"02:00:00:00:00:0c\", stp_state: 0, mcast_snooping: 1 });
         try { host.link.add(\"br2\", #{ type: \"bridge\", address: \"02:00:00:00:00:0d\", vlan_filtering: true }) } catch (e) { assert_eq(e.code, \"NSX031\", e.message) }"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge stp_state 1 mcast_snooping 0 ageing_time 1000 forward_delay 400
           ip link add br1 address 02:00:00:00:00:0c type bridge
           ip link add br2 address 02:00:00:00:00:0d type bridge vlan_filtering 1 || true";
    born_elsewhere_with_a_master_there:
        "let ns0 = netns::add(\"ns0\");
         ns0.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.link.add(\"v0\", #{ type: \"veth\", netns: ns0, master: \"br0\", alias: \"a\", address: \"02:00:00:00:00:01\",
             peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } })"
        = "ip netns add ns0
           ip -n ns0 link add br0 address 02:00:00:00:00:0b type bridge
           ip link add v0 netns ns0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip -n ns0 link set v0 master br0 alias a";
    moved:
        "let ns0 = netns::add(\"ns0\");
         host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v1\", #{ netns: ns0 })"
        = "ip netns add ns0
           ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v1 netns ns0";
    moved_renamed_and_brought_up_at_once:
        "let ns0 = netns::add(\"ns0\");
         ns0.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v1\", #{ netns: ns0, name: \"eth0\", master: \"br0\", mtu: 1400, up: true })"
        = "ip netns add ns0
           ip -n ns0 link add br0 address 02:00:00:00:00:0b type bridge
           ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v1 netns ns0
           ip -n ns0 link set v1 name eth0
           ip -n ns0 link set eth0 mtu 1400 master br0 up";
    moved_back_to_host:
        "let ns0 = netns::add(\"ns0\");
         ns0.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         ns0.link.set(\"v1\", #{ netns: host })"
        = "ip netns add ns0
           ip -n ns0 link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip -n ns0 link set v1 netns 1";
    moved_and_given_a_name:
        "let ns0 = netns::add(\"ns0\");
         host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v1\", #{ netns: ns0, name: \"eth0\" })"
        = "ip netns add ns0
           ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v1 netns ns0 name eth0";
    renamed_up_or_down:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v0\", #{ name: \"a\", up: true });
         host.link.set(\"a\", #{ name: \"b\" })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v0 name b
           ip link set dev b up";
    set_this_and_that:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v1\", #{ up: true });
         host.link.set(\"v1\", #{ down: true });
         host.link.set(\"v0\", #{ mtu: 1280, address: \"02:00:00:00:00:aa\", txqueuelen: 5, alias: \"it's $HOME\", up: true })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v1 up
           ip link set v1 down
           ip link set v0 mtu 1280 address 02:00:00:00:00:aa txqueuelen 5 alias \"it's \\$HOME\" up";
    what_it_takes:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", arp: false, multicast: false, allmulticast: true, promisc: true, peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v1\", #{ arp: false, multicast: false, allmulticast: true, promisc: true, up: true });
         host.link.set(\"v1\", #{ arp: true, promisc: false })"
        = "ip link add v0 arp off multicast off allmulticast on promisc on address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v1 arp on multicast off allmulticast on promisc off up";
    false_is_the_opposite:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", down: false });
         host.link.set(\"lo\", #{ up: false })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip link set br0 up
           ip link set lo down";
    no_ipv6_address_of_its_own:
        "host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", addrgenmode: \"none\", up: true, peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v1\", #{ addrgenmode: \"none\", up: true })"
        = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v0 addrgenmode none
           ip link set v0 up
           ip link set v1 addrgenmode none
           ip link set v1 up";
    what_belongs_to_a_kind:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.link.set(\"br0\", #{ type: \"bridge\", stp_state: 1, mcast_snooping: 0, ageing_time: 10000, forward_delay: 500 })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip link set br0 type bridge stp_state 1 mcast_snooping 0 ageing_time 10000 forward_delay 500";
    an_alias_taken_away:
        "host.link.set(\"lo\", #{ alias: \"x\" });
         host.link.set(\"lo\", #{ alias: \"\" })"
        = "ip link set lo alias x
           ip link set lo alias ''";
    in_and_out_of_a_bridge:
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.link.add(\"v0\", #{ type: \"veth\", address: \"02:00:00:00:00:01\", peer: #{ name: \"v1\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"v0\", #{ master: \"br0\", up: true });
         host.link.set(\"v1\", #{ master: \"br0\" });
         host.link.set(\"v1\", #{ nomaster: true })"
        = "ip link add br0 address 02:00:00:00:00:0b type bridge
           ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
           ip link set v0 master br0 up
           ip link set v1 master br0
           ip link set v1 nomaster";
    deleted:
        "host.link.add(\"v0\", #{ type: \"veth\", peer: \"v1\" });
         host.link.add(\"br0\", #{ type: \"bridge\" });
         host.link.del(\"v1\");
         host.link.del(\"br0\")"
        = "ip link add v0 type veth peer name v1
           ip link add br0 type bridge
           ip link del v1
           ip link del br0";
    names_that_read_as_words_of_ip:
        "host.link.add(\"type\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\" });
         host.link.set(\"type\", #{ up: true });
         host.link.add(\"up\", #{ type: \"veth\", master: \"type\", address: \"02:00:00:00:00:01\",
             peer: #{ name: \"dev\", address: \"02:00:00:00:00:02\" } });
         host.link.set(\"dev\", #{ mtu: 1300 });
         host.link.set(\"up\", #{ name: \"set\" });
         host.addr.add(\"10.0.0.1/24\", #{ dev: \"dev\" });
         host.link.set(\"dev\", #{ up: true });
         host.route.add(\"10.9.0.0/16\", #{ dev: \"dev\" });
         host.link.add(\"gone\", #{ type: \"veth\", peer: \"help\" });
         host.link.del(\"help\")"
        = "ip link add name type address 02:00:00:00:00:0b type bridge
           ip link set dev type up
           ip link add name up address 02:00:00:00:00:01 type veth peer name dev address 02:00:00:00:00:02
           ip link set dev up master type
           ip link set dev dev mtu 1300
           ip link set dev up name set
           ip addr add 10.0.0.1/24 dev dev
           ip link set dev dev up
           ip route add 10.9.0.0/16 dev dev
           ip link add name gone type veth peer name help
           ip link del dev help";
}
