//! What operations act on, and what they answer.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::fact::Shape;
use super::history::History;
use super::link::{Readiness, readiness};
use super::netns;
use super::ownership::Owner;
use super::reach::Tries;
use super::route;
use super::types::IfName;
use crate::capture::{Capture, Captures};
use crate::error::{Mistake, Result};
use crate::netlink::{Kernel, Space};
use crate::netns::NsName;
use crate::process::{Interrupt, Process, Processes};
use crate::serve::Servers;

/// A lab's world: its route to the kernel, and the programs and servers it runs.
pub struct World {
    /// The namespaces and their sockets.
    pub kernel: Kernel,
    /// The programs that were started in the lab.
    pub processes: Processes,
    /// The servers that nsx itself runs in the lab.
    pub servers: Servers,
    /// The captures that go on.
    pub captures: Captures,
    /// Ctrl-C and its kin.
    pub interrupt: Interrupt,
    /// Who owns what the lab makes, where it makes it on the machine's own network.
    pub owner: Option<Owner>,
    /// What was done, and by which line.
    pub history: History,
    /// What was tried and had no answer.
    pub tries: Tries,
    /// What was brought up or given and has not been seen to work yet.
    coming: RefCell<Vec<(NsName, Coming)>>,
}

/// What the kernel goes on with by itself when it has said yes.
#[derive(Debug)]
pub(super) enum Coming {
    /// A device that was brought up: its queue is started later.
    Device(IfName),
    /// An IPv6 address of a device that nobody is asked about: it is the machine's own later.
    Address(IfName, IpAddr),
}

/// How long what is coming may take, and how often it is looked at.
const RISE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_micros(200);

impl World {
    /// The world whose `host` is the namespace the process is in. Takes over SIGINT, SIGTERM and SIGHUP.
    pub fn new() -> Result<World> {
        let kernel = Kernel::new()?;
        let interrupt = Interrupt::catch()?;
        Ok(World {
            kernel,
            processes: Processes::default(),
            servers: Servers::default(),
            captures: Captures::default(),
            interrupt,
            owner: None,
            history: History::default(),
            tries: Tries::default(),
            coming: RefCell::default(),
        })
    }

    /// The same on the machine's own network, where what is made has an owner.
    pub fn owned(owner: Owner) -> Result<World> {
        let world = World::new()?;
        world.kernel.mark(&owner.mark().text);
        Ok(World {
            owner: Some(owner),
            ..world
        })
    }

    /// Ends what runs in the lab: programs, servers, captures.
    pub fn end_processes(&self) {
        self.kernel.block_on(self.processes.end(None));
        for problem in self.kernel.block_on(self.captures.end(None)) {
            drop(problem);
        }
    }

    /// Waits for something on behalf of a script, unless a signal comes before. What was deleted goes first: it could be what
    /// the script waits for.
    pub fn wait<T>(&self, what: impl Future<Output = T>) -> Result<T> {
        self.kernel.see_off()?;
        self.kernel.block_on(self.interrupt.or(what))
    }

    /// The namespace called `name`, opened on first use.
    pub fn space(&self, name: &NsName) -> Result<Rc<Space>> {
        self.found(name, self.kernel.space(name))
    }

    /// The namespace called `name`, which is about to go with those that were deleted just before.
    pub(super) fn parting(&self, name: &NsName) -> Result<Rc<Space>> {
        self.found(name, self.kernel.open(name))
    }

    fn found(&self, name: &NsName, space: Result<Rc<Space>>) -> Result<Rc<Space>> {
        space.map_err(|problem| match problem.mistake {
            Some(Mistake::NoSuchNetns) => netns::missing(self, name, problem),
            _ => problem,
        })
    }

    /// Notes what the kernel goes on with by itself.
    pub(super) fn comes(&self, netns: &NsName, coming: Coming) {
        self.coming.borrow_mut().push((netns.clone(), coming));
    }

    /// Waits until what is coming is there. The kernel starts a device's queue some time after `up`, and drops what is sent
    /// before; what comes for a new IPv6 address it sends back. Who types is too slow to see that, a script is not. A device
    /// without a carrier (its other end is still down) is looked at again the next time, and so are its addresses.
    pub fn settle(&self) {
        let end = Instant::now() + RISE;
        let mut coming = self.coming.take();
        coming.retain(|(netns, what)| {
            loop {
                match self.readiness(netns, what) {
                    Readiness::Waiting => return true,
                    // A pause shorter than the runtime's timers can make.
                    Readiness::Rising if Instant::now() < end => std::thread::sleep(LOOK),
                    Readiness::Rising | Readiness::Running | Readiness::Gone => return false,
                }
            }
        });
        self.coming.borrow_mut().append(&mut coming);
    }

    fn readiness(&self, netns: &NsName, what: &Coming) -> Readiness {
        match what {
            Coming::Device(dev) => readiness(self, netns, dev),
            Coming::Address(dev, address) => match readiness(self, netns, dev) {
                Readiness::Running if !route::is_own(self, netns, *address) => Readiness::Rising,
                device => device,
            },
        }
    }
}

/// What a verb answers.
#[derive(Clone)]
pub enum Answer {
    /// Nothing.
    None,
    /// Text.
    Text(String),
    /// Several names.
    Names(Vec<String>),
    /// A map; the shape says how it prints.
    One(Shape, Json),
    /// An array of maps.
    Many(Shape, Vec<Json>),
    /// A namespace's handle.
    Netns(NsName),
    /// A program in the background.
    Process(Rc<Process>),
    /// A capture that goes on.
    Capture(Rc<Capture>),
}
