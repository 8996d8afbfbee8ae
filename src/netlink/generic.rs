//! Generic netlink: families of messages that the kernel numbers as it starts.

use std::fmt::Debug;

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use netlink_sys::protocols::NETLINK_GENERIC;
use nix::errno::Errno;

use super::Socket;
use crate::error::{Problem, Result};

/// A socket that speaks the messages of one family.
pub struct Generic<F> {
    socket: Socket<GenlMessage<F>>,
    family: u16,
}

impl<F> Generic<F>
where
    F: GenlFamily + Emitable + ParseableParametrized<[u8], GenlHeader> + Debug + Clone,
{
    /// Opens a socket in the namespace the thread is in, and asks for the family's number. ENOENT where the
    /// kernel has no such family.
    pub(super) fn open() -> Result<Generic<F>> {
        let failed = |e| Problem::system("open a generic netlink socket", e);
        let family = number(&Socket::open(NETLINK_GENERIC).map_err(failed)?, F::family_name())?;
        let socket = Socket::open(NETLINK_GENERIC).map_err(failed)?;
        Ok(Generic { socket, family })
    }

    /// One change, acknowledged.
    pub fn change(&self, message: F) -> Result<()> {
        self.socket.change(self.framed(message), 0)
    }

    /// A whole table.
    pub fn dump(&self, message: F) -> Result<Vec<F>> {
        let messages = self.socket.dump(self.framed(message))?;
        Ok(messages.into_iter().map(|message| message.into_parts().1).collect())
    }

    fn framed(&self, message: F) -> GenlMessage<F> {
        let mut framed = GenlMessage::from_payload(message);
        framed.set_resolved_family_id(self.family);
        framed
    }
}

/// The number of a family.
fn number(control: &Socket<GenlMessage<GenlCtrl>>, name: &str) -> Result<u16> {
    let question = GenlMessage::from_payload(GenlCtrl {
        cmd: GenlCtrlCmd::GetFamily,
        nlas: vec![GenlCtrlAttrs::FamilyName(name.to_string())],
    });
    let answer = control.ask(question)?;
    let mut attributes = answer.into_iter().flat_map(|message| message.into_parts().1.nlas);
    let number = attributes.find_map(|attribute| match attribute {
        GenlCtrlAttrs::FamilyId(number) => Some(number),
        _ => None,
    });
    number.ok_or_else(|| Problem::kernel(Errno::ENOENT, ""))
}
