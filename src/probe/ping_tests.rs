//! Pings on the real kernel, in namespaces of their own.

use std::time::Instant;

use futures_util::future::join_all;
use rtnetlink::LinkUnspec;
use rtnetlink::packet_route::route::RouteType;

use super::super::trial::in_a_world;
use super::*;

/// Much longer than anything here takes, on a machine however slow: a wait that lasts is seen.
const LONG: Duration = Duration::from_secs(60);

fn quick() -> Settings {
    Settings {
        timeout: LONG,
        interval: Duration::from_millis(20),
        ..Settings::default()
    }
}

#[test]
fn this_host_answers() {
    in_a_world(|world| {
        for (target, header) in [
            ("127.0.0.1", "PING 127.0.0.1 (127.0.0.1) 56(84)"),
            ("::1", "PING ::1(::1) 56 data"),
        ] {
            let start = Instant::now();
            let report = world.ping(
                &world.home,
                target,
                &Settings {
                    ttl: Some(9),
                    interval: LONG,
                    ..quick()
                },
            );
            assert!(start.elapsed() < LONG, "the last echo waits for nothing but its answer");
            assert!(report.ok && report.to_string().starts_with(header), "{report}");
            assert_eq!((report.transmitted, report.received, report.loss), (1, 1, 0.0));
            assert_eq!((report.from.as_str(), report.error.as_str()), (target, ""));
            assert_eq!(report.replies[0].ttl, 64);
            assert!(report.rtt.is_some_and(|rtt| rtt.min > 0.0 && rtt.max < 60_000.0));
        }
    });
}

