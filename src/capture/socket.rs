//! The packet socket: every packet of a device, in both directions, with the kernel's own time.

use std::cell::RefCell;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::net::if_::if_nametoindex;
use nix::sys::socket::{setsockopt, sockopt};
use nix::{libc, setsockopt_impl, sockopt_impl};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

use super::packet::Packet;

/// The device that stands for all of them.
pub const ANY: &str = "any";

/// Link types of the file format: frames of Ethernet, and packets behind a header that Linux makes up.
const ETHERNET: u32 = 1;
const COOKED: u32 = 276;

/// The length of that header, and of Ethernet's addresses, behind which a VLAN tag stands.
const COOKED_HEADER: usize = 20;
const ADDRESSES: usize = 12;
const TAG: usize = 4;

/// Bytes that a filter may want to see, however few are kept.
const FILTERED: usize = 512;
/// The queue of packets that wait to be read; the kernel gives as much of it as the system allows.
const QUEUE: usize = 8 << 20;

sockopt_impl!(AuxData, SetOnly, libc::SOL_PACKET, libc::PACKET_AUXDATA, libc::c_int);

thread_local! {
    // One for all captures: a lab has one thread, and a buffer is as large as the largest packet.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A socket that hears a device.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    device: String,
    link_type: u32,
}

impl Tap {
    /// Hears a device of the namespace the thread is in, or [`ANY`]: all of them. It hears nothing from before.
    pub fn open(device: &str) -> io::Result<Tap> {
        let index = if device == ANY { 0 } else { if_nametoindex(device)? };
        let link_type = if index != 0 && is_ethernet(index)? {
            ETHERNET
        } else {
            COOKED
        };
        let kind = if link_type == ETHERNET { Type::RAW } else { Type::DGRAM };
        let socket = silent(kind)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, AuxData, &1)?;
        let _ = socket.set_recv_buffer_size(QUEUE);
        // From here on it hears.
        socket.bind(&address(libc::ETH_P_ALL as u16, index))?;
        Ok(Tap {
            socket,
            device: device.to_string(),
            link_type,
        })
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// What the file's header says that its packets are.
    pub(super) fn link_type(&self) -> u32 {
        self.link_type
    }

    /// Packets that the kernel threw away because nobody had read those before, since the last time it was asked.
    pub(super) fn dropped(&self) -> u64 {
        let mut counts: [u32; 2] = [0; 2];
        let mut length = mem::size_of_val(&counts) as libc::socklen_t;
        // SAFETY: the kernel writes two numbers at most into the two that are there.
        let asked = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                counts.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if asked == 0 { counts[1].into() } else { 0 }
    }

    /// Reads one packet, of which `snaplen` bytes are wanted. Whether one is there is told by the error.
    pub(super) fn hear(&self, snaplen: usize, with: impl FnOnce(&Packet)) -> io::Result<()> {
        BUFFER.with_borrow_mut(|buffer| {
            let front = if self.link_type == ETHERNET {
                TAG
            } else {
                COOKED_HEADER + TAG
            };
            let wanted = front + snaplen.max(FILTERED);
            if buffer.len() < wanted {
                buffer.resize(wanted, 0);
            }
            let buffer = &mut buffer[..wanted];
            let heard = receive(&self.socket, &mut buffer[front..])?;
            // On lo a packet is seen twice, on its way out and on its way in: it is one.
            let is_loopback = heard.from.sll_hatype == libc::ARPHRD_LOOPBACK;
            if is_loopback && heard.from.sll_pkttype == libc::PACKET_OUTGOING {
                return Ok(());
            }
            let is_runt = self.link_type == ETHERNET && heard.kept < ADDRESSES + 2;
            if !is_runt {
                with(&heard.packet(self.link_type, buffer, front));
            }
            Ok(())
        })
    }
}

