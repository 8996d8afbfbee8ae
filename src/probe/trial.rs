//! Worlds for the tests: namespaces made in a child process that is root of a user namespace of its own.
//! No packet leaves them, and nothing is left of them when the child ends.

use std::fs;
use std::future::Future;
use std::io::Read;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ipnet::IpNet;
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, fork, pipe};
use rtnetlink::packet_route::route::RouteType;
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder, new_connection};
use tokio::runtime::{Builder, Runtime};

use super::{Target, ping, traceroute};
use crate::netns::Netns;

/// Runs `body` in a world of its own; fails with what made it fail.
pub fn in_a_world(body: impl FnOnce(&World)) {
    let (reader, writer) = pipe().expect("a pipe");
    // SAFETY: the child uses nothing of the other tests' threads, and never returns from this block.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            drop(reader);
            let result = catch_unwind(AssertUnwindSafe(|| body(&World::new())));
            let message = result.err().map(|e| match e.downcast::<String>() {
                Ok(text) => *text,
                Err(e) => e.downcast_ref::<&str>().unwrap_or(&"a panic").to_string(),
            });
            let _ = nix::unistd::write(&writer, message.as_deref().unwrap_or_default().as_bytes());
            // SAFETY: ends the process at once, without the test harness's own clean-up.
            unsafe { libc::_exit(i32::from(message.is_some())) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let mut message = String::new();
            fs::File::from(reader)
                .read_to_string(&mut message)
                .expect("the child's words");
            let status = waitpid(child, None).expect("the child's end");
            assert_eq!(status, WaitStatus::Exited(child, 0), "in the child: {message}");
        }
    }
}

/// The namespaces of one test; `home` is the one it starts in.
pub struct World {
    pub home: Place,
    runtime: Runtime,
}

/// A namespace.
pub struct Place {
    netns: Netns,
    handle: Handle,
}

