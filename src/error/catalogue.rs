//! The catalogue: every code there is, with its title, its kind and its explanation.
//!
//! A code is stable: once given it keeps its meaning. The first ten stand for a whole [`Kind`]; the others for one
//! [`Mistake`], known by the operation, the errno and the state of the lab. An explanation is a file of
//! `src/error/explain`, named for its code: Markdown whose examples are run as tests. A block `rhai fails` ends
//! with this very code, a block `rhai` runs to its end.

use serde::Serialize;

use super::Kind;

/// What is to be said about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The code: `NSX012`.
    pub code: &'static str,
    /// What kind of failure it is; the exit status follows.
    pub kind: Kind,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Markdown: how it comes about, and what to do.
    pub doc: &'static str,
}

macro_rules! entry {
    ($code:literal, $kind:ident, $title:literal) => {
        Entry {
            code: $code,
            kind: Kind::$kind,
            title: $title,
            doc: include_str!(concat!("explain/", $code, ".md")),
        }
    };
}

/// The codes of whole kinds.
const KINDS: &[Entry] = &[
    entry!("NSX001", Assertion, "an assertion does not hold"),
    entry!("NSX002", Script, "the script is wrong"),
    entry!("NSX003", Argument, "an argument or an option is wrong"),
    entry!("NSX004", Kernel, "the kernel refused an operation"),
    entry!("NSX005", Command, "a program failed"),
    entry!("NSX006", Limit, "a limit of the script is reached"),
    entry!("NSX007", Import, "an import cannot be loaded"),
    entry!("NSX008", Missing, "a privilege or a kernel feature is missing"),
    entry!("NSX009", Interrupted, "interrupted"),
    entry!("NSX010", Usage, "the command line is wrong"),
];

macro_rules! mistakes {
    ($($mistake:ident = $code:literal, $kind:ident, $title:literal;)*) => {
        /// A mistake that is known for what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $title] $mistake,)*
        }

        /// The codes of mistakes, in the order of [`Mistake`].
        const MISTAKES: &[Entry] = &[$(entry!($code, $kind, $title)),*];
    };
}

mistakes! {
    NetnsExists = "NSX011", Kernel, "a netns of this name exists";
    DeviceExists = "NSX012", Kernel, "a device of this name exists";
    DeviceElsewhere = "NSX013", Kernel, "the device is in another netns";
    NoSuchDevice = "NSX014", Kernel, "there is no device of this name";
    NoSuchNetns = "NSX015", Kernel, "there is no netns of this name";
    RenameTaken = "NSX016", Kernel, "the new name is taken";
    NameTooLong = "NSX017", Argument, "the name of a device is too long";
    Immovable = "NSX018", Kernel, "the device cannot leave its netns";
    BridgeInBridge = "NSX019", Kernel, "a bridge cannot be a port of a bridge";
    NoPrefixLength = "NSX020", Argument, "an address without a prefix length";
    AddressTwice = "NSX021", Kernel, "the device has the address already";
    BadGateway = "NSX022", Kernel, "the gateway cannot be reached directly";
    RouteExists = "NSX023", Kernel, "there is a route to this destination already";
    HostBits = "NSX024", Argument, "a prefix with bits set beyond its length";
    DeviceDown = "NSX025", Assertion, "a device on the way is down";
    AddressOnPort = "NSX026", Assertion, "the address is on a port of a bridge";
    NoPrivilege = "NSX027", Missing, "a privilege is missing";
    ForwardDrop = "NSX028", Assertion, "the forward chain drops what should pass";
    NatInFilter = "NSX029", Argument, "address translation is not the filter's";
    NoForwarding = "NSX030", Assertion, "the router does not forward";
    KernelLacks = "NSX031", Missing, "this kernel lacks a kind of device or qdisc";
    LoDown = "NSX032", Assertion, "lo is down";
    RouteLost = "NSX033", Assertion, "a route went when its device went down";
    NoRoute = "NSX034", Assertion, "there is no route";
    NoSuchAddress = "NSX035", Assertion, "no namespace has the address";
    OtherLink = "NSX036", Assertion, "the address is not on the link";
    DroppedHere = "NSX037", Assertion, "a chain drops what comes or goes";
    NotOurs = "NSX038", Kernel, "it is not this lab's";
    CutsOff = "NSX039", Kernel, "it could cut the machine off";
    NotAsLeft = "NSX040", Kernel, "it is not as the lab left it";
    NotUndone = "NSX041", Kernel, "nothing could undo it";
    BridgeFull = "NSX042", Kernel, "the bridge has no room for another port";
    TooManyNetns = "NSX043", Kernel, "there is no room for another netns";
    LessonFails = "NSX044", Assertion, "a lesson says what is not so";
    LessonWritten = "NSX045", Script, "a lesson is not written as lessons are";
}

impl Mistake {
    /// What there is to say about it.
    pub fn entry(self) -> &'static Entry {
        &MISTAKES[self as usize]
    }
}

impl Kind {
    /// What there is to say about the whole kind.
    pub fn entry(self) -> &'static Entry {
        &KINDS[self as usize]
    }
}

/// Every code, in order.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    KINDS.iter().chain(MISTAKES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_without_a_gap() {
        for (index, entry) in catalogue().enumerate() {
            assert_eq!(entry.code, format!("NSX{:03}", index + 1));
        }
    }

    #[test]
    fn each_stands_for_itself() {
        assert_eq!(Kind::Usage.entry().kind, Kind::Usage);
        assert!(KINDS.iter().all(|entry| entry.kind.entry() == entry));
        assert_eq!(Mistake::DeviceExists.entry().code, "NSX012");
        assert_eq!(Mistake::LoDown.entry().title, "lo is down");
    }
}
