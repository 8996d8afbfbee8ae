//! `iptables` and `ip6tables`, read.

use std::ops::Range;

use super::super::Family;
use super::{Doing, Said, Told, icmp_type, ports, protocol, states};
use crate::ops::value::Value;
use crate::ops::words::whole_number;
use crate::ops::{Heard, Misread, Words};

/// What the words of `iptables` say; of `ip6tables`, where the family is IPv6.
pub fn iptables(words: &mut Words, family: Family) -> Heard<Said> {
    let mut line = Line {
        family,
        told: Told::default(),
        deed: None,
        policy: None,
        negated: false,
    };
    while let Some(word) = words.next() {
        line.take(word, words)?;
    }
    line.finish(words)
}

/// The number behind a chain: a place in it.
fn number(words: &mut Words) -> Option<Value> {
    let number: u32 = words.peek()?.parse().ok()?;
    words.next();
    Some(Value::Int(number.into()))
}

/// A command so far.
struct Line {
    family: Family,
    told: Told,
    deed: Option<Deed>,
    policy: Option<(String, Range<usize>)>,
    negated: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Deed {
    Rule,
    Policy,
    Flush,
    Show,
    Nothing,
}

const MODULES: [&str; 11] = [
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "icmpv6",
    "multiport",
    "conntrack",
    "state",
    "comment",
    "mark",
    "sctp",
];

impl Line {
    fn take(&mut self, word: &str, words: &mut Words) -> Heard<()> {
        match word {
            "!" => self.negated = true,
            "-A" | "--append" => self.rule(words, Doing::Add)?,
            "-I" | "--insert" => {
                self.rule(words, Doing::Insert)?;
                self.told.at = number(words).map(|place| (place, words.last()));
            }
            "-D" | "--delete" => {
                self.rule(words, Doing::Remove)?;
                if number(words).is_some() {
                    return Err(words
                        .misread_last("nsx removes a rule by what it says or by its handle, not by its place")
                        .help("show() says the handles: del(chain, handle)"));
                }
            }
            "-P" | "--policy" => {
                self.chain(words, Deed::Policy)?;
                let policy = words.value("-P")?.to_lowercase();
                self.policy = Some((policy, words.last()));
            }
            "-F" | "--flush" => self.of_all(words, Deed::Flush, "flushes all chains at once")?,
            "-L" | "--list" | "-S" | "--list-rules" => {
                self.deed = Some(Deed::Show);
                words
                    .peek()
                    .filter(|word| !word.starts_with('-'))
                    .and_then(|_| words.next());
            }
            "-X" | "--delete-chain" | "-Z" | "--zero" => {
                self.of_all(words, Deed::Nothing, "has no chains of one's own")?
            }
            "-R" | "--replace" => {
                return Err(words
                    .misread_last("nsx puts no rule in the place of another")
                    .help("remove that one by -D, and insert this one by -I"));
            }
            "-N" | "--new-chain" | "-E" | "-C" | "--check" => {
                return Err(words.misread_last(format!("nsx has no `{word}`: its chains are the kernel's own")));
            }
            "-j" | "--jump" => self.target(words)?,
            "-n" | "-v" | "-x" | "-nv" | "-vn" | "-nvL" | "-vnL" | "-nL" | "-vL" | "-Ln" | "-Lv" | "-Lnv" | "-Lvn"
            | "--numeric" | "--verbose" | "--exact" | "--line-numbers" | "--line-number" | "-w" | "--wait" | "-4"
            | "-6" => self.switch(word, words),
            "-t" | "--table" => drop(words.value("-t")?),
            _ => return self.key(word, words),
        }
        Ok(())
    }

    fn switch(&mut self, word: &str, words: &mut Words) {
        if word.contains('L') {
            self.deed = Some(Deed::Show);
            words
                .peek()
                .filter(|word| !word.starts_with('-'))
                .and_then(|_| words.next());
        }
        if word == "-w" && words.peek().is_some_and(|word| word.parse::<u32>().is_ok()) {
            words.next();
        }
    }

    fn rule(&mut self, words: &mut Words, doing: Doing) -> Heard<()> {
        self.told.doing = doing;
        self.told.doing_place = words.last();
        self.chain(words, Deed::Rule)
    }

    fn chain(&mut self, words: &mut Words, deed: Deed) -> Heard<()> {
        self.deed = Some(deed);
        self.told.chain = words.value("the command")?.to_lowercase();
        self.told.chain_place = words.last();
        Ok(())
    }

