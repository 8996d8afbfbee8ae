//! The keys of `link add` that `link set` does not have: a device has its queues from birth.

use netlink_packet_route::link::LinkAttribute;

use super::kind::Kind;
use crate::error::{Part, Problem, Result};
use crate::ops::Options;
use crate::options;

options! {
    /// In how many queues a device sends and receives.
    pub struct Queues {
        /// in how many queues it sends; 1 where `type` is veth
        numtxqueues: u32,
        /// in how many queues it receives; 1 where `type` is veth
        numrxqueues: u32,
    }
}

impl Queues {
    /// Refuses them of a device that cannot be told.
    pub(super) fn check(&self, kind: &Kind) -> Result<()> {
        let given = [("numtxqueues", self.numtxqueues), ("numrxqueues", self.numrxqueues)];
        match given.into_iter().find(|(_, count)| count.is_some()) {
            Some((key, _)) if kind.maker().is_some() => {
                let message = format!("a device of type {} has one queue each way", kind.about().name);
                Err(Problem::argument(message).at(Part::Key(key.into())))
            }
            _ => Ok(()),
        }
    }

    /// Says so where a key that `link set` does not know is one of these.
    pub(super) fn from_birth(problem: Box<Problem>) -> Box<Problem> {
        match &problem.part {
            Part::Key(key) if Queues::KEYS.iter().any(|own| own.name == key) => {
                let cause = format!("a device has its queues from birth: `{key}` is a key of `link add`");
                problem.because(cause)
            }
            _ => problem,
        }
    }

    /// One each way where nothing is said of them.
    #[must_use]
    pub(super) fn or_one(&self) -> Queues {
        Queues {
            numtxqueues: self.numtxqueues.or(Some(1)),
            numrxqueues: self.numrxqueues.or(Some(1)),
        }
    }

    /// Them as attributes of the message that makes the device, or the other end of a pair.
    pub(super) fn attributes(&self) -> impl Iterator<Item = LinkAttribute> {
        let sends = self.numtxqueues.map(LinkAttribute::NumTxQueues);
        sends
            .into_iter()
            .chain(self.numrxqueues.map(LinkAttribute::NumRxQueues))
    }
}
