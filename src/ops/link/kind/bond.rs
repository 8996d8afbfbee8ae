//! `type bond`: several devices as one. A device joins it as `link set DEV master BOND`, while it is down.

use netlink_packet_route::link::{BondMode, InfoBond, InfoData, InfoKind};

use super::value::choice;
use super::{About, At, Device, some};
use crate::error::Result;
use crate::options;

options! {
    /// The keys of a bond.
    pub struct Bond {
        /// how its devices share the work
        mode: Mode,
        /// how often their carriers are looked at, in milliseconds
        miimon: u32,
        /// how long after a carrier comes the device is used, in milliseconds
        updelay: u32,
        /// how long after a carrier goes the device is given up, in milliseconds
        downdelay: u32,
    }
}

choice! {
    /// How the devices of a bond share the work.
    pub enum Mode: u8 {
        /// In turn.
        BalanceRr = 0 "balance-rr",
        /// One works, the others stand by.
        ActiveBackup = 1 "active-backup",
        /// By a hash of the addresses.
        BalanceXor = 2 "balance-xor",
        /// Each packet on all of them.
        Broadcast = 3 "broadcast",
        /// As the peer agrees by LACP.
        Lacp = 4 "802.3ad",
        /// What goes out by load.
        BalanceTlb = 5 "balance-tlb",
        /// Both ways by load.
        BalanceAlb = 6 "balance-alb",
    }
}

impl Device for Bond {
    const ABOUT: About = About {
        name: "bond",
        config: "CONFIG_BONDING",
        module: "bonding",
        kind: || InfoKind::Bond,
    };

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let attributes = [
            self.mode.map(|mode| InfoBond::Mode(BondMode::from(u8::from(mode)))),
            self.miimon.map(InfoBond::MiiMon),
            self.updelay.map(InfoBond::UpDelay),
            self.downdelay.map(InfoBond::DownDelay),
        ];
        Ok(some(attributes, InfoData::Bond))
    }
}
