//! The kinds of qdiscs: what `kind` can be, the keys each has, and what the kernel is sent for it.

use serde::{Deserialize, Serialize};

use super::bytes::Writer;
use super::clock::Clock;
use super::handle::Minor;
use super::netem::Netem;
use super::tbf::Tbf;
use crate::error::{Part, Problem, Result, nearest};
use crate::ops::types::Flag;
use crate::ops::value::{Key, Value, not_wanted};
use crate::ops::{Args, Options, Size, Span, Typed};
use crate::options;

/// What a qdisc is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A token bucket: a rate.
    Tbf(Tbf),
    /// Token buckets in a hierarchy of classes.
    Htb(Htb),
    /// A worse network: delay, loss, duplicates, disorder.
    Netem(Netem),
    /// Fair queues, each kept short.
    FqCodel(FqCodel),
    /// One queue, its length in packets.
    Pfifo(Pfifo),
    /// One queue, its length in bytes.
    Bfifo(Bfifo),
    /// Three bands by priority: what a device has of its own.
    PfifoFast(Nothing),
    /// Bands by priority.
    Prio(Prio),
    /// Fair queues by a hash.
    Sfq(Sfq),
    /// Where filters on what arrives are attached.
    Ingress(Nothing),
    /// Where filters on what arrives and leaves are attached.
    Clsact(Nothing),
}

impl Kind {
    /// Whether what a device sends may wait long in it, or get lost.
    pub(super) fn holds_back(&self) -> bool {
        matches!(
            self,
            Kind::Tbf(_) | Kind::Htb(_) | Kind::Netem(_) | Kind::Pfifo(_) | Kind::Bfifo(_)
        )
    }
}

/// The name of a kind: the value of `kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(&'static str);

/// Every kind, with its name, its keys and the kernel's configuration option, once.
struct Known {
    name: &'static str,
    config: &'static str,
    keys: &'static [Key],
    take: fn(&mut Args) -> Result<Kind>,
}

macro_rules! known {
    ($($name:literal $config:literal $variant:ident($keys:ty);)*) => {
        /// The keys of the kind with this name.
        pub(super) fn keys_of(name: &str) -> Option<&'static [&'static [Key]]> {
            match name {
                $($name => Some(&[<$keys>::KEYS]),)*
                _ => None,
            }
        }

        const KNOWN: &[Known] = &[$(Known {
            name: $name,
            config: $config,
            keys: <$keys>::KEYS,
            take: |args| <$keys>::take(args).map(Kind::$variant),
        }),*];

        /// The option keys of every kind, for the declaration of a verb.
        pub(super) const KEYS: &[&[Key]] = &[KIND, super::At::KEYS, $(<$keys>::KEYS),*];
    };
}

known! {
    "tbf" "CONFIG_NET_SCH_TBF" Tbf(Tbf);
    "htb" "CONFIG_NET_SCH_HTB" Htb(Htb);
    "netem" "CONFIG_NET_SCH_NETEM" Netem(Netem);
    "fq_codel" "CONFIG_NET_SCH_FQ_CODEL" FqCodel(FqCodel);
    "pfifo" "CONFIG_NET_SCH_FIFO" Pfifo(Pfifo);
    "bfifo" "CONFIG_NET_SCH_FIFO" Bfifo(Bfifo);
    "pfifo_fast" "CONFIG_NET_SCHED" PfifoFast(Nothing);
    "prio" "CONFIG_NET_SCH_PRIO" Prio(Prio);
    "sfq" "CONFIG_NET_SCH_SFQ" Sfq(Sfq);
    "ingress" "CONFIG_NET_SCH_INGRESS" Ingress(Nothing);
    "clsact" "CONFIG_NET_SCH_INGRESS" Clsact(Nothing);
}

const KIND: &[Key] = &[Key {
    name: "kind",
    wants: Name::WANTS,
    doc: " what the qdisc is",
    of_words: Name::of_words,
}];

options! {
    /// The keys of the root of a hierarchy.
    pub struct Htb {
        /// the class of what no filter sends elsewhere; `"default"` in quotes, for Rhai reserves the word
        default: Minor,
        /// a class's quantum is its rate divided by this: 10 if not given
        r2q: u32,
        /// how many packets may wait that belong to no class
        direct_qlen: u32,
    }
}

options! {
    /// The keys of fq_codel.
    pub struct FqCodel {
        /// how many packets may wait
        limit: u32,
        /// how many queues
        flows: u32,
        /// how many bytes a queue may send in its turn
        quantum: u32,
        /// how long packets may wait in the long run: 5ms if not given
        target: Span,
        /// how long they must have waited longer before one is dropped: 100ms if not given
        interval: Span,
        /// mark packets that waited longer than this
        ce_threshold: Span,
        /// how much may wait
        memory_limit: Size,
        /// mark packets that can be marked, instead of dropping them
        ecn: Flag,
        /// never mark, drop
        noecn: Flag,
    }
}

