//! std/container: networks as container engines build them, proven by what passes and what does not.

use crate::builder::Nsx;

fn script(text: &str) -> Nsx {
    Nsx::script(&format!(
        "import \"std/container\" as container;\nimport \"std/internet\" as internet;\nimport \"std/topology\" as topology;\n{text}"
    ))
}

const TWO_BRIDGES: &str = "let world = internet::uplink(host);
let docker0 = container::bridge(host);
let web = container::run(docker0, \"web\");
let red = container::bridge(host, #{ name: \"br-red\", subnet: \"172.18.0.0/16\" });
let db = container::run(red, \"db\");
let blue = container::bridge(host, #{ name: \"br-blue\", subnet: \"172.19.0.0/16\" });
let cache = container::run(blue, \"cache\");
let reaches = |from, to| from.ping(to, #{ timeout: \"300ms\" }).ok;
";

#[test]
fn bridges_are_isolated_however_many_and_in_whatever_order_they_come() {
    script(&format!(
        "{TWO_BRIDGES}
         for from in [web, db, cache] {{
             assert(from.ping(\"8.8.8.8\").ok, `${{from}} reaches the world`);
             assert(reaches.call(host, from), `the host reaches ${{from}}`);
             for to in [web, db, cache] {{
                 assert(from == to || !reaches.call(from, to), `${{from}} does not reach ${{to}}`);
             }}
         }}
         let second = container::run(red, \"second\");
         assert(reaches.call(db, second), \"one network is one\");"
    ))
    .prints();
}

#[test]
fn a_published_port_is_reached_from_everywhere_and_nothing_else_is() {
    script(&format!(
        "{TWO_BRIDGES}
         web.serve(\"http\");
         web.serve(\"http\", #{{ port: 81 }});
         container::publish(docker0, web, \"8080:80\");
         let url = \"http://203.0.113.2:8080/\";
         for from in [world, host, web, db] {{
             assert(from.fetch(url).ok, `${{from}} reaches the port`);
         }}
         assert(host.fetch(\"http://127.0.0.1:8080/\").ok, \"as localhost too\");
         assert(!reaches.call(db, web), \"other networks reach the port, and no more\");
         world.route.add(\"172.17.0.0/16\", #{{ via: \"203.0.113.2\" }});
         assert(!reaches.call(world, web), \"nor does the world\");
         assert(!world.fetch(\"http://172.17.0.2:81/\", #{{ timeout: \"300ms\" }}).ok, \"no other port\");
         let late = container::bridge(host, #{{ name: \"br-late\", subnet: \"172.20.0.0/16\" }});
         assert(world.fetch(url).ok, \"what is published stays so\");
         assert(!reaches.call(container::run(late, \"late\"), web), \"and what is isolated\");"
    ))
    .prints();
}

#[test]
fn a_port_is_published_without_br_netfilter_and_by_one_address() {
    script(
        "let world = internet::uplink(host);
         let docker0 = container::bridge(host);
         let web = container::run(docker0, \"web\");
         let db = container::run(docker0, \"db\");
         try { host.sysctl.set(\"net.bridge.bridge-nf-call-iptables\", 0); } catch { }
         web.serve(\"http\");
         container::publish(docker0, web, \"203.0.113.2:8080:80/tcp\");
         for from in [world, host, web, db] {
             assert(from.fetch(\"http://203.0.113.2:8080/\").ok, `${from} reaches the port`);
         }
         assert(!host.fetch(\"http://127.0.0.1:8080/\").ok, \"by that address only\");",
    )
    .prints();
}

#[test]
fn an_overlay_carries_what_fits_and_a_routed_network_wraps_nothing() {
    script(
        "let nodes = topology::star(2, #{ prefix: \"node\" });
         let over = container::overlay(nodes);
         let a = container::run(over[0], \"a\");
         let b = container::run(over[1], \"b\");
         assert(a.ping(b, #{ size: 1422, dont_fragment: true }).ok, \"1450 bytes\");
         assert(!a.ping(b, #{ size: 1423, dont_fragment: true }).ok, \"and not one more\");
         let routed = container::routed(nodes);
         let c = container::run(routed[0], \"c\");
         let d = container::run(routed[1], \"d\");
         let plain = nodes[1].capture(\"eth0\", #{ filter: \"icmp and host 10.244.1.1\" });
         assert(c.ping(d, #{ size: 1472, dont_fragment: true }).ok, \"1500 bytes\");
         assert(eventually(\"3s\", || plain.packets >= 2), \"as they are\");",
    )
    .prints();
}

#[test]
fn what_cannot_be_is_told() {
    let docker = |text: &str| script(&format!("let docker0 = container::bridge(host);\n{text}")).run();
    docker("container::bridge(host, #{ nmae: \"br0\" });").fails(3, &["container::bridge: unknown key `nmae`"]);
    docker("container::publish(docker0, container::run(docker0, \"web\"), \"http\");")
        .fails(3, &["wants ports such as"]);
    script("container::macvlan(host);")
        .run()
        .fails(3, &["there is no device eth0"]);
    script("let pair = topology::pair(); container::routed(pair);")
        .run()
        .fails(3, &["answers for 169.254.1.1 only if it has a route there"]);
    script("let alone = netns::add(\"alone\"); container::overlay([alone]);")
        .run()
        .fails(3, &["alone has no address"]);
}
