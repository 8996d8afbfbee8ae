//! News from the lab: a device that went up or down, a program that ended, while nobody asked for it.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::diagnostics::escaped_line;
use crate::netlink::LinkWatch;
use crate::netns::{self, NsName};
use crate::ops::World;
use crate::ops::names::links;
use crate::process::{Process, end_of};

/// How long after an input its own doings go on: the kernel tells of a carrier up to a second late.
const ECHO: Duration = Duration::from_millis(1200);

/// Something that happened.
enum Happened {
    /// A device changed.
    Link(NsName, LinkMessage),
    /// A device is gone.
    Gone(NsName, LinkMessage),
    /// A program ended.
    Ended(u32),
}

/// Whether a device runs, and what it is called.
type Devices = HashMap<u32, (String, bool)>;

/// What is watched.
pub struct Events {
    tell: UnboundedSender<Happened>,
    told: UnboundedReceiver<Happened>,
    namespaces: HashMap<NsName, (JoinHandle<()>, Devices)>,
    programs: HashMap<u32, (JoinHandle<()>, Rc<Process>)>,
    /// Until then, what devices do is what the last input did.
    echo_until: Instant,
}

impl Events {
    /// Nothing is watched yet.
    pub fn new() -> Events {
        let (tell, told) = unbounded_channel();
        Events {
            tell,
            told,
            namespaces: HashMap::new(),
            programs: HashMap::new(),
            echo_until: Instant::now(),
        }
    }

    /// An input is over; `acted` if it may have changed the network. Takes over what there is now.
    pub fn caught_up(&mut self, world: &World, acted: bool) {
        self.watch_programs(world);
        if acted {
            self.echo_until = Instant::now() + ECHO;
        }
        if acted || self.namespaces.is_empty() {
            self.watch_namespaces(world);
        }
    }

    fn watch_namespaces(&mut self, world: &World) {
        let mut there = netns::list().unwrap_or_default();
        there.push(NsName::host());
        self.namespaces.retain(|name, (task, _)| {
            let is_there = there.contains(name);
            if !is_there {
                task.abort();
            }
            is_there
        });
        for name in there {
            let Ok(space) = world.kernel.space(&name) else { continue };
            let Ok(messages) = links(&space) else { continue };
            let devices = messages
                .iter()
                .map(|message| (message.header.index, state(message)))
                .collect();
            match self.namespaces.get_mut(&name) {
                Some((_, known)) => *known = devices,
                None => {
                    let Ok(watch) = LinkWatch::open(&space) else { continue };
                    let _entered = world.kernel.enter();
                    let task = tokio::spawn(listen(name.clone(), watch, self.tell.clone()));
                    self.namespaces.insert(name, (task, devices));
                }
            }
        }
    }

    fn watch_programs(&mut self, world: &World) {
        let _entered = world.kernel.enter();
        for process in world.processes.all() {
            if self.programs.contains_key(&process.pid) || !process.alive() {
                continue;
            }
            let Ok(end) = end_of(process.pid) else { continue };
            let (pid, tell) = (process.pid, self.tell.clone());
            let task = tokio::spawn(async move {
                end.await;
                let _ = tell.send(Happened::Ended(pid));
            });
            self.programs.insert(process.pid, (task, process));
        }
    }

    /// Stops to watch a namespace that is about to go: what listens there would keep it alive.
    pub fn forget(&mut self) {
        self.namespaces.drain().for_each(|(_, (task, _))| task.abort());
    }

    /// Waits for news.
    pub async fn news(&mut self) -> String {
        loop {
            let Some(happened) = self.told.recv().await else {
                std::future::pending::<()>().await;
                continue;
            };
            if let Some(news) = self.take(happened) {
                return news;
            }
        }
    }

    fn take(&mut self, happened: Happened) -> Option<String> {
        let is_echo = Instant::now() < self.echo_until;
        match happened {
            Happened::Link(netns, message) => {
                let (_, devices) = self.namespaces.get_mut(&netns)?;
                let (name, runs) = state(&message);
                let before = devices.insert(message.header.index, (name.clone(), runs));
                let is_news = before.is_some_and(|(_, before)| before != runs) && !is_echo;
                let now = if runs { "up" } else { "down" };
                is_news.then(|| format!("link {} in {netns} went {now}", escaped_line(&name)))
            }
            Happened::Gone(netns, message) => {
                let (_, devices) = self.namespaces.get_mut(&netns)?;
                let (name, _) = devices.remove(&message.header.index)?;
                (!is_echo).then(|| format!("link {} in {netns} is gone", escaped_line(&name)))
            }
            Happened::Ended(pid) => {
                let (_, process) = self.programs.remove(&pid)?;
                if process.is_heeded() {
                    return None;
                }
                let status = process.status().unwrap_or_default();
                let line = escaped_line(&process.line).into_owned();
                Some(format!(
                    "process {pid} in {} ended with status {status}: {line}",
                    process.netns
                ))
            }
        }
    }
}

/// The name of a device, and whether it runs.
fn state(message: &LinkMessage) -> (String, bool) {
    let name = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    });
    let flags = message.header.flags;
    let runs = flags.contains(LinkFlags::Up) && flags.contains(LinkFlags::LowerUp);
    (name.unwrap_or_default(), runs)
}

async fn listen(netns: NsName, mut watch: LinkWatch, tell: UnboundedSender<Happened>) {
    loop {
        let Ok(messages) = watch.next().await else {
            // Some were lost; the next input finds out what there is.
            continue;
        };
        for message in messages {
            let happened = match message {
                RouteNetlinkMessage::NewLink(link) => Happened::Link(netns.clone(), link),
                RouteNetlinkMessage::DelLink(link) => Happened::Gone(netns.clone(), link),
                _ => continue,
            };
            if tell.send(happened).is_err() {
                return;
            }
        }
    }
}