options! {
    /// The key of a queue counted in packets.
    pub struct Pfifo {
        /// how many packets may wait; the device's txqueuelen if not given
        limit: u32,
    }
}

options! {
    /// The key of a queue counted in bytes.
    pub struct Bfifo {
        /// how much may wait
        limit: Size,
    }
}

options! {
    /// The key of bands by priority.
    pub struct Prio {
        /// how many bands: 3 if not given
        bands: u32,
    }
}

options! {
    /// The keys of sfq.
    pub struct Sfq {
        /// how many packets may wait
        limit: u32,
        /// how much a flow may send in its turn
        quantum: Size,
        /// how often the hash is changed, in whole seconds
        perturb: Span,
    }
}

/// No keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl Options for Nothing {
    const KEYS: &'static [Key] = &[];

    fn take(_: &mut Args) -> Result<Self> {
        Ok(Nothing {})
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Typed for Name {
    const WANTS: &'static str = "\"tbf\", \"htb\", \"netem\", \"fq_codel\", \"pfifo\", \"bfifo\", \"pfifo_fast\", \"prio\", \"sfq\", \"ingress\" or \"clsact\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let known = KNOWN.iter().find(|known| known.name == text);
        known.map(|known| Name(known.name)).ok_or_else(|| {
            let near = nearest(text, KNOWN.iter().map(|known| known.name));
            let near = near.map(|near| format!(": did you mean {near:?}?")).unwrap_or_default();
            format!("{}{near}", not_wanted::<Self>(value))
        })
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }
}

/// Whether a kind hangs beside the root, at a place of its own.
pub(super) fn is_beside(name: &str) -> bool {
    matches!(name, "ingress" | "clsact")
}

impl Kind {
    /// Takes `kind` and the keys it has; nothing else may be left.
    pub(super) fn take(mut args: Args) -> Result<Kind> {
        let Some(Name(name)) = args.key("kind")? else {
            return Err(
                Problem::argument("`kind` is missing: what the qdisc is").help("for instance #{ kind: \"tbf\", … }")
            );
        };
        let known = Kind::known(name);
        let kind = (known.take)(&mut args)?;
        args.finish(&[KIND, super::At::KEYS, known.keys].concat())?;
        kind.check()?;
        Ok(kind)
    }

    fn known(name: &str) -> &'static Known {
        let known = KNOWN.iter().find(|known| known.name == name);
        known.expect("every kind is known")
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Tbf(_) => "tbf",
            Kind::Htb(_) => "htb",
            Kind::Netem(_) => "netem",
            Kind::FqCodel(_) => "fq_codel",
            Kind::Pfifo(_) => "pfifo",
            Kind::Bfifo(_) => "bfifo",
            Kind::PfifoFast(_) => "pfifo_fast",
            Kind::Prio(_) => "prio",
            Kind::Sfq(_) => "sfq",
            Kind::Ingress(_) => "ingress",
            Kind::Clsact(_) => "clsact",
        }
    }

    /// What a kernel that has it is configured with.
    pub(super) fn config(&self) -> &'static str {
        Kind::known(self.name()).config
    }

    /// Whether it hangs beside the root, at a place of its own.
    pub(super) fn is_beside(&self) -> bool {
        is_beside(self.name())
    }

    /// Its name and its keys as words of a tc command.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![self.name().to_string()];
        words.extend(match self {
            Kind::Tbf(keys) => keys.words(),
            Kind::Htb(keys) => keys.words(),
            Kind::Netem(keys) => keys.spelled(),
            Kind::FqCodel(keys) => keys.words(),
            Kind::Pfifo(keys) => keys.words(),
            Kind::Bfifo(keys) => keys.words(),
            Kind::Prio(keys) => keys.words(),
            Kind::Sfq(keys) => keys.spelled(),
            Kind::PfifoFast(_) | Kind::Ingress(_) | Kind::Clsact(_) => Vec::new(),
        });
        words
    }

    /// What the kernel would do something else with, or tc would refuse.
    fn check(&self) -> Result<()> {
        match self {
            Kind::Tbf(tbf) => tbf.check(),
            Kind::Netem(netem) => netem.check(),
            Kind::Sfq(sfq) if sfq.perturb.is_some_and(|every| every.0.subsec_nanos() > 0) => {
                Err(Problem::argument("`perturb` wants whole seconds, such as \"10s\"").at(Part::Key("perturb".into())))
            }
            Kind::FqCodel(keys) if keys.ecn == Some(Flag(true)) && keys.noecn == Some(Flag(true)) => {
                Err(Problem::argument("`ecn` and `noecn` contradict each other").at(Part::Key("noecn".into())))
            }
            _ => Ok(()),
        }
    }

    /// What the kernel is sent: the content of TCA_OPTIONS.
    pub(super) fn options(&self) -> Option<Vec<u8>> {
        let clock = Clock::get();
        match self {
            Kind::Tbf(tbf) => Some(tbf.options(clock)),
            Kind::Htb(htb) => Some(htb.options()),
            Kind::Netem(netem) => Some(netem.options(clock)),
            Kind::FqCodel(keys) => Some(keys.options()),
            Kind::Pfifo(Pfifo { limit }) => limit.map(|limit| Writer::default().numbers([limit]).done()),
            Kind::Bfifo(Bfifo { limit }) => limit.map(|limit| Writer::default().numbers([limit.0]).done()),
            Kind::Prio(prio) => Some(prio.options()),
            Kind::Sfq(sfq) => sfq.options(),
            Kind::PfifoFast(_) | Kind::Ingress(_) | Kind::Clsact(_) => None,
        }
    }
}

