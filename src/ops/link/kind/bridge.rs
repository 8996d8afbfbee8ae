//! `type bridge`: a switch in software.

use netlink_packet_route::link::{BridgeStpState, InfoBridge, InfoData, InfoKind};

use super::value::Switch;
use super::{About, At, Device, some};
use crate::error::Result;
use crate::options;

options! {
    /// The keys of a bridge.
    pub struct Bridge {
        /// whether it tells VLANs apart
        vlan_filtering: Switch,
        /// whether it runs the spanning tree protocol
        stp_state: Switch,
        /// whether it learns who wants which multicast group
        mcast_snooping: Switch,
        /// how long a learnt address is kept, in hundredths of a second
        ageing_time: u32,
        /// how long a port listens and learns before it forwards, in hundredths of a second; with stp_state
        forward_delay: u32,
    }
}

impl Device for Bridge {
    const ABOUT: About = About {
        name: "bridge",
        config: "CONFIG_BRIDGE",
        module: "bridge",
        kind: || InfoKind::Bridge,
    };

    fn wants(&self) -> Option<(&'static str, &'static str)> {
        let filters = self.vlan_filtering == Some(Switch(true));
        filters.then_some(("vlan_filtering", "CONFIG_BRIDGE_VLAN_FILTERING"))
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let switch = |switch: Option<Switch>, of: fn(bool) -> InfoBridge| switch.map(|switch| of(switch.0));
        let state = |on| {
            InfoBridge::StpState(match on {
                true => BridgeStpState::KernelStp,
                false => BridgeStpState::Disabled,
            })
        };
        let attributes = [
            switch(self.vlan_filtering, InfoBridge::VlanFiltering),
            switch(self.stp_state, state),
            switch(self.mcast_snooping, InfoBridge::MulticastSnooping),
            self.ageing_time.map(InfoBridge::AgeingTime),
            self.forward_delay.map(InfoBridge::ForwardDelay),
        ];
        Ok(some(attributes, InfoData::Bridge))
    }
}