impl World {
    fn new() -> World {
        let (uid, gid) = (Uid::current(), Gid::current());
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).expect("a user namespace");
        let maps = [
            ("setgroups", "deny".into()),
            ("uid_map", format!("0 {uid} 1")),
            ("gid_map", format!("0 {gid} 1")),
        ];
        for (file, text) in maps {
            fs::write(format!("/proc/self/{file}"), text).expect("a map of users");
        }
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        World {
            home: Place::here(&runtime),
            runtime,
        }
    }

    /// Another namespace.
    pub fn place(&self) -> Place {
        unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
        let place = Place::here(&self.runtime);
        self.home.netns.enter().expect("back");
        place
    }

    /// A pair of devices, named alike, with an address of each family at both ends. Ready when it returns.
    pub fn join(&self, name: &str, near: (&Place, [&str; 2]), far: (&Place, [&str; 2])) {
        let links = near.0.handle.link();
        self.wait(links.add(LinkVeth::new(name, "peer").build()).execute());
        let peer = self.within(near.0, || if_nametoindex("peer")).expect("the other end");
        let moved = LinkUnspec::new_with_index(peer)
            .setns_by_fd(far.0.netns.as_fd().as_raw_fd())
            .name(name);
        self.wait(near.0.handle.link().set(moved.build()).execute());
        for (place, addresses) in [near, far] {
            self.set(place, LinkUnspec::new_with_name(name).up());
            let index = self.within(place, || if_nametoindex(name)).expect("the device");
            for address in addresses {
                let net: IpNet = address.parse().expect("an address");
                self.wait(
                    place
                        .handle
                        .address()
                        .add(index, net.addr(), net.prefix_len())
                        .execute(),
                );
            }
        }
        self.wait_for(near.0, name, far.1);
        self.wait_for(far.0, name, near.1);
    }

    /// Waits until the other end answers: a new link needs up to a second before IPv6 uses it.
    fn wait_for(&self, place: &Place, device: &str, addresses: [&str; 2]) {
        let settings = ping::Settings {
            timeout: Duration::from_millis(300),
            ..Default::default()
        };
        for address in addresses {
            let (address, _) = address.split_once('/').expect("a prefix");
            let scope = if address.starts_with("fe80") {
                format!("%{device}")
            } else {
                String::new()
            };
            let answers = || self.ping(place, &format!("{address}{scope}"), &settings).ok;
            assert!((0..200).any(|_| answers()), "{address} does not answer");
        }
    }

    /// Changes a link.
    pub fn set(&self, place: &Place, link: LinkMessageBuilder<LinkUnspec>) {
        self.wait(place.handle.link().set(link.build()).execute());
    }

    /// A route through a gateway, or one that refuses.
    pub fn route(&self, place: &Place, to: &str, via: Result<&str, RouteType>) {
        let to: IpNet = to.parse().expect("a prefix");
        let mut route = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(to.addr(), to.prefix_len())
            .expect("a prefix");
        route = match via {
            Ok(gateway) => route
                .gateway(gateway.parse().expect("a gateway"))
                .expect("of the same family"),
            Err(kind) => route.kind(kind),
        };
        self.wait(place.handle.route().add(route.build()).execute());
    }

    /// Sets a sysctl of the namespace: `ipv4/ip_forward`.
    pub fn sysctl(&self, place: &Place, name: &str, value: &str) {
        self.within(place, || fs::write(format!("/proc/sys/net/{name}"), value))
            .expect("a sysctl");
    }

    /// Opens something in a namespace.
    pub fn within<T>(&self, place: &Place, inside: impl FnOnce() -> T) -> T {
        place.netns.within(&self.home.netns, inside).expect("a visit")
    }

    /// Runs a future to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn wait(&self, request: impl Future<Output = Result<(), rtnetlink::Error>>) {
        self.block_on(request).expect("the kernel agrees");
    }

    /// Pings from a namespace.
    pub fn ping(&self, place: &Place, target: &str, settings: &ping::Settings) -> ping::Report {
        let target: Target = target.parse().expect("an address");
        let prober = self
            .within(place, || ping::open(&target, settings))
            .expect("a raw socket");
        self.block_on(prober.run())
    }

    /// Traces from a namespace.
    pub fn trace(&self, place: &Place, target: &str, settings: &traceroute::Settings) -> traceroute::Trace {
        let target: Target = target.parse().expect("an address");
        let tracer = self
            .within(place, || traceroute::open(&target, settings))
            .expect("a raw socket");
        self.block_on(tracer.run())
    }

    /// `home` and a second place with a router between them: 10.1.0.2 - 10.1.0.1 router 10.2.0.1 - 10.2.0.2,
    /// and the same with fd01:: and fd02::. The second link's MTU is 1400.
    pub fn routed(&self) -> (Place, Place) {
        let (router, far) = (self.place(), self.place());
        self.join(
            "left",
            (&self.home, ["10.1.0.2/24", "fd01::2/64"]),
            (&router, ["10.1.0.1/24", "fd01::1/64"]),
        );
        self.join(
            "right",
            (&far, ["10.2.0.2/24", "fd02::2/64"]),
            (&router, ["10.2.0.1/24", "fd02::1/64"]),
        );
        for (place, gateways) in [(&self.home, ["10.1.0.1", "fd01::1"]), (&far, ["10.2.0.1", "fd02::1"])] {
            self.route(place, "0.0.0.0/0", Ok(gateways[0]));
            self.route(place, "::/0", Ok(gateways[1]));
        }
        for place in [&router, &far] {
            self.set(place, LinkUnspec::new_with_name("right").mtu(1400));
        }
        self.sysctl(&router, "ipv4/ip_forward", "1");
        self.sysctl(&router, "ipv6/conf/all/forwarding", "1");
        (router, far)
    }
}

impl Place {
    /// The new namespace the thread is in, with its loopback up. IPv6 addresses are usable at once.
    fn here(runtime: &Runtime) -> Place {
        let _entered = runtime.enter();
        let (connection, handle, _) = new_connection().expect("a netlink socket");
        runtime.spawn(connection);
        fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").expect("a sysctl");
        runtime
            .block_on(
                handle
                    .link()
                    .set(LinkUnspec::new_with_name("lo").up().build())
                    .execute(),
            )
            .expect("the loopback");
        Place {
            netns: Netns::current().expect("the namespace"),
            handle,
        }
    }
}
