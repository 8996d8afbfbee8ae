//! `type tun`: a device whose packets a program reads and writes, of IP (`tun`) or of Ethernet (`tap`).
//!
//! No netlink request makes one: a program does, by ioctl on /dev/net/tun, and says that the device stays when the
//! program goes. So does `ip tuntap add`.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use netlink_packet_route::link::{InfoData, InfoKind};
use nix::errno::Errno;

use super::value::choice;
use super::{About, At, Device, Maker};
use crate::error::{Mistake, Part, Problem, Result};
use crate::netlink::Space;
use crate::ops::types::Flag;
use crate::ops::{IfName, Options, Typed};
use crate::options;

choice! {
    /// What a program reads and writes.
    pub enum Mode: u16 {
        /// Packets of IP.
        Tun = 0x0001 "tun",
        /// Frames of Ethernet.
        Tap = 0x0002 "tap",
    }
}

options! {
    /// The keys of a tun.
    pub struct Tun {
        /// what a program reads and writes there: tun (packets of IP, which is the default) or tap (frames of Ethernet)
        mode: Mode,
        /// the number of the user who may open it; anyone who may change the namespace, if not given
        user: u32,
        /// the number of the group that may open it
        group: u32,
        /// each packet has the number of its protocol before it
        pi: Flag,
        /// each packet has a header for virtual machines before it
        vnet_hdr: Flag,
        /// several programs may open it at once, each with a queue
        multi_queue: Flag,
    }
}

impl Device for Tun {
    const ABOUT: About = About {
        name: "tun",
        config: "CONFIG_TUN",
        module: "tun",
        kind: || InfoKind::Tun,
    };

    fn maker(&self) -> Option<&dyn Maker> {
        Some(self)
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let message = "what belongs to a tun is said when it is made: delete it and add it anew";
        match self.words().is_empty() {
            true => Ok(None),
            false => Err(Problem::argument(message).at(Part::Key("type".into()))),
        }
    }
}

/// Where the kernel makes them, and the numbers of linux/if_tun.h.
const MAKER: &str = "/dev/net/tun";
const NO_PI: u16 = 0x1000;
const VNET_HDR: u16 = 0x4000;
const ONLY_NEW: u16 = 0x8000;
const MULTI_QUEUE: u16 = 0x0100;

mod ioctl {
    use nix::libc::{c_int, ifreq};
    use nix::{ioctl_write_int, ioctl_write_ptr_bad, request_code_write};

    ioctl_write_ptr_bad!(attach, request_code_write!(b'T', 202, size_of::<c_int>()), ifreq);
    ioctl_write_int!(persist, b'T', 203);
    ioctl_write_int!(owner, b'T', 204);
    ioctl_write_int!(group, b'T', 206);
}

impl Maker for Tun {
    fn spell(&self, dev: &IfName) -> Vec<String> {
        let mode = self.mode.unwrap_or(Mode::Tun).spell();
        let rest = Tun {
            mode: None,
            ..self.clone()
        };
        let words = ["tuntap", "add", "dev", dev.as_str(), "mode", &mode];
        words
            .into_iter()
            .map(str::to_string)
            .chain(Options::words(&rest))
            .collect()
    }

    fn make(&self, space: &Space, dev: &IfName, mark: &dyn Fn() -> Result<()>) -> Result<()> {
        let maker = space.within(|| File::options().read(true).write(true).open(MAKER))?;
        let maker = maker.map_err(missing)?;
        let refused = |errno| match errno {
            // A device of that name that is no tun, or one that is.
            Errno::EINVAL | Errno::EBUSY => Problem::kernel(Errno::EEXIST, ""),
            _ => Problem::kernel(errno, ""),
        };
        self.attach(&maker, dev).map_err(refused)?;
        mark()?;
        // SAFETY: the descriptor is open, and the argument is a number.
        let stays = unsafe { ioctl::persist(maker.as_raw_fd(), 1) };
        stays.map(drop).map_err(refused)
    }
}

impl Tun {
    fn flags(&self) -> u16 {
        let is = |flag: Option<Flag>| flag == Some(Flag(true));
        let given = [
            (!is(self.pi), NO_PI),
            (is(self.vnet_hdr), VNET_HDR),
            (is(self.multi_queue), MULTI_QUEUE),
        ];
        let flags = given.into_iter().filter(|(is_given, _)| *is_given);
        flags.fold(
            u16::from(self.mode.unwrap_or(Mode::Tun)) | ONLY_NEW,
            |all, (_, flag)| all | flag,
        )
    }

    /// Makes the device. Until it is told to stay it goes when `maker` is closed.
    fn attach(&self, maker: &File, dev: &IfName) -> nix::Result<()> {
        // SAFETY: the structure is plain data, for which zeros are a value.
        let mut request: nix::libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(dev.as_str().bytes()) {
            *to = from as nix::libc::c_char;
        }
        request.ifr_ifru.ifru_flags = self.flags().cast_signed();
        let fd = maker.as_raw_fd();
        // SAFETY: the descriptor is open, and the structure outlives the call that reads and writes it.
        unsafe { ioctl::attach(fd, &raw const request) }?;
        for (id, set) in [
            (self.user, ioctl::owner as unsafe fn(_, _) -> _),
            (self.group, ioctl::group),
        ] {
            if let Some(id) = id {
                // SAFETY: the descriptor is open, and the argument is a number.
                unsafe { set(fd, id.into()) }?;
            }
        }
        Ok(())
    }
}

/// Says what keeps this process from making one.
fn missing(error: io::Error) -> Box<Problem> {
    let is_forbidden = error.kind() == io::ErrorKind::PermissionDenied;
    let problem = Problem::system(&format!("open {MAKER}"), error);
    match is_forbidden {
        true => problem
            .known(Mistake::NoPrivilege)
            .because(format!("this user may not open {MAKER}"))
            .help(format!("on the machine, as root: `chmod 666 {MAKER}`")),
        false => problem
            .known(Mistake::KernelLacks)
            .because("it was built without CONFIG_TUN, or tun is a module that is not loaded")
            .help("on the machine, as root: `modprobe tun`; or a kernel with CONFIG_TUN"),
    }
}
