//! Sockets that wait for clients, opened in the thread's current namespace.

use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use nix::cmsg_space;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

/// Connections that one listener serves at a time; the next wait in the kernel.
const MOST: usize = 64;
/// The longest that one connection is served.
const LONGEST: Duration = Duration::from_secs(10);
/// A pause after an error of the listener itself (no descriptor is left), so that it does not spin.
const PAUSE: Duration = Duration::from_millis(10);

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// One address, or all of both families.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

impl Place {
    /// Opens a socket for each address. A machine without IPv6 has those of IPv4 only.
    fn each<T>(self, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<Vec<T>> {
        let Some(address) = self.address else {
            let first = open((Ipv4Addr::UNSPECIFIED, self.port).into())?;
            return match open((Ipv6Addr::UNSPECIFIED, self.port).into()) {
                Ok(second) => Ok(vec![first, second]),
                Err(e) if e.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(vec![first]),
                Err(e) => Err(e),
            };
        };
        Ok(vec![open((address, self.port).into())?])
    }
}

fn bound(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind.nonblocking(), None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        // A server may start again while old connections linger.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Listens for connections. Must be called within the lab's runtime.
pub fn tcp(place: Place) -> io::Result<Vec<TcpListener>> {
    place.each(|address| {
        let socket = bound(address, Type::STREAM)?;
        socket.listen(libc::SOMAXCONN)?;
        TcpListener::from_std(socket.into())
    })
}

/// Serves every connection with `talk`, several at a time, none for longer than ten seconds. Dropping it closes
/// them all.
pub async fn accept<Talk: Future>(listener: TcpListener, talk: impl Fn(TcpStream, SocketAddr) -> Talk) {
    let mut talks = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if talks.len() < MOST => match accepted {
                Ok((stream, client)) => talks.push(timeout(LONGEST, talk(stream, client))),
                Err(_) => sleep(PAUSE).await,
            },
            Some(_) = talks.next(), if !talks.is_empty() => {}
        }
    }
}

/// A socket for datagrams that answers from the address it was asked at, though it listens on all.
pub struct Datagrams(UdpSocket);

/// Who sent a datagram, and to which of our addresses.
struct Letter {
    length: usize,
    from: SockaddrStorage,
    to: Option<Local>,
}

/// One of our addresses, as the kernel wants it for the answer's source.
enum Local {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl Local {
    fn of(message: ControlMessageOwned) -> Option<Local> {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(mut info) => {
                // The route decides about the device, not the way the question came.
                info.ipi_ifindex = 0;
                Some(Local::V4(info))
            }
            ControlMessageOwned::Ipv6PacketInfo(mut info) => {
                if !Ipv6Addr::from(info.ipi6_addr.s6_addr).is_unicast_link_local() {
                    info.ipi6_ifindex = 0;
                }
                Some(Local::V6(info))
            }
            _ => None,
        }
    }

    fn control(&self) -> ControlMessage<'_> {
        match self {
            Local::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Local::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}

/// Listens for datagrams. Must be called within the lab's runtime.
pub fn udp(place: Place) -> io::Result<Vec<Datagrams>> {
    place.each(|address| {
        let socket = bound(address, Type::DGRAM)?;
        if address.is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
        UdpSocket::from_std(socket.into()).map(Datagrams)
    })
}

impl Datagrams {
    /// Answers every datagram with what `reply` makes of it, if it makes anything.
    pub async fn answer(self, reply: impl Fn(&[u8]) -> Option<Vec<u8>>) {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            match self.receive(&mut buffer).await {
                Ok(letter) => {
                    if let Some(bytes) = reply(&buffer[..letter.length]) {
                        // Whoever is not reached asks again.
                        let _ = self.send(&bytes, &letter).await;
                    }
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<Letter> {
        let fd = self.0.as_raw_fd();
        self.0
            .async_io(Interest::READABLE, || {
                let mut control = cmsg_space!(libc::in6_pktinfo);
                let mut parts = [IoSliceMut::new(buffer)];
                let message = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut control), MsgFlags::empty())?;
                let nobody = || io::Error::from(io::ErrorKind::AddrNotAvailable);
                Ok(Letter {
                    length: message.bytes,
                    from: message.address.ok_or_else(nobody)?,
                    to: message.cmsgs()?.find_map(Local::of),
                })
            })
            .await
    }

    async fn send(&self, bytes: &[u8], letter: &Letter) -> io::Result<()> {
        let fd = self.0.as_raw_fd();
        let control: Vec<_> = letter.to.iter().map(Local::control).collect();
        let parts = [IoSlice::new(bytes)];
        let send = || Ok(sendmsg(fd, &parts, &control, MsgFlags::empty(), Some(&letter.from)).map(|_| ())?);
        self.0.async_io(Interest::WRITABLE, send).await
    }
}
