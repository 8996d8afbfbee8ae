//! Traceroutes: their text, and on the real kernel in namespaces of their own.

use std::time::Instant;

use rtnetlink::packet_route::route::RouteType;

use super::super::trial::in_a_world;
use super::*;

fn hop(ttl: u8, from: &str, rtt: Option<f64>, error: &str, mark: &str) -> Hop {
    Hop {
        ttl,
        from: from.into(),
        rtt,
        error: error.into(),
        mark: mark.into(),
    }
}

#[test]
fn it_prints_as_traceroute_prints_it() {
    let mut hops = vec![hop(1, "10.1.0.1", Some(0.033), "", ""), hop(2, "", None, TIMEOUT, "")];
    hops.push(hop(10, "10.2.0.1", Some(0.0264), "Destination Host Unreachable", "!H"));
    let trace = Trace {
        target: "10.2.0.2".into(),
        max_hops: 30,
        hops,
    };
    let text = "traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 60 byte packets\n \
        1  10.1.0.1  0.033 ms\n \
        2  *\n\
        10  10.2.0.1  0.026 ms !H";
    assert_eq!(trace.to_string(), text);
    let trace = Trace {
        target: "fd00::1".into(),
        ..Trace::default()
    };
    assert_eq!(
        trace.to_string(),
        "traceroute to fd00::1 (fd00::1), 0 hops max, 80 byte packets"
    );
    let read: Trace = serde_json::from_str(&serde_json::to_string(&trace).expect("plain data")).expect("as written");
    assert_eq!(read, trace);
}

#[test]
fn the_way_leads_over_the_router_to_the_target() {
    in_a_world(|world| {
        let (_router, _far) = world.routed();
        for way in [["10.1.0.1", "10.2.0.2"], ["fd01::1", "fd02::2"]] {
            let trace = world.trace(&world.home, way[1], &Settings::default());
            let hops: Vec<_> = trace
                .hops
                .iter()
                .map(|h| (h.ttl, h.from.as_str(), h.error.as_str()))
                .collect();
            assert_eq!(hops, [(1, way[0], ""), (2, way[1], "")], "{trace}");
            assert!(trace.hops.iter().all(|h| h.rtt.is_some_and(|ms| ms > 0.0)));
            let short = world.trace(
                &world.home,
                way[1],
                &Settings {
                    max_hops: 1,
                    ..Settings::default()
                },
            );
            assert_eq!(short.hops.len(), 1);
        }
    });
}

#[test]
fn it_ends_where_nobody_knows_further() {
    in_a_world(|world| {
        let (router, far) = world.routed();
        world.route(&router, "10.77.0.0/24", Ok("10.2.0.2"));
        world.route(&far, "10.77.0.0/24", Err(RouteType::Unreachable));
        world.sysctl(&far, "ipv4/ip_forward", "1");
        let trace = world.trace(&world.home, "10.77.0.1", &Settings::default());
        let last = trace.hops.last().expect("hops");
        assert_eq!((trace.hops.len(), last.from.as_str()), (2, "10.2.0.2"), "{trace}");
        assert_eq!(
            (last.error.as_str(), last.mark.as_str()),
            ("Destination Host Unreachable", "!H")
        );
        let trace = world.trace(&far, "fd99::1", &Settings::default());
        assert!(trace.to_string().ends_with(" ms !N"), "{trace}");
    });
}

#[test]
fn silent_hops_are_waited_for_together() {
    in_a_world(|world| {
        let (router, _far) = world.routed();
        world.route(&router, "10.77.0.0/24", Err(RouteType::BlackHole));
        let start = Instant::now();
        let settings = Settings {
            max_hops: 5,
            timeout: Duration::from_secs(1),
        };
        let trace = world.trace(&world.home, "10.77.0.1", &settings);
        // One after the other would take five seconds.
        let elapsed = start.elapsed();
        assert!(
            elapsed >= Duration::from_millis(1400) && elapsed < Duration::from_millis(4500),
            "{elapsed:?}"
        );
        assert_eq!(trace.hops.len(), 5);
        assert!(
            trace
                .hops
                .iter()
                .all(|h| h.error == TIMEOUT && h.rtt.is_none() && h.from.is_empty()),
            "{trace}"
        );
        assert!(trace.to_string().ends_with("\n 4  *\n 5  *"), "{trace}");
    });
}

#[test]
fn without_a_route_there_is_one_line() {
    in_a_world(|world| {
        let trace = world.trace(&world.home, "10.9.9.9", &Settings::default());
        assert_eq!(trace.to_string(), "connect: Network is unreachable");
        assert_eq!(trace.hops, [hop(1, "", None, "Network is unreachable", "")]);
    });
}