    fn of_all(&mut self, words: &mut Words, deed: Deed, why: &str) -> Heard<()> {
        if words.peek().is_some_and(|word| !word.starts_with('-')) {
            return Err(words.misread(format!("nsx {why}")));
        }
        self.deed = Some(deed);
        Ok(())
    }

    /// A word by which packets are picked, and its value.
    fn key(&mut self, word: &str, words: &mut Words) -> Heard<()> {
        let key = match word {
            "-m" | "--match" => {
                let module = words.value("-m")?;
                return match MODULES.contains(&module) {
                    true => Ok(()),
                    false => Err(words.misread_last(format!("nsx's rules have nothing of the match `{module}`"))),
                };
            }
            "-s" | "--source" | "--src" => "saddr",
            "-d" | "--destination" | "--dst" => "daddr",
            "-i" | "--in-interface" => "iif",
            "-o" | "--out-interface" => "oif",
            "-p" | "--protocol" | "--proto" => "proto",
            "--sport" | "--source-port" | "--sports" | "--source-ports" => "sport",
            "--dport" | "--destination-port" | "--dports" | "--destination-ports" => "dport",
            "--icmp-type" | "--icmpv6-type" => "icmp_type",
            "--ctstate" | "--state" => "ct",
            "--mark" => "mark",
            "--comment" => "comment",
            "--to-source" | "--to-destination" | "--to" => {
                let to = words.value(word)?;
                self.told.to = Some((Value::Str(to.into()), words.last()));
                return Ok(());
            }
            "--to-ports" | "--to-port" => {
                let to = words.value(word)?;
                self.told.to = Some((whole_number(to), words.last()));
                return Ok(());
            }
            "--reject-with" => {
                let with = words.value(word)?;
                let is_usual = ["icmp-port-unreachable", "icmp6-port-unreachable"].contains(&with);
                return match is_usual {
                    true => Ok(()),
                    false => Err(words.misread_last("nsx rejects with the kernel's usual answer: port unreachable")),
                };
            }
            _ => return Err(words.misread_last(format!("nsx's rules have nothing for `{word}`"))),
        };
        let from = words.last().start;
        self.negated |= words.take("!");
        let text = words.value(word)?;
        let place = from..words.last().end;
        let negated = std::mem::take(&mut self.negated);
        let not = if negated { "!" } else { "" };
        let value = match key {
            "saddr" | "daddr" if text.contains(',') => {
                return Err(words
                    .misread_last("nsx's rules have one prefix each")
                    .help("make it two rules"));
            }
            "saddr" | "daddr" => Value::Str(format!("{not}{text}")),
            "iif" | "oif" => Value::Str(format!("{not}{}", text.replace('+', "*"))),
            _ if negated => {
                return Err(Misread::at(
                    place,
                    format!("nsx has no `!` for `{key}`: only for devices and addresses"),
                ));
            }
            "proto" if text == "all" => return Ok(()),
            "proto" => protocol(text),
            "sport" | "dport" => ports(text, ':'),
            "icmp_type" => icmp_type(text, self.family),
            "ct" => states(text),
            "mark" => whole_number(text),
            _ => Value::Str(text.into()),
        };
        self.told.key(key, value, place)
    }

    fn target(&mut self, words: &mut Words) -> Heard<()> {
        let target = words.value("-j")?;
        let verdict = target.to_lowercase();
        let known = ["accept", "drop", "reject", "masquerade", "snat", "dnat", "redirect"];
        if target == "LOG" {
            return Err(words
                .misread_last("nsx logs what a rule decides on: its `log` is no rule of its own")
                .help("give the rule that decides the key log: \"PREFIX\""));
        }
        if !known.contains(&verdict.as_str()) || target != target.to_uppercase() {
            return Err(words.misread_last(format!("nsx's rules cannot jump to `{target}`")));
        }
        self.told.verdict = verdict;
        self.told.verdict_place = words.last();
        Ok(())
    }

    fn finish(self, words: &Words) -> Heard<Said> {
        let told = self.told;
        match (self.deed, self.policy) {
            (Some(Deed::Rule), _) if told.verdict.is_empty() => {
                Err(words.misread("nsx's rules decide: `-j` is missing"))
            }
            (Some(Deed::Rule), _) => Ok(Said::Rule(Box::new(told))),
            (Some(Deed::Policy), Some((policy, place))) => Ok(Said::Policy {
                chain: told.chain,
                policy,
                place,
            }),
            (Some(Deed::Flush), _) => Ok(Said::Flush),
            (Some(Deed::Show), _) => Ok(Said::Show),
            (Some(Deed::Nothing), _) => Ok(Said::Nothing),
            _ => Err(words.misread("a command such as -A CHAIN is missing")),
        }
    }
}
