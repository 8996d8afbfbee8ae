//! The form of a solution: its calls, without what they are called with.

use super::lesson::{Block, Tongue};
use crate::diagnostics::scan::{Kind, tokens};

/// The code with `…` for its texts. Templates and numbers are part of the form.
pub fn form(block: &Block) -> String {
    match block.tongue {
        Tongue::Rhai => script(&block.code),
        Tongue::Shell | Tongue::Console => block.code.lines().map(|line| command(line) + "\n").collect(),
    }
}

fn script(code: &str) -> String {
    let mut form = String::with_capacity(code.len());
    let mut at = 0;
    for token in tokens(code) {
        form.push_str(&code[at..token.at.start]);
        form.push_str(match token.kind {
            Kind::Text => "\"…\"",
            _ => &code[token.at.clone()],
        });
        at = token.at.end;
    }
    form + &code[at..]
}

/// A program, its object and its verb.
fn command(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.len() {
        0..=3 => line.to_string(),
        _ => format!("{} …", words[..3].join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stay_and_what_is_given_to_them_goes() {
        let block = |tongue, code: &str| Block {
            info: String::new(),
            tongue,
            line: 1,
            code: code.into(),
        };
        assert_eq!(
            form(&block(
                Tongue::Rhai,
                "host.link.add(\"a\", #{ mtu: 1400 });\nfor i in 0..3 { x(`v${i}`); }\n"
            )),
            "host.link.add(\"…\", #{ mtu: 1400 });\nfor i in 0..3 { x(`v${i}`); }\n"
        );
        assert_eq!(
            form(&block(Tongue::Shell, "ip link add veth0 type veth\nip addr\n")),
            "ip link add …\nip addr\n"
        );
    }
}
