//! Network namespaces: create, name, enter, remove. Together with `sandbox`, the only place that calls
//! unshare, setns or mount.
//!
//! A namespace has a name exactly as `ip netns` gives it one: a file in [`DIR`] with the namespace bound
//! on it. So `ip netns list` and `ip netns exec`, run inside a lab, find what nsx made, and the other
//! way round.

mod name;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};
use nix::unistd::linkat;

pub use name::{NsName, is_name};

/// Where named namespaces live, as for `ip netns`.
pub const DIR: &str = "/run/netns";

/// The namespace of the calling thread, in `/proc`.
const OWN: &str = "/proc/thread-self/ns/net";

/// The option of a socket that tells its namespace's cookie.
const SO_NETNS_COOKIE: libc::c_int = 71;
/// Which namespace one is. No other has the same while somebody holds it open: a process, a socket, a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(file: &Metadata) -> Identity {
        Identity {
            device: file.dev(),
            inode: file.ino(),
        }
    }
}

/// Which namespace `name` names.
pub fn identity(name: &NsName) -> io::Result<Identity> {
    fs::metadata(path(name)).map(|file| Identity::of(&file))
}

/// An open network namespace. Clones share one file descriptor.
#[derive(Clone, Debug)]
pub struct Netns(Arc<File>);

impl Netns {
    /// The namespace the calling thread is in.
    pub fn current() -> io::Result<Netns> {
        Ok(Netns(Arc::new(File::open(OWN)?)))
    }

    /// The named namespace `name`.
    pub fn open(name: &NsName) -> io::Result<Netns> {
        Ok(Netns(Arc::new(File::open(path(name))?)))
    }

    /// The namespace that a process is in, and at most so many of those that it has names for.
    pub fn of_process(pid: i32, most: usize) -> io::Result<Vec<Netns>> {
        let open = |path: PathBuf| File::open(path).map(|file| Netns(Arc::new(file)));
        let mut all = vec![open(format!("/proc/{pid}/ns/net").into())?];
        let names = match fs::read_dir(format!("/proc/{pid}/root{DIR}")) {
            Ok(names) => names,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(all),
            Err(e) => return Err(e),
        };
        // One that is deleted meanwhile is none of them.
        all.extend(names.take(most).filter_map(|name| open(name.ok()?.path()).ok()));
        Ok(all)
    }

    /// The namespace that a socket belongs to.
    pub fn of_socket(socket: &impl AsFd) -> io::Result<Netns> {
        const SIOCGSKNS: libc::Ioctl = 0x894c;
        // SAFETY: the request takes no argument and returns a descriptor that is ours.
        let opened = unsafe {
            let opened = libc::ioctl(socket.as_fd().as_raw_fd(), SIOCGSKNS);
            Errno::result(opened).map(|fd| OwnedFd::from_raw_fd(fd))?
        };
        Ok(Netns(Arc::new(opened.into())))
    }

    /// Which namespace this is.
    pub fn identity(&self) -> io::Result<Identity> {
        self.0.metadata().map(|file| Identity::of(&file))
    }

    /// Makes the calling thread a member of this namespace until it enters another.
    /// Async-signal-safe: a child may call it between fork and exec.
    pub fn enter(&self) -> io::Result<()> {
        Ok(setns(self.0.as_fd(), CloneFlags::CLONE_NEWNET)?)
    }

