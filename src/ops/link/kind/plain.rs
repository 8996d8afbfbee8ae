//! `type dummy`, `type ifb`, `type vrf`, `type wireguard`: the kinds with next to no keys.

use netlink_packet_route::link::{InfoData, InfoKind, InfoVrf};
use serde::{Deserialize, Serialize};

use super::{About, At, Device, required, some};
use crate::error::Result;
use crate::ops::Typed;
use crate::ops::names::{self, TABLES};
use crate::ops::value::{Value, not_wanted};
use crate::ops::words::number_or_text;
use crate::options;

options! {
    /// A dummy has no keys of its own.
    pub struct Dummy {}
}

impl Device for Dummy {
    const ABOUT: About = About {
        name: "dummy",
        config: "CONFIG_DUMMY",
        module: "dummy",
        kind: || InfoKind::Dummy,
    };

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        Ok(None)
    }
}

options! {
    /// An ifb has no keys of its own.
    pub struct Ifb {}
}

impl Device for Ifb {
    const ABOUT: About = About {
        name: "ifb",
        config: "CONFIG_IFB",
        module: "ifb",
        kind: || InfoKind::Ifb,
    };

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        Ok(None)
    }
}

options! {
    /// A WireGuard device has no keys of its own here: `wg.set` tells it its keys and peers.
    pub struct Wireguard {}
}

impl Device for Wireguard {
    const ABOUT: About = About {
        name: "wireguard",
        config: "CONFIG_WIREGUARD",
        module: "wireguard",
        kind: || InfoKind::Wireguard,
    };

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        Ok(None)
    }
}

options! {
    /// The keys of a VRF.
    pub struct Vrf {
        /// its routing table: a number, or a name of iproute2's rt_tables
        table: Table,
    }
}

/// A routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table(pub u32);

impl Typed for Table {
    const WANTS: &'static str = "a routing table: its number or its name";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => TABLES.id(text).or_else(|| names::number(text)).map(Table),
            other => u32::read(other).ok().map(Table),
        }
        .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

impl Device for Vrf {
    const ABOUT: About = About {
        name: "vrf",
        config: "CONFIG_NET_VRF",
        module: "vrf",
        kind: || InfoKind::Vrf,
    };

    fn check(&self) -> Result<()> {
        required(self.table.as_ref(), "vrf", "table", "the number of its routing table")
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        Ok(some([self.table.map(|table| InfoVrf::TableId(table.0))], InfoData::Vrf))
    }
}
