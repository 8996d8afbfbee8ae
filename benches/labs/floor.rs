//! The least that a process can do to build a star: raw netlink messages, written down by hand, each acknowledged.
//!
//! The same lab as `topology::star`: a bridge with its ports, a namespace behind each with an address and a default route.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::libc;

const REQUEST: u16 = 1;
const ACK: u16 = 4;
const NEW: u16 = 0x400 | 0x200;
const NEWLINK: u16 = 16;
const NEWADDR: u16 = 20;
const NEWROUTE: u16 = 24;
const UP: u32 = 1;

/// A message that is being written.
struct Message {
    bytes: Vec<u8>,
    open: Vec<usize>,
}

impl Message {
    fn new(kind: u16, flags: u16, body: &[u8]) -> Message {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(REQUEST | ACK | flags).to_ne_bytes());
        bytes.extend_from_slice(body);
        Message {
            bytes,
            open: Vec::new(),
        }
    }

    /// About a link: its index, or 0 and a name; `up` brings it up.
    fn link(flags: u16, index: i32, up: bool) -> Message {
        Message::new(NEWLINK, flags, &link_header(index, up))
    }

    fn put(mut self, kind: u16, value: &[u8]) -> Message {
        let length = 4 + value.len() as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    fn number(self, kind: u16, value: u32) -> Message {
        self.put(kind, &value.to_ne_bytes())
    }

    fn text(self, kind: u16, value: &str) -> Message {
        let value = CString::new(value).expect("no zero byte");
        self.put(kind, value.as_bytes_with_nul())
    }

    fn open(mut self, kind: u16, header: &[u8]) -> Message {
        self.open.push(self.bytes.len());
        self.put(kind, header)
    }

    fn close(mut self) -> Message {
        let start = self.open.pop().expect("an open attribute");
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self
    }
}

fn link_header(index: i32, up: bool) -> [u8; 16] {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    if up {
        header[8..12].copy_from_slice(&UP.to_ne_bytes());
        header[12..16].copy_from_slice(&UP.to_ne_bytes());
    }
    header
}

fn socket() -> OwnedFd {
    // SAFETY: makes a descriptor, which is ours.
    unsafe {
        OwnedFd::from_raw_fd(done(libc::socket(
            libc::AF_NETLINK,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            0,
        )))
    }
}

fn done(result: i32) -> i32 {
    assert!(result >= 0, "{}", io::Error::last_os_error());
    result
}

fn send(socket: &OwnedFd, mut message: Message) {
    let length = message.bytes.len() as u32;
    message.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    let mut answer = [0u8; 4096];
    // SAFETY: both buffers are as long as is said.
    let got = unsafe {
        done(libc::send(
            socket.as_raw_fd(),
            message.bytes.as_ptr().cast(),
            message.bytes.len(),
            0,
        ) as i32);
        done(libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) as i32)
    };
    let errno = answer.get(16..20).filter(|_| got >= 20).expect("an acknowledgement");
    let errno = i32::from_ne_bytes(errno.try_into().expect("four bytes"));
    assert_eq!(errno, 0, "{}", io::Error::from_raw_os_error(-errno));
}

const IFNAME: u16 = 3;
const MASTER: u16 = 10;
const LINKINFO: u16 = 18;
const AF_SPEC: u16 = 26;
const NS_FD: u16 = 28;
const TX_QUEUES: u16 = 31;
const RX_QUEUES: u16 = 32;
const PORTS: usize = 1000;
const BRIDGE: i32 = 100;

fn snooping(message: Message, on: bool) -> Message {
    let info = message.open(LINKINFO, &[]).text(1, "bridge").open(2, &[]);
    info.put(23, &[u8::from(on)]).close().close()
}

/// How a device makes IPv6 addresses of its own: not at all.
fn quiet(index: i32) -> Message {
    let unspec = Message::link(0, index, false)
        .open(AF_SPEC, &[])
        .open(libc::AF_INET6 as u16, &[]);
    unspec.put(8, &[1]).close().close()
}

