//! A script of nsx for a shell script, or for a post with its commands and what they printed.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::claims::{Claim, claims, errno};
use super::line::split;
use super::machine::{Machine, devices_of, namespaces_of};
use super::post::{Kind, Piece, pieces};
use super::reader::{Statement, What, assignment, read_with};
use super::script::{Item, Variables, text, variable};
use crate::netns::NsName;
use crate::ops::call::quoted;
use crate::ops::{Act, Call, Heard, Misread, Value};

/// A script, and how much of the text it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The script.
    pub script: String,
    /// How many commands were read.
    pub understood: usize,
    /// What was not: the line, and the command with the reason.
    pub not_understood: Vec<(usize, String)>,
}

/// How a text is imported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Keep a post's prose as comments; its headings are kept anyway.
    pub prose: bool,
}

/// Imports a text that is called `name`.
pub fn import(name: &str, source: &str, settings: Settings) -> Imported {
    let mut import = Import {
        name,
        settings,
        machine: Machine::default(),
        here: NsName::host(),
        outside: Vec::new(),
        variables: Variables::new(),
        items: Vec::new(),
        understood: 0,
        not_understood: Vec::new(),
    };
    let pieces = pieces(source);
    let granted = import.granted(&pieces);
    import.head(&granted);
    for piece in &pieces {
        import.piece(piece);
    }
    Imported {
        script: text(&import.items),
        understood: import.understood,
        not_understood: import.not_understood,
    }
}

/// What the commands take for granted.
#[derive(Default)]
struct Granted {
    /// A network card, or the Internet: the card's name.
    uplink: Option<String>,
    /// Other devices of the host; whether they are used as masters.
    devices: Vec<(String, bool)>,
    netns: Vec<NsName>,
    forwards: bool,
    drops: bool,
}

struct Import<'a> {
    name: &'a str,
    settings: Settings,
    machine: Machine,
    /// Where commands are typed, and where the shells around it are.
    here: NsName,
    outside: Vec<NsName>,
    variables: Variables,
    items: Vec<Item>,
    understood: usize,
    not_understood: Vec<(usize, String)>,
}

