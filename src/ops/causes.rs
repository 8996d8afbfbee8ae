//! Why an operation failed, in terms of the lab.
//!
//! The kernel gives an errno, and sometimes a few words. What they mean follows from the operation and from what is
//! there: [`CAUSES`] lists what is known, by operation and errno, and each entry has a look at the lab to see whether
//! it is the one. What it finds out stands in the noun's own room.

use nix::errno::Errno;

use super::{Change, World, addr, link, netns, route};
use crate::error::{Mistake, Problem};
use crate::netns::NsName;

/// A failed operation and where it failed.
pub(super) struct Scene<'a> {
    pub world: &'a World,
    pub netns: &'a NsName,
    pub change: &'a Change,
}

/// One thing that can be behind a failure.
pub struct Cause {
    /// What it is.
    pub mistake: Mistake,
    /// The operation that fails: `link add`; empty for any.
    pub operation: &'static str,
    /// The kernel's answers to it.
    pub errnos: &'static [Errno],
    /// Looks whether it is this, and if so says all there is to say.
    tell: fn(&Scene, &mut Problem) -> bool,
}

/// What is known. The first that fits is told.
pub const CAUSES: &[Cause] = &[
    cause(Mistake::NetnsExists, "netns add", &[Errno::EEXIST], netns::exists),
    cause(
        Mistake::DeviceExists,
        "link add",
        &[Errno::EEXIST],
        link::causes::exists,
    ),
    cause(
        Mistake::RenameTaken,
        "link set",
        &[Errno::EEXIST],
        link::causes::rename_taken,
    ),
    cause(
        Mistake::Immovable,
        "link set",
        &[Errno::EINVAL, Errno::EOPNOTSUPP],
        link::causes::immovable,
    ),
    cause(
        Mistake::BridgeInBridge,
        "link set",
        &[Errno::ELOOP],
        link::causes::bridge_in_bridge,
    ),
    cause(
        Mistake::BridgeInBridge,
        "link add",
        &[Errno::ELOOP],
        link::causes::bridge_in_bridge,
    ),
    cause(Mistake::BridgeFull, "link", &[Errno::EXFULL], link::causes::bridge_full),
    cause(
        Mistake::TooManyNetns,
        "netns add",
        &[Errno::ENOSPC, Errno::EMFILE, Errno::ENFILE],
        netns::too_many,
    ),
    cause(Mistake::AddressTwice, "addr add", &[Errno::EEXIST], addr::causes::twice),
    cause(
        Mistake::RouteExists,
        "route add",
        &[Errno::EEXIST],
        route::causes::exists,
    ),
    cause(Mistake::BadGateway, "route add", GATEWAY, route::causes::bad_gateway),
    cause(
        Mistake::BadGateway,
        "route replace",
        GATEWAY,
        route::causes::bad_gateway,
    ),
    cause(Mistake::NoPrivilege, "", &[Errno::EPERM], no_privilege),
];

/// What the kernel answers to a gateway that it cannot use.
const GATEWAY: &[Errno] = &[Errno::EINVAL, Errno::ENETUNREACH, Errno::EHOSTUNREACH, Errno::ENETDOWN];

const fn cause(
    mistake: Mistake,
    operation: &'static str,
    errnos: &'static [Errno],
    tell: fn(&Scene, &mut Problem) -> bool,
) -> Cause {
    Cause {
        mistake,
        operation,
        errnos,
        tell,
    }
}

/// Says what is behind a failure, where that is known. What knew better already is left as it is.
pub(super) fn tell(scene: &Scene, mut problem: Box<Problem>) -> Box<Problem> {
    let Some(errno) = problem.errno.filter(|_| problem.mistake.is_none()) else {
        return problem;
    };
    let title = scene.change.operation().title();
    let fits = |cause: &&Cause| title.starts_with(cause.operation) && cause.errnos.contains(&errno);
    let found = CAUSES
        .iter()
        .filter(fits)
        .find(|cause| (cause.tell)(scene, &mut problem));
    match found {
        Some(cause) => problem.known(cause.mistake),
        None => problem,
    }
}

/// In a sandbox the lab has every privilege, and EPERM means that the kernel never does this.
fn no_privilege(_: &Scene, problem: &mut Problem) -> bool {
    if has_net_admin() {
        return false;
    }
    problem.cause =
        "it takes CAP_NET_ADMIN in the user namespace that owns the network, and this process has it not".into();
    problem.help = "run it as root, or in a sandbox: `nsx run` makes one that needs no privilege".into();
    true
}

/// Whether the thread may change the network of the namespaces it owns (CAP_NET_ADMIN).
fn has_net_admin() -> bool {
    const NET_ADMIN: u32 = 12;
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    bits.is_some_and(|bits| bits >> NET_ADMIN & 1 == 1)
}
