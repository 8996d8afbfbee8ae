//! What an input is: a command of the REPL's, a question, a program to run, a line of `ip` and its kin, or a script.

/// What somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Nothing.
    Nothing,
    /// `:save lab.rhai`: the name, and what stands after it.
    Command(&'a str, &'a str),
    /// `?route.add`: the topic.
    Question(&'a str),
    /// `!ns0 ip link`: the namespace, and the program.
    Program(&'a str, &'a str),
    /// `ip link add veth0 type veth peer veth1`.
    Plain(&'a str),
    /// Anything else.
    Script(&'a str),
}

/// The programs whose lines are understood.
const PROGRAMS: [&str; 11] = [
    "ip",
    "bridge",
    "tc",
    "ping",
    "traceroute",
    "iptables",
    "ip6tables",
    "nft",
    "sysctl",
    "brctl",
    "sudo",
];

/// Tells what an input is.
pub fn read(text: &str) -> Input<'_> {
    let trimmed = text.trim();
    let halves = |rest: &'_ str| -> usize { rest.find(char::is_whitespace).unwrap_or(rest.len()) };
    match trimmed.chars().next() {
        None => Input::Nothing,
        Some(':') => {
            let rest = &trimmed[1..];
            let (name, argument) = rest.split_at(halves(rest));
            Input::Command(name, argument.trim())
        }
        Some('?') => Input::Question(trimmed[1..].trim()),
        // `!` alone negates: `!ns0.ping(ns1).ok`.
        Some('!') if is_program(&trimmed[1..]) => {
            let rest = &trimmed[1..];
            let (netns, program) = rest.split_at(halves(rest));
            Input::Program(netns, program.trim())
        }
        Some(_) if is_plain(trimmed) => Input::Plain(trimmed),
        Some(_) => Input::Script(text),
    }
}

/// Whether the input is a script, which may go on for lines.
pub fn is_script(text: &str) -> bool {
    matches!(read(text), Input::Script(_))
}

fn is_program(rest: &str) -> bool {
    let name = rest.split(char::is_whitespace).next().unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) && !is_member(name)
}

/// `ns0.ping`: the names of namespaces may have points, but none of them is a noun's or verb's.
fn is_member(name: &str) -> bool {
    let Some((_, last)) = name.rsplit_once('.') else {
        return false;
    };
    crate::ops::NOUNS
        .iter()
        .any(|noun| noun.name == last || noun.verbs.iter().any(|verb| verb.name == last))
}

/// Whether a line is one of `ip` and its kin, and not a script about a variable of that name.
fn is_plain(line: &str) -> bool {
    let Some((program, rest)) = line.split_once(char::is_whitespace) else {
        return false;
    };
    let begins = rest.trim_start().chars().next();
    PROGRAMS.contains(&program)
        && !line.contains('\n')
        && begins.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_told_apart() {
        assert_eq!(read("  "), Input::Nothing);
        assert_eq!(read(":save a b.rhai "), Input::Command("save", "a b.rhai"));
        assert_eq!(read(":q"), Input::Command("q", ""));
        assert_eq!(read("?route.add"), Input::Question("route.add"));
        assert_eq!(read("!ns0 ip link"), Input::Program("ns0", "ip link"));
        assert_eq!(read("!ns0"), Input::Program("ns0", ""));
        assert_eq!(read("!ns0.ping(ns1).ok"), Input::Script("!ns0.ping(ns1).ok"));
        assert_eq!(read("!(1 == 2)"), Input::Script("!(1 == 2)"));
        assert_eq!(read("ip link show"), Input::Plain("ip link show"));
        assert_eq!(read("ping -c 1 10.0.0.1"), Input::Plain("ping -c 1 10.0.0.1"));
        assert_eq!(read("ip = 3"), Input::Script("ip = 3"));
        assert_eq!(read("ip.len()"), Input::Script("ip.len()"));
        assert_eq!(read("let x = 1"), Input::Script("let x = 1"));
    }
}
