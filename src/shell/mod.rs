//! The other language: lines for a shell, as `ip` and its kin have them, read into calls of nsx's verbs, and labs
//! written as shell scripts.
//!
//! [`read`] takes a line apart (`line`), looks through `sudo`, `ip netns exec` and their like (`reader`), and lets the
//! noun that the command is about read the rest: each noun's reader stands beside its speller. What comes out has been
//! checked by the same verb that checks a script's call.
//!
//! ```
//! use nsx::netns::NsName;
//! use nsx::ops::call::by_name;
//! use nsx::shell;
//!
//! let statements = shell::read("sudo ip -n ns0 l s eth0 up mtu 1400", &NsName::host()).expect("it is understood");
//! assert_eq!(
//!     statements[0].script(&by_name),
//!     "netns::get(\"ns0\").link.set(\"eth0\", #{ up: true, mtu: 1400 })"
//! );
//!
//! let misread = shell::read("ip link set eth0 mtu many", &NsName::host()).expect_err("many is no number");
//! assert_eq!(misread.place, 17..25);
//! assert!(misread.problem.message.contains("wants a whole number"));
//! ```

mod claims;
mod export;
mod import;
mod line;
mod machine;
mod post;
mod programs;
mod reader;
mod script;

pub use export::Export;
pub use import::{Imported, Settings, import};
pub use line::{Comment, Connector, Redirect, Simple, split};
pub use reader::{Statement, What, read, read_with};