#[test]
fn several_echoes_keep_their_interval() {
    in_a_world(|world| {
        let start = Instant::now();
        let report = world.ping(&world.home, "::1", &Settings { count: 4, ..quick() });
        assert!(start.elapsed() >= Duration::from_millis(60));
        assert_eq!(report.replies.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(report.time >= 60, "{report}");
    });
}

#[test]
fn many_pings_at_once_do_not_take_each_others_answers() {
    in_a_world(|world| {
        let probers: Vec<Prober> = (0..40)
            .map(|i| {
                let target: Target = if i % 2 == 0 { "127.0.0.1" } else { "::1" }
                    .parse()
                    .expect("an address");
                open(&target, &Settings { count: 5, ..quick() }).expect("a raw socket")
            })
            .collect();
        let reports = world.block_on(join_all(probers.into_iter().map(Prober::run)));
        assert!(
            reports.iter().all(|r| (r.transmitted, r.received) == (5, 5)),
            "{reports:?}"
        );
    });
}

#[test]
fn every_size_comes_back() {
    in_a_world(|world| {
        for size in [0, 1, 7, 8, 1473, 65507] {
            let report = world.ping(&world.home, "127.0.0.1", &Settings { size, ..quick() });
            assert!(report.ok, "{size}: {report}");
        }
        let report = world.ping(
            &world.home,
            "::1",
            &Settings {
                size: u16::MAX,
                ..quick()
            },
        );
        assert!(report.error.starts_with("Message too long"), "{report}");
        assert!(world.ping(&world.home, "0.0.0.0", &quick()).ok);
    });
}

#[test]
fn without_a_way_there_is_no_waiting() {
    in_a_world(|world| {
        let refusals = [
            ("10.66.0.1/32", RouteType::BlackHole, "Invalid argument"),
            ("10.66.0.2/32", RouteType::Unreachable, "No route to host"),
            ("10.66.0.3/32", RouteType::Prohibit, "Permission denied"),
            ("fd66::1/128", RouteType::BlackHole, "Invalid argument"),
            ("fd66::3/128", RouteType::Prohibit, "Permission denied"),
        ];
        for (to, kind, _) in refusals {
            world.route(&world.home, to, Err(kind));
        }
        let unknown = [
            ("10.9.9.9/32", RouteType::Unicast, "Network is unreachable"),
            ("fd99::9/128", RouteType::Unicast, "Network is unreachable"),
        ];
        for (to, _, words) in refusals.into_iter().chain(unknown) {
            let start = Instant::now();
            let target = to.split_once('/').expect("a prefix").0;
            let report = world.ping(
                &world.home,
                target,
                &Settings {
                    count: 3,
                    interval: LONG,
                    ..quick()
                },
            );
            assert!(start.elapsed() < LONG);
            assert_eq!(report.to_string(), format!("ping: connect: {words}"), "{target}");
            assert_eq!((report.ok, report.loss, report.error.as_str()), (false, 100.0, words));
        }
        let error = open(&"fe80::1%nope".parse().expect("a target"), &quick()).expect_err("there is no such device");
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    });
}

#[test]
fn silence_takes_the_timeout_once() {
    in_a_world(|world| {
        let (router, _far) = world.routed();
        world.route(&router, "10.77.0.0/24", Err(RouteType::BlackHole));
        let (start, timeout) = (Instant::now(), Duration::from_secs(2));
        let report = world.ping(
            &world.home,
            "10.77.0.1",
            &Settings {
                count: 5,
                timeout,
                ..quick()
            },
        );
        // One after the other would take ten seconds.
        let elapsed = start.elapsed();
        assert!(
            elapsed >= Duration::from_millis(2080) && elapsed < 3 * timeout,
            "{elapsed:?}"
        );
        assert_eq!(
            (report.transmitted, report.received, report.error.as_str()),
            (5, 0, TIMEOUT)
        );
        assert_eq!(
            (report.loss, report.rtt.is_none(), report.from.as_str()),
            (100.0, true, "")
        );
    });
}

#[test]
fn a_router_says_why_it_does_not_pass_an_echo_on() {
    in_a_world(|world| {
        let (router, far) = world.routed();
        assert!(world.ping(&world.home, "10.2.0.2", &quick()).ok);
        assert!(world.ping(&far, "fd01::2", &quick()).ok);
        // One refusal a second is all that a router sends to one host, after the first six.
        let once = Settings {
            ttl: Some(1),
            ..quick()
        };
        let cases = [
            ("10.2.0.2", once.clone(), "10.1.0.1", "Time to live exceeded"),
            ("fd02::2", once, "fd01::1", "Time exceeded: Hop limit"),
            ("10.99.0.1", quick(), "10.1.0.1", "Destination Net Unreachable"),
            ("fd99::1", quick(), "fd01::1", "Destination unreachable: No route"),
        ];
        for (target, settings, from, words) in cases {
            let start = Instant::now();
            let report = world.ping(&world.home, target, &settings);
            assert!(start.elapsed() < LONG, "an error ends the wait");
            assert_eq!((report.from.as_str(), report.error.as_str()), (from, words), "{target}");
            assert!(
                report
                    .to_string()
                    .contains(&format!("\nFrom {from} icmp_seq=1 {words}\n\n---")),
                "{report}"
            );
            assert!(report.to_string().contains("0 received, +1 errors, 100% packet loss"));
        }
        world.sysctl(&router, "ipv4/neigh/right/retrans_time_ms", "50");
        let report = world.ping(&world.home, "10.2.0.9", &quick());
        assert_eq!(report.error, "Destination Host Unreachable");
    });
}

#[test]
fn a_packet_that_may_not_be_cut_finds_the_narrowest_link() {
    in_a_world(|world| {
        let (_router, _far) = world.routed();
        let settings = Settings {
            count: 2,
            size: 1400,
            dont_fragment: true,
            ..quick()
        };
        let report = world.ping(&world.home, "10.2.0.2", &settings);
        let text = "From 10.1.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)\n\
            ping: local error: message too long, mtu=1400\n\n--- 10.2.0.2 ping statistics ---\n\
            2 packets transmitted, 0 received, +2 errors, 100% packet loss";
        assert!(report.to_string().contains(text), "{report}");
        assert_eq!(report.error, "Frag needed and DF set (mtu = 1400)");
        let report = world.ping(
            &world.home,
            "10.2.0.2",
            &Settings {
                count: 1,
                ..settings.clone()
            },
        );
        assert_eq!(report.error, "Message too long (mtu = 1400)");

        let report = world.ping(&world.home, "fd02::2", &settings);
        let text = "From fd01::1 icmp_seq=1 Packet too big: mtu=1400\n\
            ping: local error: message too long, mtu: 1400\n";
        assert!(report.to_string().contains(text), "{report}");

        for target in ["10.2.0.2", "fd02::2"] {
            let fits = Settings {
                size: if target.contains(':') { 1352 } else { 1372 },
                ..settings.clone()
            };
            assert_eq!(world.ping(&world.home, target, &fits).received, 2);
            let cut = Settings {
                dont_fragment: false,
                ..settings.clone()
            };
            assert_eq!(world.ping(&world.home, target, &cut).received, 2);
        }
        world.set(&world.home, LinkUnspec::new_with_name("lo").mtu(1300));
        assert_eq!(
            world.ping(&world.home, "127.0.0.1", &settings).error,
            "Message too long (mtu = 1300)"
        );
    });
}

#[test]
fn a_link_local_target_is_asked_on_its_device() {
    in_a_world(|world| {
        let far = world.place();
        world.join(
            "eth0",
            (&world.home, ["10.1.0.2/24", "fe80::2/64"]),
            (&far, ["10.1.0.1/24", "fe80::1/64"]),
        );
        let report = world.ping(&world.home, "fe80::1%eth0", &quick());
        assert!(report.ok, "{report}");
        assert_eq!(
            (report.from.as_str(), report.target.as_str()),
            ("fe80::1%eth0", "fe80::1%eth0")
        );
        assert!(
            report
                .to_string()
                .starts_with("PING fe80::1%eth0(fe80::1%eth0) 56 data bytes\n64 bytes from fe80::1%eth0: ")
        );
        let report = world.ping(&world.home, "ff02::1%eth0", &quick());
        assert!(report.ok && report.for_many, "{report}");
    });
}

#[test]
fn a_broadcast_is_answered_once_by_whom_it_reaches() {
    in_a_world(|world| {
        let far = world.place();
        world.join(
            "eth0",
            (&world.home, ["10.1.0.2/24", "fd01::2/64"]),
            (&far, ["10.1.0.1/24", "fd01::1/64"]),
        );
        world.sysctl(&far, "ipv4/icmp_echo_ignore_broadcasts", "0");
        let report = world.ping(&world.home, "10.1.0.255", &Settings { count: 2, ..quick() });
        assert_eq!(
            (report.transmitted, report.received, report.from.as_str()),
            (2, 2, "10.1.0.1"),
            "{report}"
        );
        assert!(!report.to_string().contains("DIFFERENT"), "{report}");
    });
}
