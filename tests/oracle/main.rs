//! What nsx says and does against what `ip`, `nft` and `wg` say and do. They must be installed.

use std::process::Command;
use std::sync::Once;

#[path = "../builder.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod builder;

mod addr;
mod changes;
mod export;
mod facts;
mod kinds;
mod link;
mod named;
mod neigh;
mod route;
mod rules_and_bridges;
mod ruleset;
mod shaping;
mod sysctl;

/// The commands that nsx is compared with.
const TOOLS: [(&str, &str, &str); 6] = [
    ("ip", "-V", "iproute2"),
    ("bridge", "-V", "iproute2"),
    ("sysctl", "-V", "procps"),
    ("nft", "-v", "nftables"),
    ("wg", "--version", "wireguard-tools"),
    ("python3", "-V", "python3"),
];

/// Fails where a command that nsx is compared with is missing.
pub fn tools() {
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        for (tool, version, package) in TOOLS {
            let found = Command::new(tool).arg(version).output();
            assert!(
                found.is_ok(),
                "`{tool}` is missing, which nsx is compared with: install {package}"
            );
        }
    });
}