    /// Runs `inside` as a member of this namespace and returns to `home`. What it opens there (sockets)
    /// stays there. Costs about 7 µs.
    pub fn within<T>(&self, home: &Netns, inside: impl FnOnce() -> T) -> io::Result<T> {
        self.enter()?;
        let result = inside();
        return_to(home);
        Ok(result)
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Leaves whatever namespace the thread is in for `home`. To stay would make every later operation act
/// on the wrong namespace, so a failure (it has no known cause) ends the process.
fn return_to(home: &Netns) {
    home.enter()
        .expect("a thread can return to the network namespace it came from");
}

fn path(name: &NsName) -> PathBuf {
    PathBuf::from(DIR).join(name.as_str())
}

/// Makes a namespace and gives it `name`; `inside` runs as its first member before that (opening a socket there
/// saves entering it again). The file of the name has `mark` as its text from the moment it is there. Nothing is left behind
/// when it fails.
///
/// Equivalent: `ip netns add NAME`.
pub fn add<T>(name: &NsName, home: &Netns, mark: &str, inside: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let path = path(name);
    if path.symlink_metadata().is_ok() {
        return Err(Errno::EEXIST.into());
    }
    nameless(home, || {
        let value = inside()?;
        place(&path, mark)?;
        match mount(Some(OWN), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>) {
            Ok(()) => Ok(value),
            Err(errno) => {
                let _ = remove(name);
                Err(errno.into())
            }
        }
    })
}

/// Makes a namespace without a name; `inside` runs as its first member. It goes when nothing uses it any more: what
/// `inside` returns may.
pub fn nameless<T>(home: &Netns, inside: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let made = inside();
    return_to(home);
    made
}

/// Makes a file with a text, and on first need its folder: it appears with all of its text, or not at all.
fn place(path: &Path, text: &str) -> io::Result<()> {
    match place_in_folder(path, text) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(DIR)?;
            place_in_folder(path, text)
        }
        other => other,
    }
}

fn place_in_folder(path: &Path, text: &str) -> io::Result<()> {
    let mut new = OpenOptions::new();
    new.write(true).mode(0o444);
    if text.is_empty() {
        return new.create_new(true).open(path).map(drop);
    }
    let mut file = new.custom_flags(libc::O_TMPFILE).open(DIR)?;
    file.write_all(text.as_bytes())?;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(
        AT_FDCWD,
        open.as_str(),
        AT_FDCWD,
        path,
        AtFlags::AT_SYMLINK_FOLLOW,
    )?)
}

/// Which namespace the thread is in.
pub fn own_identity() -> io::Result<Identity> {
    fs::metadata(OWN).map(|file| Identity::of(&file))
}

/// The cookie of the namespace that the thread is in.
pub fn own_cookie() -> io::Result<u64> {
    let socket = UnixDatagram::unbound()?;
    let (mut cookie, mut length) = (0u64, size_of::<u64>() as libc::socklen_t);
    // SAFETY: the kernel writes as many bytes as it is told there are.
    let asked = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    Errno::result(asked)?;
    Ok(cookie)
}

/// What a name names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing: there is no such name.
    Nothing,
    /// A file with this text and no namespace.
    File(String),
    /// A namespace.
    Namespace,
}

/// What `name` names.
pub fn named(name: &NsName) -> io::Result<Named> {
    let path = path(name);
    match statfs(&path) {
        Ok(found) if found.filesystem_type() == NSFS_MAGIC => Ok(Named::Namespace),
        Ok(_) => Ok(Named::File(String::from_utf8_lossy(&fs::read(path)?).into_owned())),
        Err(Errno::ENOENT) => Ok(Named::Nothing),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes the name away. The kernel frees the namespace when nothing uses it any more: no process, no
/// socket, no open file.
///
/// Equivalent: `ip netns del NAME`.
pub fn remove(name: &NsName) -> io::Result<()> {
    let path = path(name);
    match umount2(&path, MntFlags::MNT_DETACH) {
        // EINVAL: a file nothing is bound on, which a failed `add` leaves for us to remove.
        Ok(()) | Err(Errno::EINVAL) => fs::remove_file(&path),
        Err(errno) => Err(errno.into()),
    }
}

/// The names there are, sorted.
///
/// Equivalent: `ip netns list`.
pub fn list() -> io::Result<Vec<NsName>> {
    let entries = match fs::read_dir(DIR) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names: Vec<NsName> = entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    names.sort();
    Ok(names)
}
