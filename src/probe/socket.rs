//! A raw ICMP socket that belongs to the namespace it was opened in, wherever its owner goes later.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, getsockopt, recvmsg, setsockopt, sockopt};
use nix::{cmsg_space, getsockopt_impl, setsockopt_impl, sockopt_impl};
use socket2::{Domain, Protocol, SockAddr, Socket as RawSocket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};

use super::Target;
use super::packet::{Answer, ECHO_HEADER, Echo};

/// Longest IPv4 header, and more than the 1280 bytes that an ICMPv6 error may have.
const ROOM: usize = 2048;

/// The longest wait: added to now it is still a time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

// Linux numbers the option of both families 1; libc has no name for either.
const ICMP_FILTER: libc::c_int = 1;
const ICMP6_FILTER: libc::c_int = 1;

sockopt_impl!(IcmpFilter, SetOnly, libc::SOL_RAW, ICMP_FILTER, u32);
sockopt_impl!(Icmp6Filter, SetOnly, libc::IPPROTO_ICMPV6, ICMP6_FILTER, [u32; 8]);
sockopt_impl!(
    MtuDiscover,
    SetOnly,
    libc::IPPROTO_IP,
    libc::IP_MTU_DISCOVER,
    libc::c_int
);
sockopt_impl!(
    MtuDiscover6,
    SetOnly,
    libc::IPPROTO_IPV6,
    libc::IPV6_MTU_DISCOVER,
    libc::c_int
);
sockopt_impl!(Mtu6, GetOnly, libc::IPPROTO_IPV6, libc::IPV6_MTU, libc::c_int);

/// Where echoes go out and answers come in.
#[derive(Debug)]
pub struct Socket {
    socket: RawSocket,
    /// Connected to the target: the kernel tells by it whether there is a route, and its MTU. Hears nothing.
    route: RawSocket,
    destination: SocketAddr,
    device: Option<String>,
    echo: Echo,
    broadcast: bool,
}

/// An answer, who gave it, and when.
#[derive(Debug)]
pub struct Heard {
    /// What it says.
    pub answer: Answer,
    /// Who says it.
    pub from: IpAddr,
    /// The time to live a reply had left.
    pub ttl: u8,
    /// When it was read.
    pub at: Instant,
}

impl Socket {
    /// Opens the socket in the thread's current namespace.
    pub fn open(target: &Target, size: u16) -> io::Result<Socket> {
        let address = match target.address {
            // As the kernel takes it: this host.
            IpAddr::V4(a) if a.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            address => address,
        };
        let scope = target.device.as_deref().map(if_nametoindex).transpose()?.unwrap_or(0);
        let destination = match address {
            IpAddr::V4(a) => SocketAddr::from((a, 0)),
            IpAddr::V6(a) => SocketAddrV6::new(a, 0, 0, scope).into(),
        };
        let socket = raw(address)?;
        let route = raw(address)?;
        // A bit that is set keeps that type out. Let in: replies, unreachable, time exceeded, parameter
        // problem, and for IPv6 packet too big.
        if address.is_ipv4() {
            setsockopt(&socket, IcmpFilter, &!(1 | 1 << 3 | 1 << 11 | 1 << 12))?;
            setsockopt(&route, IcmpFilter, &u32::MAX)?;
        } else {
            let mut filter = [u32::MAX; 8];
            filter[0] = !(1 << 1 | 1 << 2 | 1 << 3 | 1 << 4);
            filter[129 / 32] &= !(1 << (129 % 32));
            setsockopt(&socket, Icmp6Filter, &filter)?;
            setsockopt(&route, Icmp6Filter, &[u32::MAX; 8])?;
            setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
        }
        let echo = Echo::new(address, size);
        Ok(Socket {
            socket,
            route,
            destination,
            device: target.device.clone(),
            echo,
            broadcast: false,
        })
    }

    /// Whether echoes go to several hosts.
    pub fn is_for_many(&self) -> bool {
        self.broadcast || self.destination.ip().is_multicast()
    }

