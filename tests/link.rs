//! What is particular to devices: what has to be said in which order.

use crate::builder::Nsx;

/// The addresses that begin with fe80, of a device.
const OWN: &str = "fn own(ns, device) {
    ns.addr.show(#{ dev: device })[0].addr_info.map(|a| a.local).filter(|local| local.starts_with(\"fe80\")).len()
}
";

#[test]
fn a_device_knows_how_to_make_addresses_before_it_comes_up() {
    let lab = Nsx::script(&format!(
        "{OWN}
        let ns0 = netns::add(\"ns0\");
        host.link.add(\"br0\", #{{ type: \"bridge\", addrgenmode: \"none\", up: true }});
        host.link.add(\"a\", #{{ type: \"veth\", peer: \"b\", alias: \"quiet\", addrgenmode: \"none\", up: true }});
        host.link.set(\"b\", #{{ netns: ns0, name: \"eth0\", addrgenmode: \"none\", up: true }});
        host.link.add(\"c\", #{{ type: \"veth\", peer: \"d\", up: true }});
        host.link.set(\"d\", #{{ addrgenmode: \"eui64\", up: true }});
        assert(eventually(\"3s\", || own(host, \"c\") == 1 && own(host, \"d\") == 1), \"these make addresses\");
        print([own(host, \"br0\"), own(host, \"a\"), own(ns0, \"eth0\")]);
        print(host.link.show(\"a\").ifalias + \" \" + ns0.link.show(\"eth0\").flags.contains(\"UP\"));"
    ));
    assert_eq!(lab.prints(), "[0, 0, 0]\nquiet true\n");
    Nsx::script("host.link.set(\"lo\", #{ addrgenmode: \"never\" });")
        .run()
        .fails(3, &["`addrgenmode` wants \"eui64\", \"none\"", "not \"never\""]);
}

#[test]
fn what_belongs_to_a_kind_is_set_with_its_type() {
    let lab = Nsx::script(
        "host.link.add(\"br0\", #{ type: \"bridge\", mcast_snooping: false });
         host.link.set(\"br0\", #{ type: \"bridge\", mcast_snooping: true });
         print(host.exec(\"cat /sys/class/net/br0/bridge/multicast_snooping\").stdout);
         host.link.add(\"a\", #{ type: \"veth\", peer: \"b\" });
         host.link.set(\"a\", #{ type: \"bridge\", mcast_snooping: true });",
    );
    let ran = lab.run();
    ran.fails(
        3,
        &[
            "NSX004",
            "ip link set dev a type bridge mcast_snooping 1",
            "another type",
        ],
    );
    assert_eq!(ran.stdout, "1\n\n");
    Nsx::script("host.link.set(\"lo\", #{ mcast_snooping: true });")
        .run()
        .fails(
            3,
            &[
                "`mcast_snooping` is a key of a bridge",
                "#{ type: \"bridge\", mcast_snooping: … }",
            ],
        );
    Nsx::script("host.link.set(\"lo\", #{ qwerty: true });")
        .run()
        .fails(3, &["unknown key `qwerty`", "its keys are type,"]);
}