/// A key that must be given.
pub(super) fn missing(key: &str, what: &str, example: &str) -> Box<Problem> {
    Problem::argument(format!("`{key}` is missing: {what}")).help(format!("for instance #{{ {key}: {example:?} }}"))
}

/// A duration as the kernel's qdiscs have it; too long is as long as can be said.
pub(super) fn microseconds(span: Span) -> u32 {
    u32::try_from(span.0.as_micros()).unwrap_or(u32::MAX)
}

impl Htb {
    fn options(&self) -> Vec<u8> {
        const INIT: u16 = 2;
        const DIRECT_QLEN: u16 = 5;
        const VERSION: u32 = 3;
        let class = self.default.map_or(0, |minor| minor.0.into());
        let init = [VERSION, self.r2q.unwrap_or(10), class, 0, 0];
        Writer::default()
            .attribute(INIT, &Writer::default().numbers(init).done())
            .number(DIRECT_QLEN, self.direct_qlen)
            .done()
    }
}

impl FqCodel {
    fn options(&self) -> Vec<u8> {
        let flag = |flag: Option<Flag>| flag.is_some_and(|flag| flag.0);
        let ecn = match (flag(self.ecn), flag(self.noecn)) {
            (true, _) => Some(1),
            (_, true) => Some(0),
            _ => None,
        };
        let time = |span: Option<Span>| span.map(microseconds);
        let numbers = [
            (2, self.limit),
            (5, self.flows),
            (6, self.quantum),
            (3, time(self.interval)),
            (1, time(self.target)),
            (4, ecn),
            (7, time(self.ce_threshold)),
            (9, self.memory_limit.map(|size| size.0)),
        ];
        let write = |writer: Writer, (kind, number)| writer.number(kind, number);
        numbers.into_iter().fold(Writer::default(), write).done()
    }
}

impl Prio {
    fn options(&self) -> Vec<u8> {
        /// Which band each priority is in, as the kernel's own.
        const BAND_OF: [u8; 16] = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
        Writer::default()
            .numbers([self.bands.unwrap_or(3)])
            .raw(&BAND_OF)
            .done()
    }
}

impl Sfq {
    /// tc wants bare seconds.
    fn spelled(&self) -> Vec<String> {
        let mut words = Sfq {
            perturb: None,
            ..self.clone()
        }
        .words();
        if let Some(perturb) = self.perturb {
            words.extend(["perturb".to_string(), perturb.0.as_secs().to_string()]);
        }
        words
    }

    /// A `struct tc_sfq_qopt_v1`, where anything is given.
    fn options(&self) -> Option<Vec<u8>> {
        const REST: usize = 68 - 20;
        let perturb = self.perturb.map_or(0, |every| every.0.as_secs() as u32);
        let numbers = [
            self.quantum.map_or(0, |size| size.0),
            perturb,
            self.limit.unwrap_or(0),
            0,
            0,
        ];
        (*self != Sfq::default()).then(|| Writer::default().numbers(numbers).raw(&[0; REST]).done())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for known in KNOWN {
            let kind = (known.take)(&mut Args::default()).unwrap();
            assert_eq!(kind.name(), known.name);
            assert!(kind.config().starts_with("CONFIG_NET_SCH"));
        }
        let why = Name::read(&Value::Str("tfb".into())).unwrap_err();
        assert!(why.contains("did you mean \"tbf\"?"), "{why}");
    }
}
