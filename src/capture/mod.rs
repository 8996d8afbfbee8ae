//! Captures: what passes a device, counted and written to a file that tcpdump and Wireshark read.
//!
//! A packet socket in the namespace hears the packets, a [`Filter`] chooses among them, and a task writes them
//! down whenever the lab waits for anything. Whoever asks how many there are reads what has come since.

mod filter;
mod packet;
mod pcap;
mod socket;

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use crate::error::{Kind, Part, Problem, Result};
use crate::netns::NsName;

pub use filter::Filter;
pub use socket::{ANY, Tap};

/// Bytes kept of a packet, unless the caller says otherwise: tcpdump's own number.
pub const SNAPLEN: u32 = 262_144;

/// Packets that are read at once, before others get their turn.
const BATCH: usize = 256;
/// Packets that a question reads at most: more than a socket holds, and an end even in a flood.
const BACKLOG: usize = 65_536;

/// What to keep, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The file; without one the packets are only counted.
    pub file: Option<String>,
    /// Which packets; without one, all.
    pub filter: Option<Filter>,
    /// How many, and the capture ends.
    pub count: Option<u32>,
    /// Bytes kept of each.
    pub snaplen: Option<u32>,
}

/// The captures of a lab.
#[derive(Default)]
pub struct Captures {
    running: RefCell<Vec<Rc<Capture>>>,
}

impl Captures {
    /// Begins a capture on `tap`, which was opened in the namespace `netns`. Must be called within the lab's runtime.
    pub fn start(&self, netns: &NsName, tap: Tap, settings: Settings) -> Result<Rc<Capture>> {
        let capture = Rc::new(Capture::start(netns, tap, settings)?);
        let mut running = self.running.borrow_mut();
        running.retain(|capture| capture.task.borrow().is_some());
        running.push(capture.clone());
        Ok(capture)
    }

    /// Ends those in `netns` (as `netns::del` must: a socket keeps its namespace), or all of them. The problems are those of
    /// files that could not be written.
    pub async fn end(&self, netns: Option<&NsName>) -> Vec<Box<Problem>> {
        let all = self.running.take();
        let (ending, others) = all
            .into_iter()
            .partition(|capture| netns.is_none_or(|name| *name == capture.netns));
        self.running.replace(others);
        let ending: Vec<Rc<Capture>> = ending;
        let mut problems = Vec::new();
        for capture in ending {
            problems.extend(capture.stop().await.err());
        }
        problems
    }
}

/// One capture, going on or ended.
pub struct Capture {
    /// The namespace it is in.
    pub netns: NsName,
    /// The device it hears, or [`ANY`].
    pub device: String,
    /// The file it writes, as it was given; empty if it only counts.
    pub file: String,
    inner: Arc<Inner>,
    task: RefCell<Option<JoinHandle<()>>>,
}

struct Inner {
    state: Mutex<State>,
}

struct State {
    /// Closed with the capture: a socket keeps its namespace.
    tap: Option<Arc<Tap>>,
    filter: Option<Filter>,
    left: Option<u32>,
    snaplen: usize,
    packets: u64,
    dropped: u64,
    out: Option<pcap::Writer<BufWriter<File>>>,
    ended: bool,
    failed: Option<io::Error>,
}

