//! Why a sandbox could not be made: the setting of the system that forbids it, by name.

use std::fs;

use nix::errno::Errno;

use super::Failed;
use crate::error::{Mistake, Problem};

/// What the system says about namespaces.
#[derive(Clone, Debug, Default, PartialEq)]
struct System {
    /// /proc/sys/user/max_user_namespaces.
    max_user: Option<u64>,
    /// /proc/sys/user/max_net_namespaces.
    max_net: Option<u64>,
    /// Ubuntu's kernel.apparmor_restrict_unprivileged_userns.
    apparmor: bool,
    /// Debian's kernel.unprivileged_userns_clone is 0.
    switched_off: bool,
    /// The process is under a seccomp filter, as in a container.
    filtered: bool,
    /// The user is root.
    is_root: bool,
}

impl System {
    fn read() -> System {
        let number = |file: &str| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        System {
            max_user: number("/proc/sys/user/max_user_namespaces"),
            max_net: number("/proc/sys/user/max_net_namespaces"),
            apparmor: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1),
            switched_off: number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0),
            filtered: status
                .lines()
                .any(|line| line.starts_with("Seccomp:") && line.ends_with('2')),
            is_root: nix::unistd::geteuid().is_root(),
        }
    }

    /// The cause, and what to do.
    fn cause(&self, failed: &Failed) -> (String, String) {
        let as_root = |setting: &str| format!("as root: sysctl -w {setting}");
        if self.max_user == Some(0) {
            return (
                "the setting user.max_user_namespaces is 0: nobody may make user namespaces".into(),
                as_root("user.max_user_namespaces=15000"),
            );
        }
        if self.max_net == Some(0) {
            return (
                "the setting user.max_net_namespaces is 0: nobody may make network namespaces".into(),
                as_root("user.max_net_namespaces=15000"),
            );
        }
        if matches!(failed.errno, Errno::ENOSPC | Errno::EUSERS) {
            return (
                "a limit on namespaces is reached (user.max_user_namespaces and its kin, or 32 nested user namespaces)"
                    .into(),
                "end other sandboxes, or raise the limit: sysctl user.max_user_namespaces".into(),
            );
        }
        if self.switched_off && !self.is_root {
            return (
                "the setting kernel.unprivileged_userns_clone is 0: only root may make user namespaces".into(),
                as_root("kernel.unprivileged_userns_clone=1"),
            );
        }
        if self.apparmor && !self.is_root {
            return (
                "the setting kernel.apparmor_restrict_unprivileged_userns is 1: a user namespace made without root has no privileges".into(),
                format!("{}, or an AppArmor profile for nsx that allows `userns`", as_root("kernel.apparmor_restrict_unprivileged_userns=0")),
            );
        }
        if self.filtered {
            return (
                "a seccomp filter forbids it, as container engines set one".into(),
                "start the container with --privileged, or with --security-opt seccomp=unconfined --security-opt systempaths=unconfined".into(),
            );
        }
        if failed.step == "make a user namespace" && failed.errno == Errno::EINVAL {
            return (
                "the kernel has no user namespaces".into(),
                "it needs a kernel with CONFIG_USER_NS".into(),
            );
        }
        if failed.step.starts_with("mount") && failed.errno == Errno::EPERM {
            return (
                "parts of /proc or /sys are hidden, as container engines hide them".into(),
                "start the container with --privileged, or with --security-opt systempaths=unconfined".into(),
            );
        }
        (
            String::new(),
            "does `unshare -Urnm true` work? nsx needs what it needs".into(),
        )
    }
}

/// The problem that a failed step stands for.
pub(super) fn problem(failed: &Failed) -> Box<Problem> {
    explain(failed, &System::read())
}

fn explain(failed: &Failed, system: &System) -> Box<Problem> {
    let (cause, help) = system.cause(failed);
    let mut problem = Problem::kernel(failed.errno, "").known(Mistake::NoPrivilege);
    problem.message = format!("no sandbox: cannot {}", failed.step);
    problem.because(cause).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(step: &str, errno: Errno, system: System) -> String {
        let problem = explain(
            &Failed {
                step: step.into(),
                errno,
            },
            &system,
        );
        assert_eq!(problem.kind.exit_status(), 4);
        format!("{} | {} | {}", problem.message, problem.cause, problem.help)
    }

    #[test]
    fn the_setting_is_named() {
        let open = System {
            max_user: Some(100),
            max_net: Some(100),
            ..System::default()
        };
        let off = told(
            "make a user namespace",
            Errno::ENOSPC,
            System {
                max_user: Some(0),
                ..open.clone()
            },
        );
        assert!(off.contains("user.max_user_namespaces is 0"), "{off}");
        let ubuntu = told(
            "mount /run",
            Errno::EACCES,
            System {
                apparmor: true,
                ..open.clone()
            },
        );
        assert!(
            ubuntu.contains("kernel.apparmor_restrict_unprivileged_userns=0"),
            "{ubuntu}"
        );
        let debian = told(
            "make a user namespace",
            Errno::EPERM,
            System {
                switched_off: true,
                ..open.clone()
            },
        );
        assert!(debian.contains("kernel.unprivileged_userns_clone=1"), "{debian}");
        let docker = told(
            "make a user namespace",
            Errno::EPERM,
            System {
                filtered: true,
                ..open.clone()
            },
        );
        assert!(docker.contains("seccomp"), "{docker}");
        let full = told("make a user namespace", Errno::ENOSPC, open.clone());
        assert!(full.contains("a limit on namespaces is reached"), "{full}");
        let masked = told("mount /proc", Errno::EPERM, open);
        assert!(masked.contains("systempaths=unconfined"), "{masked}");
    }
}
