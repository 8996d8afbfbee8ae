//! What a program started by a lab inherits: a few environment variables and the limits nsx came with.

use std::env;
use std::ffi::OsString;
use std::io;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

/// The variables that are passed on. Everything else (tokens, agents' sockets, proxies) stays outside.
const PASSED: &[&str] = &[
    "HOME", "LANG", "LANGUAGE", "LOGNAME", "NO_COLOR", "SHELL", "TERM", "TMPDIR", "TZ", "USER",
];

/// The limits that nsx changes for itself.
const CHANGED: [Resource; 3] = [Resource::RLIMIT_AS, Resource::RLIMIT_STACK, Resource::RLIMIT_NOFILE];

static ORIGINAL: OnceLock<[(rlim_t, rlim_t); 3]> = OnceLock::new();

/// The environment of a program: the allowed variables, and a PATH in which `ip` and its kin are found
/// though the user may have no sbin in theirs.
pub(super) fn allowed() -> Vec<(OsString, OsString)> {
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut folders: Vec<_> = env::split_paths(&path).collect();
    for sbin in ["/usr/local/sbin", "/usr/sbin", "/sbin"] {
        if !folders.iter().any(|folder| folder.as_os_str() == sbin) {
            folders.push(sbin.into());
        }
    }
    let path = env::join_paths(folders).unwrap_or(path);
    let is_passed = |name: &OsString| {
        name.to_str()
            .is_some_and(|n| PASSED.contains(&n) || n.starts_with("LC_"))
    };
    env::vars_os()
        .filter(|(name, _)| is_passed(name))
        .chain([("PATH".into(), path)])
        .collect()
}

/// Changes the soft limit of nsx itself to `wanted`, as far as the hard limit allows. Programs that it starts get
/// the original back.
pub fn limit(resource: Resource, wanted: rlim_t) {
    ORIGINAL.get_or_init(|| CHANGED.map(|r| getrlimit(r).unwrap_or((rlim_t::MAX, rlim_t::MAX))));
    if let Ok((_, hard)) = getrlimit(resource) {
        let _ = setrlimit(resource, wanted.min(hard), hard);
    }
}

/// Gives a child, between fork and exec, the limits and the signal mask nsx was started with.
pub(super) fn restore() -> io::Result<()> {
    if let Some(original) = ORIGINAL.get() {
        for (resource, (soft, hard)) in CHANGED.into_iter().zip(original) {
            setrlimit(resource, *soft, *hard)?;
        }
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}
