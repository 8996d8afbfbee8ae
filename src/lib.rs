//! nsx: network labs as scripts.
//!
//! The crate is an hourglass: many ways in, one narrow waist, several ways out. In the order in which a call
//! of a script travels:
//!
//! 1. [`commands`] reads the command line ([`cli`]) and the script, and opens a sandbox for it.
//!    [`lab`] remembers the labs that stay.
//! 2. [`sandbox`] makes user, network, mount, pid and IPC namespaces and runs the lab in them. When it
//!    ends, however it ends, the kernel takes all of it away.
//! 3. [`script`] is the Rhai engine. `ns0.link.add("veth0", #{ … })` becomes the arguments of a verb of a noun.
//! 4. [`ops`] is the waist. A noun checks the arguments and makes an [`ops::Op`], a change as plain data; or it
//!    reads facts, data with the field names of `ip -j`. Everything particular to a noun (its options,
//!    its netlink messages, its `ip` spelling both ways) stands in that noun's room. [`shell`] reads lines of `ip` and its kin into the same calls.
//! 5. [`netlink`] carries requests to the kernel, over one socket for each namespace; [`probe`] sends pings,
//!    [`process`] runs programs, [`serve`] answers in their place, [`capture`] writes packets down.
//! 6. [`netns`] creates, names and enters namespaces.
//!
//! [`draw`] makes pictures of a lab from the facts of all its namespaces.
//!
//! [`repl`] is the other way in: a lab to live in. It reads lines ([`shell`] those of `ip` and its kin), lets the engine
//! evaluate them one after another, and undoes them by the inverses that the nouns find.
//!
//! [`lessons`] teach in it: Markdown whose code is run, for a learner in the REPL and for `nsx lesson test`.
//!
//! What the nouns and the engine declare, [`reference`](mod@reference) turns into help, for the terminal, for programs and
//! for `docs/reference.md`.
//!
//! What fails becomes an [`error::Problem`] where it is known best, and gains its place in the source on
//! the way up; [`diagnostics`] draws it.
//!
//! Uses go down this list only, and a test holds that.

pub mod capture;
pub mod cli;
pub mod commands;
pub mod diagnostics;
pub mod draw;
pub mod error;
pub mod lab;
pub mod lessons;
mod memory;
pub mod netlink;
pub mod netns;
pub mod ops;
pub mod probe;
pub mod process;
pub mod reference;
pub mod repl;
pub mod sandbox;
pub mod script;
pub mod serve;
pub mod shell;
pub mod state;
pub mod terminal;
pub mod xml;
