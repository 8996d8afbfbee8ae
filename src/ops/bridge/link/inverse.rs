//! What undoes a change of a bridge's port.

use super::{Change, Links, Port, PortFact, device, dump};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::options;
use crate::ops::types::Flag;
use crate::ops::{self, Inverse, Options, World};

/// The settings that are given, as they were.
pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let Change::Set { dev, port } = change;
    let index = device::index(world, netns, dev)?;
    let space = world.kernel.space(netns)?;
    let links = Links::read(&space)?;
    let ports = dump(&space, Vec::new())?;
    let Some(message) = ports.iter().find(|message| message.header.index == index) else {
        return Ok(Inverse::By(Vec::new()));
    };
    let mut facts = ops::fact::json(&PortFact::new(message, &links));
    let given = ops::fact::json(port);
    let given = |key: &str| given.get(key).is_some() || (key == "backup_port" && port.nobackup_port.is_some());
    if let Some(map) = facts.as_object_mut() {
        map.retain(|key, _| Port::KEYS.iter().any(|known| known.name == key) && given(key) && key != "master");
    }
    let Some(mut old) = options::<Port>(facts) else {
        return Ok(Inverse::Cannot(format!("the port {dev} has what nsx cannot say")));
    };
    if port.backup_port.is_some() && old.backup_port.is_none() {
        old.nobackup_port = Some(Flag(true));
    }
    (old.own, old.master) = (port.own, port.master);
    Ok(Inverse::changes(
        netns,
        [Change::Set {
            dev: dev.clone(),
            port: old,
        }],
    ))
}