    /// Sets the time to live, or hop limit.
    pub fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        if self.destination.is_ipv4() {
            self.socket.set_multicast_ttl_v4(ttl.into())?;
            self.socket.set_ttl_v4(ttl.into())
        } else {
            self.socket.set_multicast_hops_v6(ttl.into())?;
            self.socket.set_unicast_hops_v6(ttl.into())
        }
    }

    /// Forbids fragmentation, here and on the way: what `ping -M do` asks for.
    pub fn dont_fragment(&self) -> io::Result<()> {
        if self.destination.is_ipv4() {
            setsockopt(&self.socket, MtuDiscover, &libc::IP_PMTUDISC_DO)?;
        } else {
            setsockopt(&self.socket, MtuDiscover6, &libc::IPV6_PMTUDISC_DO)?;
        }
        Ok(())
    }

    /// Asks the kernel for a route to the target; nothing is sent. Allows broadcast if the target is one.
    fn find_route(&mut self) -> io::Result<()> {
        let destination = SockAddr::from(self.destination);
        match self.route.connect(&destination) {
            // A broadcast address, or a route that prohibits: the second attempt tells which.
            Err(e) if e.raw_os_error() == Some(libc::EACCES) && self.destination.is_ipv4() => {
                self.route.set_broadcast(true)?;
                self.route.connect(&destination)?;
                self.socket.set_broadcast(true)?;
                self.broadcast = true;
                Ok(())
            }
            result => result,
        }
    }

    /// Finds the route and begins to listen. Wants a tokio runtime around it.
    pub fn listen(mut self) -> io::Result<Listener> {
        self.find_route()?;
        let buffer = vec![0; ROOM + ECHO_HEADER + usize::from(self.echo.size())];
        // SAFETY: the descriptor is open for as long as `self` is, which never gives another one.
        let fd = unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) }?;
        Ok(Listener { fd, buffer })
    }

    /// The MTU of the path to the target as the kernel knows it now.
    fn mtu(&self) -> Option<i32> {
        // Connecting again looks the route up again: the MTU may just have been learned.
        self.route.connect(&SockAddr::from(self.destination)).ok()?;
        if self.destination.is_ipv4() {
            getsockopt(&self.route, sockopt::IpMtu).ok()
        } else {
            getsockopt(&self.route, Mtu6).ok()
        }
    }

    /// Reads one message: `None` if it is no answer to us.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        let mut control = cmsg_space!(libc::c_int);
        let mut parts = [IoSliceMut::new(buffer)];
        let message = recvmsg::<SockaddrStorage>(
            self.socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::empty(),
        )?;
        let at = Instant::now();
        let hops = message.cmsgs().into_iter().flatten().find_map(|c| match c {
            ControlMessageOwned::Ipv6HopLimit(hops) => u8::try_from(hops).ok(),
            _ => None,
        });
        let from = message.address.as_ref().and_then(address);
        let bytes = message.iovs().next().unwrap_or_default();
        let heard = || {
            let answer = self.echo.read(bytes)?;
            let ttl = match answer {
                Answer::Reply { ttl, .. } => ttl.or(hops).unwrap_or(0),
                Answer::Refusal { .. } => 0,
            };
            Some(Heard {
                answer,
                from: from?,
                ttl,
                at,
            })
        };
        Ok(heard())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// A socket in use.
#[derive(Debug)]
pub struct Listener {
    fd: AsyncFd<Socket>,
    buffer: Vec<u8>,
}

impl Listener {
    /// The socket itself.
    pub fn socket(&self) -> &Socket {
        self.fd.get_ref()
    }

    /// Sends echo `seq`.
    pub fn send(&self, seq: u16) -> io::Result<()> {
        let socket = self.socket();
        socket
            .socket
            .send_to(&socket.echo.request(seq), &socket.destination.into())
            .map(drop)
    }

    /// The next answer to us, or `None` at the time `until`.
    pub async fn hear(&mut self, until: Instant) -> io::Result<Option<Heard>> {
        loop {
            // Often the answer is there when the send returns: to read before waiting times it best.
            match self.fd.get_ref().receive(&mut self.buffer) {
                Ok(Some(heard)) => return Ok(Some(heard)),
                Ok(None) if Instant::now() >= until => return Ok(None),
                Ok(None) => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
            let Ok(ready) = timeout_at(until, self.fd.readable()).await else {
                return Ok(None);
            };
            match ready?.try_io(|fd| fd.get_ref().receive(&mut self.buffer)) {
                Ok(Ok(Some(heard))) => return Ok(Some(heard)),
                Ok(Err(e)) => return Err(e),
                Ok(Ok(None)) | Err(_) => {}
            }
        }
    }

    /// A failed send in words; `Message too long` with the MTU it was too long for.
    pub fn describe(&self, error: &io::Error) -> String {
        match error.raw_os_error() {
            Some(libc::EMSGSIZE) => self
                .socket()
                .mtu()
                .map_or_else(|| words(error), |mtu| format!("{TOO_LONG}{mtu})")),
            _ => words(error),
        }
    }

    /// How an address is written; one that means something on a device only, with the device.
    pub fn spell(&self, address: IpAddr) -> String {
        let local = matches!(address, IpAddr::V6(a) if a.is_unicast_link_local());
        match &self.socket().device {
            Some(device) if local => format!("{address}%{device}"),
            _ => address.to_string(),
        }
    }
}

/// How [`Listener::describe`] begins when a packet is longer than the path allows.
pub const TOO_LONG: &str = "Message too long (mtu = ";

/// An error of the system in the system's words, without Rust's "(os error 101)".
pub fn words(error: &io::Error) -> String {
    error
        .raw_os_error()
        .map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_string())
}

/// A wait that can be added to the present.
pub fn bounded(wait: Duration) -> Duration {
    wait.min(LONGEST)
}

fn raw(address: IpAddr) -> io::Result<RawSocket> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    RawSocket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))
}

fn address(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = || address.as_sockaddr_in().map(|a| a.ip().into());
    v4().or_else(|| address.as_sockaddr_in6().map(|a| a.ip().into()))
}