fn veth(name: &str, index: i32, bridge: i32, peer: &str, peer_index: i32, netns: Option<&File>) -> Message {
    let near = Message::link(NEW, index, true)
        .text(IFNAME, name)
        .number(TX_QUEUES, 1)
        .number(RX_QUEUES, 1);
    let near = near
        .number(MASTER, bridge as u32)
        .open(LINKINFO, &[])
        .text(1, "veth")
        .open(2, &[]);
    let mut far = near.open(1, &link_header(peer_index, false)).text(IFNAME, peer);
    far = far.number(TX_QUEUES, 1).number(RX_QUEUES, 1);
    if let Some(netns) = netns {
        far = far.number(NS_FD, netns.as_raw_fd().cast_unsigned());
    }
    far.close().close().close()
}

fn address(index: i32, address: u32) -> Message {
    let mut header = [libc::AF_INET as u8, 16, 0, 0, 0, 0, 0, 0];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    let bytes = address.to_be_bytes();
    let message = Message::new(NEWADDR, NEW, &header).put(2, &bytes).put(1, &bytes);
    message.put(4, &(address | 0xffff).to_be_bytes())
}

fn default_route(gateway: u32) -> Message {
    let header = [libc::AF_INET as u8, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
    Message::new(NEWROUTE, NEW, &header).put(5, &gateway.to_be_bytes())
}

/// A new namespace with a name: itself, opened, and a socket in it.
fn namespace(name: &str) -> (File, OwnedFd) {
    const OWN: &str = "/proc/thread-self/ns/net";
    let path = format!("/run/netns/{name}");
    File::create_new(&path).expect("a new file");
    let c = |text: &str| CString::new(text).expect("no zero byte");
    // SAFETY: the strings outlive the calls.
    unsafe {
        done(libc::unshare(libc::CLONE_NEWNET));
        done(libc::mount(
            c(OWN).as_ptr(),
            c(&path).as_ptr(),
            c("").as_ptr(),
            libc::MS_BIND,
            std::ptr::null(),
        ));
    }
    (File::open(OWN).expect("the namespace"), socket())
}

/// Builds a star of `n` in the namespace the process is in. With `ipv6`, IPv6 is left as the kernel has it.
pub fn star(n: usize, ipv6: bool) {
    const GATEWAY: u32 = 0x0a00_0001;
    if !ipv6 {
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").expect("a parameter");
    }
    let host = socket();
    send(&host, Message::link(0, 1, true));
    let bridges = n.div_ceil(PORTS) as i32;
    for k in 0..bridges {
        send(
            &host,
            snooping(
                Message::link(NEW, BRIDGE + k, false).text(IFNAME, &format!("br{k}")),
                false,
            ),
        );
        if k > 0 {
            let (down, up) = (300 + 2 * k, 301 + 2 * k);
            send(
                &host,
                veth(&format!("down{k}"), down, BRIDGE, &format!("up{k}"), up, None),
            );
            send(&host, Message::link(0, up, true).number(MASTER, (BRIDGE + k) as u32));
        }
    }
    send(&host, address(BRIDGE, GATEWAY));
    let mut namespaces = Vec::with_capacity(n);
    for i in 0..n {
        let (netns, inside) = namespace(&format!("ns{i}"));
        let bridge = BRIDGE + (i / PORTS) as i32;
        send(
            &host,
            veth(&format!("v{i}"), 1000 + i as i32, bridge, "eth0", 2, Some(&netns)),
        );
        send(&inside, Message::link(0, 1, true));
        if !ipv6 {
            send(&inside, quiet(2));
        }
        send(&inside, Message::link(0, 2, true));
        send(&inside, address(2, GATEWAY + 1 + i as u32));
        send(&inside, default_route(GATEWAY));
        namespaces.push((netns, inside));
    }
    for k in 0..bridges {
        send(&host, Message::link(0, BRIDGE + k, true));
        send(&host, snooping(Message::link(0, BRIDGE + k, false), true));
    }
}
