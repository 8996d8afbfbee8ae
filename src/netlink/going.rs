//! Namespaces that go. The kernel frees a namespace some time after nobody uses it any more, and many of them together in
//! little more time than one.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

use super::{Kernel, Socket, Space};
use crate::error::{Problem, Result};
use crate::netns::{self, Netns};

/// How often it is looked whether the kernel is done.
const LOOK: Duration = Duration::from_millis(1);

/// How long none of the namespaces goes before it is asked whether somebody still uses those that are left.
const STILL: Duration = Duration::from_millis(500);

/// How long the kernel may take to free what it has begun with.
const PATIENCE: Duration = Duration::from_secs(60);

/// The group that devices are put into to be deleted at once.
pub const DOOMED: u32 = u32::from_be_bytes(*b"gone");

/// What was given up, and what the kernel has not been asked to take down, or been waited for, yet.
#[derive(Default)]
pub(super) enum Going {
    /// Nothing.
    #[default]
    None,
    /// One namespace, still held open.
    Alone(Rc<Space>),
    /// Those that this one watches.
    Many(Witness),
}

/// A namespace of nobody's, in which others have numbers until the kernel frees them.
pub struct Witness {
    route: Socket<RouteNetlinkMessage>,
    home: Netns,
}

impl Witness {
    /// A new one. The process is in the namespace `home`, and afterwards too.
    pub fn new(home: &Netns) -> io::Result<Witness> {
        Ok(Witness {
            route: netns::nameless(home, || Socket::open(NETLINK_ROUTE))?,
            home: home.clone(),
        })
    }

