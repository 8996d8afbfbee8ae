//! `type macvlan`, `type macvtap`: devices on a device, each with a MAC address of its own.

use netlink_packet_route::link::{InfoData, InfoKind, InfoMacVlan, InfoMacVtap, MacVlanFlags};

use super::value::{Lower, choice};
use super::{About, At, Device, required, some};
use crate::error::{Part, Problem, Result};
use crate::ops::IfName;
use crate::ops::types::Flag;
use crate::options;

choice! {
    /// Who reaches whom among the devices on one device.
    pub enum Mode: u32 {
        /// Nobody anybody.
        Private = 1 "private",
        /// By way of a switch that sends packets back.
        Vepa = 2 "vepa",
        /// Everybody everybody.
        Bridge = 4 "bridge",
        /// There is only one.
        Passthru = 8 "passthru",
        /// By the senders' addresses.
        Source = 16 "source",
    }
}

options! {
    /// The keys of a macvlan.
    pub struct Macvlan {
        /// the device it sits on
        link: Lower,
        /// who reaches whom among those on one device: private, vepa (which is the default), bridge, passthru, source
        mode: Mode,
        /// does not make the device below promiscuous; with passthru
        nopromisc: Flag,
        /// how many broadcasts wait before it drops, at most
        bcqueuelen: u32,
    }
}

options! {
    /// The keys of a macvtap.
    pub struct Macvtap {
        /// the device it sits on
        link: Lower,
        /// who reaches whom among those on one device: private, vepa (which is the default), bridge, passthru, source
        mode: Mode,
        /// does not make the device below promiscuous; with passthru
        nopromisc: Flag,
        /// how many broadcasts wait before it drops, at most
        bcqueuelen: u32,
    }
}

fn check(link: Option<&Lower>, mode: Option<Mode>, nopromisc: Option<Flag>, kind: &str) -> Result<()> {
    required(link, kind, "link", "the device it sits on")?;
    if nopromisc == Some(Flag(true)) && mode != Some(Mode::Passthru) {
        return Err(Problem::argument("`nopromisc` goes with the mode \"passthru\"").at(Part::Key("nopromisc".into())));
    }
    Ok(())
}

fn flags(nopromisc: Option<Flag>) -> Option<MacVlanFlags> {
    (nopromisc == Some(Flag(true))).then_some(MacVlanFlags::NoPromisc)
}

impl Device for Macvlan {
    const ABOUT: About = About {
        name: "macvlan",
        config: "CONFIG_MACVLAN",
        module: "macvlan",
        kind: || InfoKind::MacVlan,
    };

    fn check(&self) -> Result<()> {
        check(self.link.as_ref(), self.mode, self.nopromisc, "macvlan")
    }

    fn lower(&self) -> Option<&IfName> {
        self.link.as_ref().map(|lower| &lower.0)
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let data = [
            self.mode.map(|mode| InfoMacVlan::Mode(u32::from(mode).into())),
            flags(self.nopromisc).map(InfoMacVlan::Flags),
            self.bcqueuelen.map(InfoMacVlan::BcQueueLen),
        ];
        Ok(some(data, InfoData::MacVlan))
    }
}

impl Device for Macvtap {
    const ABOUT: About = About {
        name: "macvtap",
        config: "CONFIG_MACVTAP",
        module: "macvtap",
        kind: || InfoKind::MacVtap,
    };

    fn check(&self) -> Result<()> {
        check(self.link.as_ref(), self.mode, self.nopromisc, "macvtap")
    }

    fn lower(&self) -> Option<&IfName> {
        self.link.as_ref().map(|lower| &lower.0)
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let data = [
            self.mode.map(|mode| InfoMacVtap::Mode(u32::from(mode).into())),
            flags(self.nopromisc).map(InfoMacVtap::Flags),
            self.bcqueuelen.map(InfoMacVtap::BcQueueLen),
        ];
        Ok(some(data, InfoData::MacVtap))
    }
}
