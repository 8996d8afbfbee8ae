//! Runs nsx under a tracer, which kills it at a system call, has the call fail, or changes what the kernel answers.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::builder::Nsx;
use crate::machine::Machine;

/// The system calls that change something, of the network or of what tells of it.
const CHANGING: &[libc::c_long] = &[
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_ftruncate,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_unlinkat,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_unshare,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_execve,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
];

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing; the changes are counted.
    None,
    /// Everything is killed at this change.
    Kill(usize),
    /// This change fails so.
    Fail(usize, Errno),
    /// So many parts of tables are told to have changed while they were read.
    Interrupt(usize),
    /// So many changes are told to have had no room.
    NoRoom(usize),
}

/// How many changes there were, and the exit status, if it came to that.
pub struct Traced {
    pub changes: usize,
    pub status: Option<i32>,
    pub stderr: String,
}

/// Runs nsx on a machine under a tracer.
pub fn trace(machine: &Machine, nsx: &Nsx, fault: Fault) -> Traced {
    let mut command = machine.command(nsx);
    let mut said = tempfile::tempfile().expect("a file");
    let stderr = said.try_clone().expect("a descriptor");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    // SAFETY: ptrace only makes a system call.
    unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
    #[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
    let child = command.spawn().expect("nsx starts");
    let first = Pid::from_raw(child.id() as i32);
    waitpid(first, Some(WaitPidFlag::__WALL)).expect("it stops when it begins");
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(first, options).expect("it is traced");
    ptrace::syscall(first, None).expect("it goes on");
    let mut tracer = Tracer {
        first,
        fault,
        known: HashMap::from([(first, Known::default())]),
        changes: 0,
        status: None,
    };
    tracer.run();
    let mut stderr = String::new();
    said.rewind().expect("a file");
    said.read_to_string(&mut stderr).expect("text");
    Traced {
        changes: tracer.changes,
        status: tracer.status,
        stderr,
    }
}

/// A process that is traced.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The error that its present call ends with.
    failing: Option<Errno>,
    /// Where its present call puts what it receives.
    reading: Option<u64>,
    is_old: bool,
}

struct Tracer {
    first: Pid,
    fault: Fault,
    known: HashMap<Pid, Known>,
    changes: usize,
    status: Option<i32>,
}

impl Tracer {
    fn run(&mut self) {
        // Only what this thread traces: other tests have children too.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        while !self.known.is_empty() {
            let (pid, signal) = match waitpid(None, Some(flags)) {
                Ok(WaitStatus::PtraceSyscall(pid)) => {
                    self.at_call(pid);
                    (pid, None)
                }
                Ok(WaitStatus::Stopped(pid, signal)) => {
                    let known = self.known.entry(pid).or_default();
                    let is_first = !std::mem::replace(&mut known.is_old, true) && pid != self.first;
                    (
                        pid,
                        Some(signal).filter(|signal| !(is_first && *signal == Signal::SIGSTOP)),
                    )
                }
                Ok(WaitStatus::PtraceEvent(pid, _, event)) => {
                    if [
                        libc::PTRACE_EVENT_FORK,
                        libc::PTRACE_EVENT_VFORK,
                        libc::PTRACE_EVENT_CLONE,
                    ]
                    .contains(&event)
                        && let Ok(new) = ptrace::getevent(pid)
                    {
                        self.known.entry(Pid::from_raw(new as i32)).or_default();
                    }
                    (pid, None)
                }
                Ok(WaitStatus::Exited(pid, status)) => {
                    self.ended(pid, status);
                    continue;
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    self.ended(pid, 1000 + signal as i32);
                    continue;
                }
                Ok(_) => continue,
                Err(Errno::EINTR) => continue,
                Err(errno) => panic!("waiting: {errno}"),
            };
            // One that is gone by now is waited for next.
            let _ = ptrace::syscall(pid, signal);
        }
    }

    fn ended(&mut self, pid: Pid, status: i32) {
        self.known.remove(&pid);
        if pid == self.first {
            self.status = Some(status);
        }
    }

    fn at_call(&mut self, pid: Pid) {
        let failing = self.known.entry(pid).or_default().failing.take();
        if let Some(errno) = failing {
            set_result(pid, errno);
            return;
        }
        if let Some(to) = self.known.entry(pid).or_default().reading.take() {
            self.mark(pid, to);
            return;
        }
        let Some((number, arguments)) = entered(pid) else {
            return;
        };
        if number == libc::SYS_recvfrom {
            self.known.entry(pid).or_default().reading = Some(arguments[1]);
        }
        if !CHANGING.contains(&number) {
            return;
        }
        self.changes += 1;
        match self.fault {
            Fault::Kill(at) if at == self.changes => {
                for pid in self.known.keys() {
                    let _ = kill(*pid, Signal::SIGKILL);
                }
            }
            Fault::Fail(at, errno) if at == self.changes && can_fail(number) => {
                skip(pid);
                self.known.entry(pid).or_default().failing = Some(errno);
            }
            _ => {}
        }
    }
}

