//! What went wrong, as data. A leaf: nothing here draws, prints or asks the kernel.
//!
//! A [`Problem`] is made where the failure is known best (an option's parser, the netlink reply)
//! and gains what its callers know (the operation, the namespace) on its way up. The script layer
//! adds the place in the source; `diagnostics` draws the whole.

mod catalogue;

use std::fmt;

use nix::errno::Errno;
use serde::Serialize;

pub use catalogue::{Entry, Mistake, catalogue};

/// A result whose error is a [`Problem`].
pub type Result<T, E = Box<Problem>> = std::result::Result<T, E>;

/// The kinds of failure; the kind decides code and exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// An `assert` that does not hold.
    Assertion,
    /// The script cannot be parsed, or names something that does not exist.
    Script,
    /// An argument or option of a call is wrong: unknown key, wrong type, missing unit.
    Argument,
    /// The kernel refused an operation.
    Kernel,
    /// A command started by the script failed, and the script asked for that to be an error.
    Command,
    /// A limit of the engine was reached: operations, depth, sizes, memory.
    Limit,
    /// An import that cannot be loaded.
    Import,
    /// A privilege or a kernel feature is missing.
    Missing,
    /// Ctrl-C, or a signal that asks to stop.
    Interrupted,
    /// The command line is wrong.
    Usage,
}

impl Kind {
    /// The exit status of a run that ends with this kind of failure.
    pub fn exit_status(self) -> u8 {
        match self {
            Kind::Assertion => 1,
            Kind::Usage => 2,
            Kind::Script | Kind::Argument | Kind::Kernel | Kind::Command | Kind::Limit | Kind::Import => 3,
            Kind::Missing => 4,
            Kind::Interrupted => 130,
        }
    }
}

/// Which part of a call a problem is about; the drawing underlines it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Part {
    /// The call as a whole.
    #[default]
    Call,
    /// The argument with this index, from 0.
    Argument(usize),
    /// The value of an option key.
    Key(String),
}

/// How a call would have to be written. The layer that knows the call makes a line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Mend {
    /// With this text in place of the part that is to blame.
    Part(String),
    /// With another verb of the same noun.
    Verb(&'static str),
    /// In another namespace.
    Netns(String),
    /// With another noun's verb, of the same namespace: `nat.masquerade("10.1.1.0/24")`.
    Call(String),
}

/// One failure, with everything that is known of it. Empty strings where there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of failure.
    pub kind: Kind,
    /// The very mistake, where it is a known one.
    #[serde(skip)]
    pub mistake: Option<Mistake>,
    /// The operation as `ip` would spell it.
    pub op: String,
    /// The namespace it was done in.
    pub netns: String,
    /// The errno, where the kernel gave one.
    #[serde(serialize_with = "errno_name")]
    pub errno: Option<Errno>,
    /// The kernel's own words (the extended ack), where it gave any.
    pub kernel: String,
    /// One line: what failed, on what, where.
    pub message: String,
    /// Why, in terms of the lab: what is there, and which line made it so.
    pub cause: String,
    /// The line that mends it.
    pub help: String,
    /// Which part of the call.
    pub part: Part,
    /// What would mend the call, until the help says it.
    #[serde(skip)]
    pub mend: Option<Mend>,
}

fn errno_name<S: serde::Serializer>(errno: &Option<Errno>, out: S) -> std::result::Result<S::Ok, S::Error> {
    out.serialize_str(&errno.map(name).unwrap_or_default())
}

/// The errno's name: `EEXIST`.
pub fn name(errno: Errno) -> String {
    format!("{errno:?}")
}

impl Problem {
    /// A problem of `kind` with its one-line message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Box<Problem> {
        Box::new(Problem {
            kind,
            mistake: None,
            op: String::new(),
            netns: String::new(),
            errno: None,
            kernel: String::new(),
            message: message.into(),
            cause: String::new(),
            help: String::new(),
            part: Part::Call,
            mend: None,
        })
    }

    /// A wrong argument or option.
    pub fn argument(message: impl Into<String>) -> Box<Problem> {
        Problem::new(Kind::Argument, message)
    }

    /// What the kernel refused: `errno`, and its own words if it gave any. Its message is the errno's
    /// description; [`Problem::during`] puts the operation before it.
    pub fn kernel(errno: Errno, words: impl Into<String>) -> Box<Problem> {
        let mut problem = Problem::new(Kind::Kernel, errno.desc());
        problem.errno = Some(errno);
        problem.kernel = words.into();
        problem
    }

    /// A failed system call that is not netlink: `doing` says what was being done.
    pub fn system(doing: &str, error: impl Into<std::io::Error>) -> Box<Problem> {
        let error = error.into();
        let errno = error.raw_os_error().map(Errno::from_raw);
        let words = errno.map_or_else(|| error.to_string(), |e| e.desc().to_string());
        let mut problem = Problem::new(Kind::Kernel, format!("{doing}: {words}"));
        problem.errno = errno;
        problem
    }

    /// What there is to say about it beyond itself.
    pub fn entry(&self) -> &'static Entry {
        self.mistake.map_or_else(|| self.kind.entry(), Mistake::entry)
    }

    /// The stable code: what `e.code` holds and `nsx explain` takes.
    pub fn code(&self) -> &'static str {
        self.entry().code
    }

    /// Says that it is this very mistake.
    pub fn known(mut self: Box<Self>, mistake: Mistake) -> Box<Self> {
        self.mistake = Some(mistake);
        self.kind = mistake.entry().kind;
        self
    }

    /// Says why, in terms of the lab.
    pub fn because(mut self: Box<Self>, cause: impl Into<String>) -> Box<Self> {
        self.cause = cause.into();
        self
    }

    /// Says what would mend the call.
    pub fn mend(mut self: Box<Self>, mend: Mend) -> Box<Self> {
        self.mend = Some(mend);
        self
    }

    /// Sets the part of the call that is to blame.
    pub fn at(mut self: Box<Self>, part: Part) -> Box<Self> {
        self.part = part;
        self
    }

    /// Sets the help line, unless a better-informed place has set one.
    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        if self.help.is_empty() {
            self.help = help.into();
        }
        self
    }

    /// Records the operation (as `ip` spells it) and its namespace, if they are not known yet.
    pub fn during(mut self: Box<Self>, op: impl Into<String>, netns: &str) -> Box<Self> {
        if self.op.is_empty() {
            self.op = op.into();
        }
        if self.netns.is_empty() {
            self.netns = netns.to_string();
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// The name of `candidates` nearest to `given`, if one is near enough to be what was meant.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(given, c), c))
        .filter(|(distance, c)| *distance <= (c.len().max(given.len()) / 3).max(1))
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("mastre", ["master", "mtu", "up"]), Some("master"));
        assert_eq!(nearest("colour", ["master", "mtu", "up"]), None);
    }

    #[test]
    fn a_kernel_problem_keeps_its_words() {
        let p = Problem::kernel(Errno::EEXIST, "x").during("ip link add", "host");
        assert_eq!(
            (p.errno, p.kernel.as_str(), p.netns.as_str()),
            (Some(Errno::EEXIST), "x", "host")
        );
        assert_eq!(p.kind.exit_status(), 3);
    }
}