impl Import<'_> {
    /// Goes through all commands once to see what they need and never make.
    fn granted(&self, pieces: &[Piece]) -> Granted {
        let mut granted = Granted::default();
        let mut machine = Machine::default();
        let mut reader = Import {
            name: self.name,
            settings: self.settings,
            machine: Machine::default(),
            here: NsName::host(),
            outside: Vec::new(),
            variables: Variables::new(),
            items: Vec::new(),
            understood: 0,
            not_understood: Vec::new(),
        };
        let mut known: BTreeSet<NsName> = BTreeSet::from([NsName::host()]);
        let (mut forwards, mut sets_forwarding, mut accepts, mut sets_policy, mut reaches_out) =
            (false, false, false, false, false);
        for piece in pieces {
            let Kind::Command(command, _) = &piece.kind else {
                continue;
            };
            let Ok(statements) = reader.read(command) else { continue };
            for call in statements.iter().filter_map(Statement::call) {
                let is_change = matches!(call.declared(), Some((_, verb)) if matches!(verb.act, Act::Change(_)));
                for netns in namespaces_of(call) {
                    if known.insert(netns.clone()) {
                        granted.netns.push(netns);
                    }
                }
                if call.noun == "netns" && call.verb == "add" {
                    known.extend(call.arguments.first().and_then(|name| match name {
                        Value::Str(name) => name.parse::<NsName>().ok(),
                        _ => None,
                    }));
                }
                for dev in devices_of(call) {
                    let is_master = call.option("master") == Some(&Value::Str(dev.clone()));
                    let is_missing = is_change && call.netns.is_host() && !machine.has(&call.netns, &dev);
                    // What is made later is no gift.
                    if is_missing && !granted.devices.iter().any(|(name, _)| *name == dev) {
                        granted.devices.push((dev, is_master));
                    }
                }
                machine.take(call);
                forwards |= call.noun == "nat" && ["masquerade", "snat"].contains(&call.verb);
                let is_forwarding = |value: &Value| matches!(value, Value::Str(key) if key.ends_with("forward") || key.ends_with("forwarding"));
                sets_forwarding |= call.noun == "sysctl" && call.arguments.first().is_some_and(is_forwarding);
                accepts |= call.noun == "filter"
                    && ["add", "insert"].contains(&call.verb)
                    && call.option("verdict") == Some(&Value::Str("accept".into()));
                sets_policy |= call.noun == "filter" && call.verb == "policy";
                reaches_out |=
                    ["ping", "traceroute"].contains(&call.verb) && call.arguments.first().is_some_and(is_public);
            }
        }
        granted.forwards = forwards && !sets_forwarding;
        granted.drops = accepts && !sets_policy;
        let is_card = |name: &str| ["en", "eth", "wl"].iter().any(|start| name.starts_with(start));
        let card = granted
            .devices
            .iter()
            .position(|(name, is_master)| !is_master && is_card(name));
        granted.uplink = match card {
            Some(at) => Some(granted.devices.remove(at).0),
            None => reaches_out.then(|| "enp1s0".into()),
        };
        granted
    }

    fn head(&mut self, granted: &Granted) {
        self.comment(format!("Imported by nsx from {}.", self.name));
        if let Some(card) = &granted.uplink {
            self.items
                .push(Item::Code("import \"std/internet\" as internet;".into()));
            self.items.push(Item::Blank);
            self.comment(format!(
                "Taken for granted: a machine on the Internet, whose network card is {card}."
            ));
            self.items.push(Item::Code("internet::uplink(host);".into()));
            if card != "enp1s0" {
                let rename = format!("host.link.set(\"enp1s0\", #{{ name: {} }});", quoted(card));
                self.items.push(Item::Code(rename));
            }
            // A machine that is in use knows its gateway's link-layer address; some posts live on that.
            let check = "assert(host.ping(\"8.8.8.8\").ok, \"the host is on the Internet\");";
            self.items.push(Item::Code(check.into()));
        }
        for (dev, is_master) in &granted.devices {
            self.comment(format!("Taken for granted: the device {dev}. No line makes it."));
            let kind = if *is_master { "bridge" } else { "veth" };
            self.items.push(Item::Code(format!(
                "host.link.add({}, #{{ type: \"{kind}\", up: true }});",
                quoted(dev)
            )));
        }
        for netns in &granted.netns {
            self.comment(format!(
                "Taken for granted: the namespace {netns}. No line makes it before it is used."
            ));
            let code = format!("let {} = netns::add({});", variable(netns), quoted(netns.as_str()));
            self.items.push(Item::Code(code));
        }
        if granted.forwards {
            self.comment(
                "No line sets ip_forward, and a host does not forward unless it is set. Where it was set before (by"
                    .into(),
            );
            self.comment("Docker, say), so it would be here:".into());
            self.comment("host.sysctl.set(\"net.ipv4.ip_forward\", 1);".into());
        }
        if granted.drops {
            self.comment("Rules that accept decide nothing unless something drops: no line does. Where Docker had set the policy:".into());
            self.comment("host.filter.policy(\"forward\", \"drop\");".into());
        }
    }

    fn comment(&mut self, comment: String) {
        self.items.push(Item::Comment(comment));
    }

    fn piece(&mut self, piece: &Piece) {
        match &piece.kind {
            Kind::Blank => self.items.push(Item::Blank),
            Kind::Heading(heading) => {
                self.items.push(Item::Blank);
                self.comment(format!("---- {heading}"));
            }
            Kind::Comment(comment) => self.comment(comment.clone()),
            Kind::Prose(prose) => {
                if self.settings.prose {
                    self.items.push(Item::Blank);
                    self.comment(prose.clone());
                }
                if tells_of_restart(prose) {
                    self.restart(piece.line);
                }
            }
            Kind::Command(command, printed) => self.command(piece.line, command, printed),
        }
    }

    fn read(&mut self, command: &str) -> Heard<Vec<Statement>> {
        if let Some(statements) = self.read_loop(command) {
            return statements;
        }
        let variables = self.variables.clone();
        let known = |name: &str| variables.get(name).cloned();
        let (commands, _) = split(command, &known)?;
        if let [only] = commands.as_slice() {
            let words = only
                .words
                .iter()
                .map(|word| word.text.as_str())
                .filter(|word| *word != "export");
            let set: Option<Vec<_>> = words.map(assignment).collect();
            if let Some(set) = set.filter(|set| !set.is_empty()) {
                self.variables.extend(
                    set.into_iter()
                        .map(|(name, value)| (name.to_string(), value.to_string())),
                );
                return Ok(Vec::new());
            }
        }
        let statements = read_with(command, &self.here, &known)?;
        for statement in &statements {
            match &statement.what {
                What::Enter(netns) => {
                    let outside = std::mem::replace(&mut self.here, netns.clone());
                    self.outside.push(outside);
                }
                What::Leave => self.here = self.outside.pop().unwrap_or_else(NsName::host),
                _ => {}
            }
        }
        Ok(statements)
    }

    /// `for NAME in WORDS; do COMMANDS; done`, on one line: what it does, turn by turn.
    fn read_loop(&mut self, command: &str) -> Option<Heard<Vec<Statement>>> {
        let rest = command.strip_prefix("for ")?;
        let (name, rest) = rest.split_once(" in ")?;
        let (words, rest) = rest.split_once(';')?;
        let body = rest
            .trim()
            .strip_prefix("do ")?
            .trim()
            .strip_suffix("done")?
            .trim_end()
            .trim_end_matches(';');
        let mut all = Vec::new();
        for word in turns(words, &self.variables) {
            self.variables.insert(name.trim().to_string(), word);
            for part in body.split(';').filter(|part| !part.trim().is_empty()) {
                match self.read(part.trim()) {
                    Ok(statements) => all.extend(statements),
                    Err(misread) => {
                        return Some(Err(Misread {
                            place: 0..command.len(),
                            ..misread
                        }));
                    }
                }
            }
        }
        Some(Ok(all))
    }

    fn command(&mut self, line: usize, command: &str, printed: &[String]) {
        let comment = split(command, &|_| Some(String::new()))
            .ok()
            .and_then(|(_, comment)| comment);
        let statements = match self.read(command) {
            Ok(statements) => statements,
            Err(misread) => return self.misread(line, command, &misread),
        };
        self.understood += 1;
        if let Some(comment) = comment.filter(|comment| !comment.is_empty()) {
            self.comment(comment);
        }
        let count = statements.len();
        for (at, statement) in statements.into_iter().enumerate() {
            let printed = if at + 1 == count { printed } else { &[] };
            self.statement(line, statement, printed);
        }
    }

    fn misread(&mut self, line: usize, command: &str, misread: &Misread) {
        let mut why = misread.problem.message.clone();
        if !misread.problem.help.is_empty() {
            why = format!("{why}; {}", misread.problem.help);
        }
        let said = format!("{} ({why})", plain(command));
        self.comment(format!("nsx import: not understood: {said}"));
        self.not_understood.push((line, said));
    }

    fn statement(&mut self, line: usize, statement: Statement, printed: &[String]) {
        match statement.what {
            What::Sleep(span) => self.items.push(Item::Code(format!("sleep({});", quoted(&span)))),
            What::Reboot => self.restart(line),
            What::Enter(netns) => self.comment(format!("In {netns}:")),
            What::Leave => {}
            What::Call(call) => self.call(line, call, statement.may_fail, printed),
        }
    }

    fn call(&mut self, line: usize, call: Call, may_fail: bool, printed: &[String]) {
        let is_change = matches!(call.declared(), Some((_, verb)) if matches!(verb.act, Act::Change(_)));
        let machine = self.machine.clone();
        let made = claims(&call, printed, &variable, &|netns, dev| machine.has(netns, dev));
        let refused = errno(printed).filter(|_| is_change);
        match refused {
            Some(errno) => {
                let code = format!(
                    "let told = \"\";\ntry {{ {}; }} catch (e) {{ told = e.errno; }}",
                    call.script(&variable)
                );
                self.items.push(Item::Code(code));
                let what = format!("{}.{} is refused", call.noun, call.verb);
                self.claim(line, "told", &quoted(errno), &what);
                return;
            }
            None if may_fail && !(call.noun == "netns" && call.verb == "add") => {
                self.items
                    .push(Item::Code(format!("try {{ {}; }} catch {{}}", call.script(&variable))));
            }
            None if is_change || call.verb == "start" => self.items.push(Item::Call(call.clone(), false)),
            // A ping is asked for once: the claim is the ping.
            None if call.verb == "ping" && !made.is_empty() => {}
            None => self.items.push(Item::Call(call.clone(), true)),
        }
        self.machine.take(&call);
        for Claim { is, said, about } in made {
            self.claim(line, &is, &said, &about);
        }
    }

    fn claim(&mut self, line: usize, is: &str, said: &str, about: &str) {
        let place = quoted(&format!("{}:{line}: {about}", self.name));
        self.items.push(Item::Code(format!("claim({is}, {said}, {place});")));
    }

    /// Takes away what was made: the machine is restarted.
    fn restart(&mut self, line: usize) {
        let machine = std::mem::take(&mut self.machine);
        self.here = NsName::host();
        if machine.is_bare() {
            return;
        }
        self.items.push(Item::Blank);
        self.comment(format!(
            "{}:{line}: the machine is restarted. Nothing that was set up is left.",
            self.name
        ));
        let names: Vec<String> = machine.netns.iter().map(|netns| quoted(netns.as_str())).collect();
        match names.as_slice() {
            [] => {}
            [one] => self.items.push(Item::Code(format!("netns::del({one});"))),
            all => {
                let code = format!("for name in [{}] {{\n    netns::del(name);\n}}", all.join(", "));
                self.items.push(Item::Code(code));
            }
        }
        for dev in machine.left() {
            self.items.push(Item::Code(format!("host.link.del({});", quoted(&dev))));
        }
        if machine.has_filter {
            self.items.push(Item::Code("host.filter.flush();".into()));
        }
        for chain in &machine.has_policy {
            self.items.push(Item::Code(format!(
                "host.filter.policy({}, \"accept\");",
                quoted(chain)
            )));
        }
        if machine.has_nat {
            self.items.push(Item::Code("host.nat.flush();".into()));
        }
        for key in machine.sysctls {
            self.comment(format!("{key} stays as it was set: what it was before is not said."));
        }
        self.items.push(Item::Blank);
    }
}

