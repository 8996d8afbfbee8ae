//! The one route to the kernel: netlink from this process, one socket a namespace, opened once.
//!
//! [`Kernel`] holds the namespaces a lab has touched; [`Space`] is one of them with its sockets.
//! What a request means is not known here: `ops` builds the messages and reads the replies.

mod generic;
mod going;
pub mod nftables;
mod request;
mod watch;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;

use netlink_packet_netfilter::NetfilterMessage;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_wireguard::WireguardMessage;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Mistake, Problem, Result};
use crate::netns::{self, Identity, Netns, NsName};

pub use generic::Generic;
use going::Going;
pub use going::Witness;
pub use request::{Refusal, Socket};
pub use watch::LinkWatch;

/// The open files that are left for everything but the sockets of namespaces: programs, captures, servers.
const OTHER_FILES: u64 = 256;

/// The namespaces of a lab and the runtime that its sockets live on.
pub struct Kernel {
    spaces: RefCell<HashMap<NsName, Rc<Space>>>,
    going: RefCell<Going>,
    /// How many of them may be open at once.
    room: usize,
    /// Counts how often a namespace was wanted.
    turn: Cell<u64>,
    home: Netns,
    runtime: Rc<Runtime>,
    mark: Rc<OnceCell<String>>,
}

/// A namespace in use: its netlink sockets. They are all that holds it open.
pub struct Space {
    /// Its name in the lab.
    pub name: NsName,
    identity: Identity,
    /// Its rtnetlink socket: links, addresses, routes.
    route: Socket<RouteNetlinkMessage>,
    netfilter: OnceCell<Socket<NetfilterMessage>>,
    wireguard: OnceCell<Generic<WireguardMessage>>,
    /// When it was last wanted.
    turn: Cell<u64>,
    home: Netns,
    runtime: Rc<Runtime>,
    mark: Rc<OnceCell<String>>,
}

impl Kernel {
    /// Takes the namespace the process is in as the lab's `host`.
    pub fn new() -> Result<Kernel> {
        let start = || -> io::Result<Kernel> {
            let runtime = Rc::new(Builder::new_current_thread().enable_all().build()?);
            let home = Netns::current()?;
            let kernel = Kernel {
                spaces: RefCell::default(),
                going: RefCell::default(),
                room: room(getrlimit(Resource::RLIMIT_NOFILE)?.0),
                turn: Cell::new(0),
                home: home.clone(),
                runtime,
                mark: Rc::default(),
            };
            kernel.remember(NsName::host(), home.identity()?, Socket::open(NETLINK_ROUTE)?);
            Ok(kernel)
        };
        start().map_err(|e| Problem::system("starting the netlink backend", e))
    }

    /// Runs a future on the lab's runtime, to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Makes the runtime the current one, for what needs one without waiting.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    /// The namespace the process itself is in.
    pub fn home(&self) -> &Netns {
        &self.home
    }

    /// The namespace called `name`, opened on first use.
    pub fn space(&self, name: &NsName) -> Result<Rc<Space>> {
        self.see_off()?;
        self.open(name)
    }

    /// The same, without waiting until those that were given up before are gone.
    pub fn open(&self, name: &NsName) -> Result<Rc<Space>> {
        let known = self.spaces.borrow().get(name).cloned();
        if let Some(space) = known {
            if name.is_host() || netns::identity(name).is_ok_and(|named| named == space.identity) {
                space.turn.set(self.next_turn());
                return Ok(space);
            }
            // A program in the lab gave the name to another namespace.
            self.forget(name);
        }
        let netns = Netns::open(name).map_err(|e| no_such_netns(name, e))?;
        let opened = netns.within(&self.home, || Ok((netns.identity()?, Socket::open(NETLINK_ROUTE)?)));
        let (identity, route) = opened
            .and_then(|opened| opened)
            .map_err(|e| Problem::system(&format!("open netns {name}"), e))?;
        Ok(self.remember(name.clone(), identity, route))
    }

    /// From now on, what is made bears this mark: tables in their comment, the files of names in their text.
    pub fn mark(&self, mark: &str) {
        let _ = self.mark.set(mark.to_string());
    }

    /// The number that the kernel has for a namespace, and gives to no other before it boots again.
    pub fn cookie(&self, name: &NsName) -> Result<u64> {
        self.space(name)?
            .within(netns::own_cookie)?
            .map_err(|e| Problem::system(&format!("identify netns {name}"), e))
    }

    /// Makes a namespace. Its socket is opened while the process is inside; `known` is called there before it gets its
    /// name.
    pub fn add_netns(&self, name: &NsName, known: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mark = self.mark.get().map_or("", String::as_str);
        let (identity, route) = netns::add(name, &self.home, mark, || {
            known()?;
            Ok((netns::own_identity()?, Socket::open(NETLINK_ROUTE)?))
        })?;
        self.remember(name.clone(), identity, route);
        Ok(())
    }

    /// Closes what the lab holds of the namespace `name`, so that the kernel can free it.
    pub fn forget(&self, name: &NsName) {
        self.spaces.borrow_mut().remove(name);
    }