    /// Gives a namespace a number. Whoever has it open keeps it.
    pub fn watch(&self, netns: &impl AsFd) -> Result<()> {
        const ANY: i32 = -1;
        let mut message = NsidMessage::default();
        let file = netns.as_fd().as_raw_fd().cast_unsigned();
        message.attributes = vec![NsidAttribute::Id(ANY), NsidAttribute::Fd(file)];
        match self.route.change(RouteNetlinkMessage::NewNsId(message), 0) {
            // It has one.
            Err(problem) if problem.errno == Some(Errno::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// Waits until the kernel has freed all of them. Those that somebody still uses stay until that ends: how many.
    pub fn wait(&self) -> Result<usize> {
        let used = self.used()?.len();
        self.see_the_last()?;
        Ok(used)
    }

    /// Waits until the kernel has freed all of them. Those that somebody still uses lose their devices.
    fn bury(&self) -> Result<()> {
        for id in self.used()? {
            match delete_devices(&self.route, Some(id)) {
                Err(_) if !self.is_used(id) => {}
                other => other?,
            }
        }
        self.see_the_last()
    }

    /// The kernel has begun with all that are to go: that took their numbers. It frees what it has begun with before it begins
    /// again, so it is done when it begins with one that is given up only now.
    fn see_the_last(&self) -> Result<()> {
        let (begin, staying) = (Instant::now(), self.numbers()?.len());
        let last = loop {
            match netns::nameless(&self.home, Netns::current) {
                // Those that it is about to free count still.
                Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && begin.elapsed() < PATIENCE => sleep(LOOK),
                other => break other.map_err(|e| Problem::system("make a network namespace", e))?,
            }
        };
        self.watch(&last)?;
        drop(last);
        while self.numbers()?.len() > staying {
            if begin.elapsed() > PATIENCE {
                let message = format!("deleted namespaces are not freed after {} s", PATIENCE.as_secs());
                return Err(Problem::kernel(Errno::ETIMEDOUT, message));
            }
            sleep(LOOK);
        }
        Ok(())
    }

    /// The numbers of those that somebody still uses, once all others have lost theirs.
    fn used(&self) -> Result<Vec<i32>> {
        let begin = Instant::now();
        let (mut left, mut since) = (self.numbers()?, begin);
        while !left.is_empty() && begin.elapsed() < PATIENCE {
            if since.elapsed() > STILL {
                if left.iter().all(|id| self.is_used(*id)) {
                    break;
                }
                since = Instant::now();
            }
            sleep(LOOK);
            let now = self.numbers()?;
            if now.len() < left.len() {
                (left, since) = (now, Instant::now());
            }
        }
        Ok(left)
    }

    /// Whether somebody is known to use the namespace with a number. Of one that it is about to free the kernel tells nothing.
    fn is_used(&self, id: i32) -> bool {
        const LO: u32 = 1;
        let mut message = LinkMessage::default();
        message.header.index = LO;
        message.attributes.push(LinkAttribute::IfNetnsId(id));
        self.route.ask(RouteNetlinkMessage::GetLink(message)).is_ok()
    }

    fn numbers(&self) -> Result<Vec<i32>> {
        let number = |message| match message {
            RouteNetlinkMessage::NewNsId(message) => {
                message.attributes.into_iter().find_map(|attribute| match attribute {
                    NsidAttribute::Id(id) => Some(id),
                    _ => None,
                })
            }
            _ => None,
        };
        let answer = self.route.dump(RouteNetlinkMessage::GetNsId(NsidMessage::default()))?;
        Ok(answer.into_iter().filter_map(number).collect())
    }
}

impl Kernel {
    /// Gives up a namespace, whose name is gone already. Its devices and their peers are gone before anything else is
    /// asked of the kernel, so that namespaces that are deleted one after the other go together.
    pub fn give_up(&self, space: Rc<Space>) -> Result<()> {
        self.forget(&space.name);
        let mut going = self.going.borrow_mut();
        let (alone, witness) = match mem::take(&mut *going) {
            Going::None => {
                *going = Going::Alone(space);
                return Ok(());
            }
            Going::Alone(alone) => (Some(alone), Witness::new(&self.home)),
            Going::Many(witness) => (None, Ok(witness)),
        };
        let all = alone.into_iter().chain([space]);
        match witness {
            // It takes no open file for each.
            Ok(witness) => {
                for space in all {
                    witness.watch(&space.netns()?)?;
                }
                *going = Going::Many(witness);
            }
            // There is no room for one more.
            Err(_) => {
                for space in all {
                    delete_devices(&space.route, None)?;
                }
            }
        }
        Ok(())
    }

    /// Has the kernel take down what was given up. When it returns, its devices and their peers are gone.
    pub fn see_off(&self) -> Result<()> {
        match self.going.take() {
            Going::None => Ok(()),
            // One alone costs less so.
            Going::Alone(space) => delete_devices(&space.route, None),
            Going::Many(witness) => witness.bury(),
        }
    }

    /// The same; when it returns, the kernel has freed what nobody else uses. What somebody does has lost its devices.
    pub fn until_freed(&self) -> Result<()> {
        let going = self.going.take();
        if let Going::Alone(space) = &going
            && let Ok(witness) = Witness::new(&self.home)
        {
            witness.watch(&space.netns()?)?;
            drop(going);
            return witness.bury();
        }
        self.going.replace(going);
        self.see_off()
    }
}

/// Deletes the devices of a namespace, but for those that the kernel keeps in each: of the socket's own, or of that which
/// has a number there.
fn delete_devices(route: &Socket<RouteNetlinkMessage>, number: Option<i32>) -> Result<()> {
    let there = number.map(LinkAttribute::IfNetnsId);
    let mut request = LinkMessage::default();
    request
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    request.attributes.extend(there.clone());
    let is_virtual = |link: &LinkMessage| link.attributes.iter().any(|a| matches!(a, LinkAttribute::LinkInfo(_)));
    let index = |message| match message {
        RouteNetlinkMessage::NewLink(link) if is_virtual(&link) => Some(link.header.index),
        _ => None,
    };
    let links = route.dump(RouteNetlinkMessage::GetLink(request))?;
    delete_links(route, links.into_iter().filter_map(index).collect(), there)
}

/// Deletes devices, in one request: the kernel waits for all processors once, not for each device. Those that it keeps,
/// and those that another takes along, are no error.
pub(super) fn delete_links(
    route: &Socket<RouteNetlinkMessage>,
    indexes: Vec<u32>,
    there: Option<LinkAttribute>,
) -> Result<()> {
    let gone = |problem: &Problem| matches!(problem.errno, Some(Errno::ENODEV | Errno::EOPNOTSUPP));
    let send = |message: LinkMessage, request: fn(LinkMessage) -> RouteNetlinkMessage| match route
        .change(request(message), 0)
    {
        Err(problem) if !gone(&problem) => Err(problem),
        _ => Ok(()),
    };
    let message = |index: u32, attribute: Option<LinkAttribute>| {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.attributes.extend(there.clone());
        message.attributes.extend(attribute);
        message
    };
    let doomed = || Some(LinkAttribute::Group(DOOMED));
    if indexes.len() > 1 {
        for index in &indexes {
            send(message(*index, doomed()), RouteNetlinkMessage::SetLink)?;
        }
        match route.change(RouteNetlinkMessage::DelLink(message(0, doomed())), 0) {
            Ok(()) => return Ok(()),
            Err(problem) if gone(&problem) => {}
            Err(problem) => return Err(problem),
        }
    }
    // One of them cannot be deleted, or there is one only.
    indexes
        .iter()
        .try_for_each(|index| send(message(*index, None), RouteNetlinkMessage::DelLink))
}