impl AsRawFd for Tap {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// What came with a packet.
struct Heard {
    kept: usize,
    length: usize,
    from: libc::sockaddr_ll,
    time: (u32, u32),
    /// The VLAN tag that the kernel took out of it: what kind of tag, and the tag.
    tag: Option<(u16, u16)>,
}

impl Heard {
    /// The packet, its bytes standing in `buffer` from `front` on, with room before them for what belongs there.
    fn packet<'a>(&self, link_type: u32, buffer: &'a mut [u8], front: usize) -> Packet<'a> {
        let end = front + self.kept;
        let added = if self.tag.is_some() { TAG } else { 0 };
        if link_type == ETHERNET {
            let start = front - added;
            if let Some((kind, tag)) = self.tag {
                buffer.copy_within(front..front + ADDRESSES, start);
                write(buffer, start + ADDRESSES, &kind.to_be_bytes());
                write(buffer, start + ADDRESSES + 2, &tag.to_be_bytes());
            }
            let bytes = &buffer[start..end];
            let protocol = u16::from_be_bytes([bytes[ADDRESSES], bytes[ADDRESSES + 1]]);
            return Packet {
                bytes,
                length: self.length + added,
                time: self.time,
                protocol,
                payload: &bytes[ADDRESSES + 2..],
            };
        }
        let start = front - added - COOKED_HEADER;
        let mut protocol = u16::from_be(self.from.sll_protocol);
        if let Some((kind, tag)) = self.tag {
            write(buffer, front - TAG, &tag.to_be_bytes());
            write(buffer, front - 2, &protocol.to_be_bytes());
            protocol = kind;
        }
        write(buffer, start, &self.cooked(protocol));
        let bytes = &buffer[start..end];
        Packet {
            bytes,
            length: self.length + added + COOKED_HEADER,
            time: self.time,
            protocol,
            payload: &bytes[COOKED_HEADER..],
        }
    }

    /// The header of a packet that stands for its link's own: LINKTYPE_LINUX_SLL2.
    fn cooked(&self, protocol: u16) -> [u8; COOKED_HEADER] {
        let mut header = [0; COOKED_HEADER];
        write(&mut header, 0, &protocol.to_be_bytes());
        write(&mut header, 4, &(self.from.sll_ifindex as u32).to_be_bytes());
        write(&mut header, 8, &self.from.sll_hatype.to_be_bytes());
        header[10] = self.from.sll_pkttype;
        header[11] = self.from.sll_halen;
        write(&mut header, 12, &self.from.sll_addr);
        header
    }
}

fn write(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A packet socket that hears nothing yet.
fn silent(kind: Type) -> io::Result<Socket> {
    Socket::new(Domain::PACKET, kind.nonblocking().cloexec(), Some(Protocol::from(0)))
}

/// Whether a device's packets are frames of Ethernet, as far as its packet socket is concerned. A tunnel's are not.
fn is_ethernet(index: u32) -> io::Result<bool> {
    let socket = silent(Type::DGRAM)?;
    socket.bind(&address(0, index))?;
    let bound = socket.local_addr()?;
    // SAFETY: the address of a packet socket is a sockaddr_ll; the storage is large enough for any address.
    let bound = unsafe { &*bound.as_ptr().cast::<libc::sockaddr_ll>() };
    Ok([libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&bound.sll_hatype))
}

fn address(protocol: u16, index: u32) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is the view of the storage that its family, set here, says.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_protocol = protocol.to_be();
    link.sll_ifindex = index as i32;
    // SAFETY: the storage holds an address of this length.
    unsafe { SockAddr::new(storage, mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}

/// Room for what comes beside a packet, aligned as its headers want.
#[repr(C, align(8))]
struct Beside([u8; 256]);

/// One packet into `buffer`, and what came with it.
fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Heard> {
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut beside = Beside([0; 256]);
    // SAFETY: both are plain numbers, for which zero is a value.
    let (mut from, mut message): (libc::sockaddr_ll, libc::msghdr) = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_name = (&raw mut from).cast();
    message.msg_namelen = mem::size_of_val(&from) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = beside.0.as_mut_ptr().cast();
    message.msg_controllen = beside.0.len();
    // SAFETY: everything the message points at lives until the call returns, with the length that it says.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_TRUNC) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    let mut heard = Heard {
        kept: length.min(buffer.len()),
        length,
        from,
        time: (0, 0),
        tag: None,
    };
    heard.note(&message);
    if heard.time == (0, 0) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        heard.time = (now.as_secs() as u32, now.subsec_nanos());
    }
    Ok(heard)
}

impl Heard {
    /// Takes the time and the VLAN tag out of what came beside the packet.
    fn note(&mut self, message: &libc::msghdr) {
        // SAFETY: the kernel filled the headers in, and CMSG_NXTHDR stays within their length.
        let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
        while !next.is_null() {
            // SAFETY: not null, so a header of the kernel's; its data are of the type that level and type say.
            unsafe {
                let (level, kind, data) = ((*next).cmsg_level, (*next).cmsg_type, libc::CMSG_DATA(next));
                match (level, kind) {
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                        let time: libc::timespec = data.cast::<libc::timespec>().read_unaligned();
                        self.time = (time.tv_sec as u32, time.tv_nsec as u32);
                    }
                    (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                        let aux = data.cast::<libc::tpacket_auxdata>().read_unaligned();
                        if aux.tp_status & libc::TP_STATUS_VLAN_VALID != 0 {
                            let is_known = aux.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
                            let kind = if is_known { aux.tp_vlan_tpid } else { 0x8100 };
                            self.tag = Some((kind, aux.tp_vlan_tci));
                        }
                    }
                    _ => {}
                }
                next = libc::CMSG_NXTHDR(message, next);
            }
        }
    }
}