/// A line without what would end a comment early.
fn plain(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The words that a loop goes through: `1 2 3`, `{1..3}`, `$(seq 1 3)`, `$NAMES`.
fn turns(words: &str, variables: &Variables) -> Vec<String> {
    let range = |from: &str, to: &str| match (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
        (Ok(from), Ok(to)) if to.saturating_sub(from) < 256 => (from..=to).map(|n| n.to_string()).collect(),
        _ => Vec::new(),
    };
    let words = words.trim();
    if let Some(seq) = words.strip_prefix("$(seq ").and_then(|seq| seq.strip_suffix(')')) {
        let (from, to) = seq.split_once(' ').unwrap_or(("1", seq));
        return range(from, to);
    }
    if let Some((from, to)) = words
        .strip_prefix('{')
        .and_then(|w| w.strip_suffix('}'))
        .and_then(|w| w.split_once(".."))
    {
        return range(from, to);
    }
    let known = |name: &str| variables.get(name).cloned();
    let Ok((commands, _)) = split(words, &known) else {
        return Vec::new();
    };
    let words = commands.iter().flat_map(|command| &command.words);
    words
        .flat_map(|word| word.text.split_whitespace().map(String::from).collect::<Vec<_>>())
        .collect()
}

/// Whether a line of prose says that the machine is restarted, as something that is done.
fn tells_of_restart(prose: &str) -> bool {
    let text = prose.to_lowercase();
    let english = [
        "reboot the",
        "reboot your",
        "restart the machine",
        "restart the system",
        "restart your",
        "after a reboot",
        "after rebooting",
        "reboot,",
        "reboot and",
    ];
    let chinese = [
        "重启系统",
        "重启机器",
        "重启主机",
        "重启虚拟机",
        "重启电脑",
        "重启之后",
        "重启后",
    ];
    let lasts = ["survive", "persist", "until", "without", "every reboot"];
    let says = english.iter().chain(&chinese).any(|word| text.contains(word));
    says && !lasts.iter().any(|word| text.contains(word))
}

/// Whether an address is one of the Internet at large.
fn is_public(value: &Value) -> bool {
    let Value::Str(text) = value else { return false };
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => {
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || v4.octets()[0] == 100)
        }
        Ok(IpAddr::V6(v6)) => v6.segments()[0] & 0xe000 == 0x2000 && v6.segments()[..2] != [0x2001, 0xdb8],
        Err(_) => false,
    }
}