impl Tracer {
    /// Marks what was received, as the kernel would, if that is the fault.
    fn mark(&mut self, pid: Pid, to: u64) {
        let (Fault::Interrupt(left) | Fault::NoRoom(left)) = &mut self.fault else {
            return;
        };
        let mut head = [0; 24];
        if received(pid) < head.len() || *left == 0 {
            return;
        }
        for (word, at) in head.chunks_exact_mut(8).zip((to..).step_by(8)) {
            let Ok(read) = ptrace::read(pid, at as ptrace::AddressType) else {
                return;
            };
            word.copy_from_slice(&read.to_ne_bytes());
        }
        let kind = u16::from_ne_bytes([head[4], head[5]]);
        let is_done = head[16..20] == [0; 4];
        match self.fault {
            // A part of a table.
            Fault::Interrupt(_) if kind > 16 && head[6] & 2 != 0 => head[6] |= 16,
            Fault::NoRoom(_) if kind == 2 && is_done => {
                head[16..20].copy_from_slice(&(-(Errno::ENOBUFS as i32)).to_ne_bytes());
            }
            _ => return,
        }
        for (word, at) in head.chunks_exact(8).zip((to..).step_by(8)) {
            let word = i64::from_ne_bytes(word.try_into().expect("eight bytes"));
            let _ = ptrace::write(pid, at as ptrace::AddressType, word);
        }
        if let Fault::Interrupt(left) | Fault::NoRoom(left) = &mut self.fault {
            *left -= 1;
        }
    }
}

/// A program that cannot be started or a process that cannot be forked is another matter than a change of the network.
fn can_fail(number: libc::c_long) -> bool {
    ![libc::SYS_execve, libc::SYS_clone, libc::SYS_clone3].contains(&number)
}

/// The number and the arguments of the call that the process is about to make; nothing at a call's end.
fn entered(pid: Pid) -> Option<(libc::c_long, [u64; 6])> {
    let info = call(pid)?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: the kernel has written this part of it.
    let entry = unsafe { info.u.entry };
    Some((entry.nr as libc::c_long, entry.args))
}

/// How many bytes the call received that has just ended.
fn received(pid: Pid) -> usize {
    let exit = call(pid).filter(|info| info.op == libc::PTRACE_SYSCALL_INFO_EXIT);
    // SAFETY: the kernel has written this part of it.
    exit.and_then(|info| usize::try_from(unsafe { info.u.exit.sval }).ok())
        .unwrap_or(0)
}

/// The call that the process begins or ends.
fn call(pid: Pid) -> Option<libc::ptrace_syscall_info> {
    // SAFETY: all zeroes is a valid value, which the kernel overwrites as far as it is told there is room.
    unsafe {
        let mut info: libc::ptrace_syscall_info = std::mem::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        let told = libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid.as_raw(), size, &raw mut info);
        (told > 0).then_some(info)
    }
}

/// Keeps the call from being made.
#[cfg(target_arch = "x86_64")]
fn skip(pid: Pid) {
    if let Ok(mut registers) = ptrace::getregs(pid) {
        registers.orig_rax = u64::MAX;
        let _ = ptrace::setregs(pid, registers);
    }
}

/// Gives the call this result.
#[cfg(target_arch = "x86_64")]
fn set_result(pid: Pid, errno: Errno) {
    if let Ok(mut registers) = ptrace::getregs(pid) {
        registers.rax = (-(errno as i64)) as u64;
        let _ = ptrace::setregs(pid, registers);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn skip(_: Pid) {}
#[cfg(not(target_arch = "x86_64"))]
fn set_result(_: Pid, _: Errno) {}
