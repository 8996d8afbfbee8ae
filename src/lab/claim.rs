//! A lab's name, taken: a file in the state folder, locked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::unistd::Pid;

use super::{Identity, LabName, State};
use crate::error::{Kind, Problem, Result};

/// A name that is this lab's for as long as the process, or one that was forked from it since, has the file open.
pub struct Claim {
    name: LabName,
    path: PathBuf,
    file: File,
}

impl Claim {
    /// Takes a name. Of several that try at once one gets it; the others are told who has it.
    pub fn take(folder: &Path, name: &LabName) -> Result<Claim> {
        let path = file_of(folder, name);
        let failed = |e: io::Error| Problem::system(&format!("claim the name {name}"), e);
        loop {
            let file = open(&path, true).map_err(failed)?;
            if !lock(&file).map_err(failed)? {
                return Err(taken(name, &file));
            }
            // Whoever had the name may have removed the file between the two.
            if is_still(&path, &file) {
                // Garbage is somebody's, or a defect: it is not written over.
                State::read(&file).map_err(|e| garbage(&path, &e))?;
                file.set_len(0).map_err(failed)?;
                return Ok(Claim {
                    name: name.clone(),
                    path,
                    file,
                });
            }
        }
    }

    /// Writes down who the lab is.
    pub fn began(&self, process: Pid, script: &str, is_machine: bool) -> Result<()> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let written = Identity::of(process.as_raw()).and_then(|process| {
            let state = State {
                name: self.name.clone(),
                process,
                script: script.to_string(),
                since,
                ready: 0,
                is_machine,
            };
            state.write(&self.file)
        });
        written.map_err(|e| Problem::system(&format!("write {}", self.path.display()), e))
    }

    /// Writes down that the script has run.
    pub fn ready(&self) -> Result<()> {
        let written = State::read(&self.file).and_then(|state| {
            let mut state = state.ok_or_else(|| io::Error::other("the state is gone"))?;
            state.ready = 1;
            state.write(&self.file)
        });
        written.map_err(|e| Problem::system("write the lab's state", e))
    }

    /// Gives the name back.
    pub fn release(&self) {
        if is_still(&self.path, &self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

pub(super) fn file_of(folder: &Path, name: &LabName) -> PathBuf {
    folder.join(format!("{name}.json"))
}

pub(super) fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Takes the lock if nobody has it. It belongs to the open file, and so to every process that has that from this one.
fn lock(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole(libc::F_WRLCK))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether somebody has the lock. Asking does not take it, even for a moment.
pub(super) fn is_locked(file: &File) -> io::Result<bool> {
    let mut asked = whole(libc::F_WRLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut asked))?;
    Ok(i32::from(asked.l_type) != libc::F_UNLCK)
}

/// Whether somebody has a name: the lab runs, or has not died yet.
pub fn is_held(folder: &Path, name: &LabName) -> bool {
    open(&file_of(folder, name), false).is_ok_and(|file| is_locked(&file).unwrap_or(true))
}

fn whole(kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Whether `path` is still the open file.
fn is_still(path: &Path, file: &File) -> bool {
    let here = file.metadata().map(|own| (own.dev(), own.ino()));
    let there = fs::symlink_metadata(path).map(|named| (named.dev(), named.ino()));
    matches!((here, there), (Ok(here), Ok(there)) if here == there)
}

/// Removes the file of a lab that is gone, unless another has the name by now.
pub(super) fn remove_left(path: &Path) {
    if let Ok(file) = open(path, false)
        && lock(&file).unwrap_or(false)
        && is_still(path, &file)
    {
        let _ = fs::remove_file(path);
    }
}

fn taken(name: &LabName, file: &File) -> Box<Problem> {
    let by = match State::read(file) {
        Ok(Some(state)) => format!(" (process {}, of {})", state.process.pid, state.script),
        _ => String::new(),
    };
    Problem::new(Kind::Usage, format!("there is a lab {name} already{by}"))
        .help(format!("nsx down {name}, or another name: --name"))
}

/// The file tells of no lab.
pub(super) fn garbage(path: &Path, error: &io::Error) -> Box<Problem> {
    let why = match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
            format!("it is no state of a lab: {error}")
        }
        _ => error.to_string(),
    };
    Problem::new(Kind::Usage, format!("cannot read {}: {why}", path.display()))
        .help(format!("if nothing else needs it: rm '{}'", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let name: LabName = "web".parse().expect("a name");
        let first = Claim::take(folder.path(), &name).expect("it is free");
        first.began(Pid::this(), "lab.rhai", false).expect("a state");
        let refused = Claim::take(folder.path(), &name).err().expect("it is taken");
        assert!(
            refused.message.contains("already (process") && refused.message.contains("lab.rhai"),
            "{}",
            refused.message
        );
        let path = file_of(folder.path(), &name);
        assert!(is_locked(&open(&path, false).expect("a file")).expect("a lock"));
        remove_left(&path);
        assert!(path.exists(), "it is held");
        drop(first);
        assert!(!is_locked(&open(&path, false).expect("a file")).expect("no lock"));
        Claim::take(folder.path(), &name).expect("it is free again").release();
        assert!(!path.exists());
    }

    #[test]
    fn of_eight_threads_one_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        let name: LabName = "web".parse().expect("a name");
        for _ in 0..50 {
            let start = std::sync::Barrier::new(8);
            let claims: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            Claim::take(folder.path(), &name).ok()
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .filter_map(|t| t.join().expect("a thread"))
                    .collect()
            });
            assert_eq!(claims.len(), 1);
            claims.iter().for_each(Claim::release);
        }
    }

    #[test]
    fn what_is_no_state_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let name: LabName = "web".parse().expect("a name");
        let path = file_of(folder.path(), &name);
        fs::write(&path, "garbage").expect("a file");
        let refused = Claim::take(folder.path(), &name).err().expect("garbage");
        assert!(refused.message.contains("no state of a lab"), "{}", refused.message);
        assert_eq!(fs::read_to_string(&path).expect("a file"), "garbage");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("/etc/passwd", &path).expect("a link");
        assert!(Claim::take(folder.path(), &name).is_err());
    }
}