    fn remember(&self, name: NsName, identity: Identity, route: Socket<RouteNetlinkMessage>) -> Rc<Space> {
        self.make_room();
        let space = Rc::new(Space {
            name: name.clone(),
            identity,
            route,
            netfilter: OnceCell::new(),
            wireguard: OnceCell::new(),
            turn: Cell::new(self.next_turn()),
            home: self.home.clone(),
            runtime: self.runtime.clone(),
            mark: self.mark.clone(),
        });
        self.spaces.borrow_mut().insert(name, space.clone());
        space
    }

    /// Closes the sockets of the half that was not wanted for longest, where there are as many as there may be.
    /// A namespace stays as long as it has its name; it is opened again when it is wanted again.
    fn make_room(&self) {
        let mut spaces = self.spaces.borrow_mut();
        if spaces.len() < self.room {
            return;
        }
        let mut turns: Vec<u64> = spaces.values().map(|space| space.turn.get()).collect();
        let middle = turns.len() / 2;
        let (_, &mut oldest_kept, _) = turns.select_nth_unstable(middle);
        spaces.retain(|name, space| name.is_host() || space.turn.get() >= oldest_kept);
    }

    fn next_turn(&self) -> u64 {
        self.turn.set(self.turn.get() + 1);
        self.turn.get()
    }
}

/// How many namespaces may be open at once where so many files may: of most only the rtnetlink socket is, of some the
/// nfnetlink socket too.
fn room(files: u64) -> usize {
    let room = files.saturating_sub(OTHER_FILES).saturating_sub(files / 4);
    usize::try_from(room).unwrap_or(usize::MAX).max(16)
}

impl Space {
    /// What things that are made here bear.
    pub fn mark(&self) -> Option<&str> {
        self.mark.get().map(String::as_str)
    }

    /// The namespace itself, opened.
    pub fn netns(&self) -> Result<Netns> {
        Netns::of_socket(&self.route).map_err(|e| Problem::system(&format!("open netns {}", self.name), e))
    }

    /// Runs `inside` as a member of this namespace: what it opens there belongs to it.
    pub fn within<T>(&self, inside: impl FnOnce() -> T) -> Result<T> {
        self.netns()?
            .within(&self.home, inside)
            .map_err(|e| Problem::system(&format!("enter netns {}", self.name), e))
    }

    /// Its nfnetlink socket, opened on first use.
    pub fn netfilter(&self) -> Result<&Socket<NetfilterMessage>> {
        if let Some(socket) = self.netfilter.get() {
            return Ok(socket);
        }
        let socket = self
            .within(|| Socket::open(NETLINK_NETFILTER))?
            .map_err(|e| Problem::system("open a netfilter socket", e))?;
        Ok(self.netfilter.get_or_init(|| socket))
    }

    /// Its way to wireguard, opened on first use. ENOENT where the kernel has none.
    pub fn wireguard(&self) -> Result<&Generic<WireguardMessage>> {
        if let Some(wireguard) = self.wireguard.get() {
            return Ok(wireguard);
        }
        let opened = self.within(Generic::open)??;
        Ok(self.wireguard.get_or_init(|| opened))
    }

    /// The index of a device; ENODEV where there is none of that name. Unlike a request for the device this waits for
    /// nobody: a request takes the lock under which every link of the machine is changed.
    pub fn index(&self, dev: &str) -> Result<u32> {
        // SAFETY: all zeros is a request; the name fits with its zero, and the kernel fills in the index.
        unsafe {
            let mut request: libc::ifreq = std::mem::zeroed();
            let room = request.ifr_name.len() - 1;
            for (to, from) in request.ifr_name.iter_mut().zip(dev.bytes().take(room)) {
                *to = from.cast_signed();
            }
            let asked = libc::ioctl(self.route.as_fd().as_raw_fd(), libc::SIOCGIFINDEX, &raw mut request);
            Errno::result(asked).map_err(|errno| Problem::kernel(errno, ""))?;
            Ok(request.ifr_ifru.ifru_ifindex.cast_unsigned())
        }
    }

    /// Deletes devices, in one request. Those that the kernel keeps, and those that another takes along, are no error.
    pub fn delete_links(&self, indexes: Vec<u32>) -> Result<()> {
        going::delete_links(&self.route, indexes, None)
    }

    /// Sends one change and waits for the kernel's answer. `flags` are netlink's beside REQUEST and ACK.
    pub fn change(&self, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        self.give_way();
        self.route.change(message, flags)
    }

    /// Asks one question: the messages of the answer.
    pub fn ask(&self, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>> {
        self.give_way();
        self.route.ask(message)
    }

    /// Asks for a whole table, again if it changed while it was read.
    pub fn dump(&self, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>> {
        self.give_way();
        self.route.dump(message)
    }

    /// Lets the lab's servers and captures have a turn: a script of nothing but requests would starve them.
    fn give_way(&self) {
        let is_called_by_one = tokio::runtime::Handle::try_current().is_ok();
        if !is_called_by_one && self.runtime.metrics().num_alive_tasks() > 0 {
            self.runtime.block_on(tokio::task::yield_now());
        }
    }
}

fn no_such_netns(name: &NsName, error: io::Error) -> Box<Problem> {
    if error.kind() != io::ErrorKind::NotFound {
        return Problem::system(&format!("open netns {name}"), error);
    }
    let mut problem = Problem::kernel(Errno::ENOENT, "").known(Mistake::NoSuchNetns);
    problem.message = format!("there is no netns {name}");
    problem
}