/// A socket as the runtime watches it.
struct Watched(Arc<Tap>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Capture {
    fn start(netns: &NsName, tap: Tap, settings: Settings) -> Result<Capture> {
        let device = tap.device().to_string();
        let snaplen = settings.snaplen.unwrap_or(SNAPLEN);
        let out = settings
            .file
            .as_deref()
            .map(|file| {
                create(Path::new(file))
                    .and_then(|out| pcap::Writer::new(BufWriter::new(out), tap.link_type(), snaplen))
                    .map_err(|error| unwritten(file, error).at(Part::Key("file".into())))
            })
            .transpose()?;
        let tap = Arc::new(tap);
        let inner = Arc::new(Inner {
            state: Mutex::new(State {
                tap: Some(tap.clone()),
                filter: settings.filter,
                left: settings.count,
                snaplen: snaplen as usize,
                packets: 0,
                dropped: 0,
                out,
                ended: false,
                failed: None,
            }),
        });
        let failed = |e| Problem::system(&format!("capture on {device} in {netns}"), e);
        // SAFETY: the descriptor is closed with the tap, which the registration holds.
        let watched = unsafe { AsyncFd::register_with_interest(Watched(tap), Interest::READABLE) }.map_err(failed)?;
        let reader = inner.clone();
        let task = tokio::spawn(async move {
            while let Ok(mut ready) = watched.readable().await {
                match reader.read(BATCH) {
                    Next::Empty => ready.clear_ready(),
                    Next::More => tokio::task::yield_now().await,
                    Next::Ended => break,
                }
            }
        });
        Ok(Capture {
            netns: netns.clone(),
            device,
            file: settings.file.unwrap_or_default(),
            inner,
            task: RefCell::new(Some(task)),
        })
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        self.inner.read(BACKLOG);
        self.inner.state().packets
    }

    /// Packets that were lost, because they came faster than they could be written.
    pub fn dropped(&self) -> u64 {
        self.inner.read(BACKLOG);
        self.inner.state().dropped
    }

    /// Whether it goes on: it has been neither stopped nor has it reached its count.
    pub fn alive(&self) -> bool {
        self.inner.read(BACKLOG);
        !self.inner.state().ended
    }

    /// Writes down what has come, and ends. The file is complete when this returns; the error is that of a file that
    /// could not be written, told once.
    pub async fn stop(&self) -> Result<()> {
        self.inner.read(BACKLOG);
        // Taken out, so that no borrow is held across the await.
        let task = self.task.take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
        let mut state = self.inner.state();
        state.ended = true;
        state.tap = None;
        match state.failed.take() {
            Some(error) => Err(unwritten(&self.file, error)),
            None => Ok(()),
        }
    }
}

/// What a turn of reading left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing is there now.
    Empty,
    /// There may be more.
    More,
    /// Nothing will come any more.
    Ended,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is there, `most` packets of it.
    fn read(&self, most: usize) -> Next {
        let mut state = self.state();
        let Some(tap) = state.tap.clone() else {
            return Next::Ended;
        };
        let next = state.read(&tap, most);
        if let Err(error) = state.out.as_mut().map_or(Ok(()), pcap::Writer::flush) {
            state.fail(error);
        }
        if !state.ended {
            state.dropped += tap.dropped();
        }
        next
    }
}

impl State {
    fn read(&mut self, tap: &Tap, most: usize) -> Next {
        for _ in 0..most {
            if self.ended {
                return Next::Ended;
            }
            let heard = tap.hear(self.snaplen, |packet| self.take(packet));
            match heard {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Empty,
                Err(error) if is_passing(&error) => {}
                Err(error) => self.fail(error),
            }
        }
        Next::More
    }

    fn take(&mut self, packet: &packet::Packet) {
        if self.filter.as_ref().is_some_and(|filter| !filter.passes(packet)) {
            return;
        }
        if let Some(Err(error)) = self.out.as_mut().map(|out| out.write(packet, self.snaplen)) {
            return self.fail(error);
        }
        self.packets += 1;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            self.ended |= *left == 0;
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.ended = true;
        // What could not be written once is not tried again.
        self.out = None;
        self.failed.get_or_insert(error);
    }
}

/// Whether a socket's error is one that a later packet may follow: the device went down, or away.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENETDOWN | libc::ENXIO | libc::ENODEV | libc::EINTR | libc::ENOBUFS)
    )
}

/// A plain file, new or emptied. Neither a device nor a pipe: what is written there would go elsewhere.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    file.set_len(0)?;
    Ok(file)
}

fn unwritten(file: &str, error: io::Error) -> Box<Problem> {
    let mut problem = Problem::system(&format!("capture: cannot write {file:?}"), error);
    problem.kind = Kind::Command;
    problem
}
