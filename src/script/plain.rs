//! Lines of `ip` and its kin, read as the script that does the same.

use std::sync::Arc;

use super::{Syntax, Variable};
use crate::diagnostics::{Frame, Report, Source};
use crate::netns::NsName;
use crate::ops::call::by_name;
use crate::shell::{self, Statement, What};

/// What a line comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Understood {
    /// The script that does the same; empty where there is nothing to do.
    pub script: String,
    /// The namespace that further lines mean, where this one says so: `ip netns exec ns0 bash`, `exit`.
    pub netns: Option<NsName>,
}

/// What a line means in a namespace. The script calls a namespace by a variable that holds it, where there is one.
pub fn understand(line: &str, netns: &NsName, variables: &[Variable]) -> Result<Understood, Box<Report>> {
    let name = |netns: &NsName| {
        let holds = |variable: &&Variable| variable.netns.as_ref() == Some(netns);
        let variable = variables.iter().find(holds).map(|variable| variable.name.clone());
        variable.filter(|_| !netns.is_host()).unwrap_or_else(|| by_name(netns))
    };
    let statements = shell::read(line, netns).map_err(|misread| {
        let source = Source {
            name: "line".into(),
            text: Arc::from(line),
        };
        let before = line.get(..misread.place.start).unwrap_or(line);
        let mut report = Report::from(misread.problem);
        report.frames.push(Frame {
            source: Some(Arc::new(source)),
            line: 1,
            column: before.chars().count() + 1,
            function: None,
        });
        Box::new(report)
    })?;
    let enters = statements.iter().rev().find_map(|statement| match &statement.what {
        What::Enter(netns) => Some(netns.clone()),
        What::Leave => Some(NsName::host()),
        _ => None,
    });
    let acts = statements
        .iter()
        .filter(|statement| !matches!(statement.what, What::Enter(_) | What::Leave));
    let script: Vec<String> = acts.map(|statement| said(statement, &name)).collect();
    Ok(Understood {
        script: script.join("; "),
        netns: enters,
    })
}

fn said(statement: &Statement, name: &dyn Fn(&NsName) -> String) -> String {
    let script = statement.script(name);
    // What is made gets the name that a script would give it.
    let made = statement
        .call()
        .filter(|call| call.noun == "netns" && call.verb == "add");
    let named = made.and_then(|_| script.split('"').nth(1)).filter(|name| is_name(name));
    match named {
        Some(variable) => format!("let {variable} = {script}"),
        None if statement.may_fail => format!("try {{ {script} }} catch {{ }}"),
        None => script,
    }
}

/// Whether a variable can be called so.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && Syntax::new().is_script(&format!("let {name} = 1;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(line: &str, netns: &str) -> String {
        let variables = [Variable {
            name: "left".into(),
            kind: "a netns",
            netns: "ns1".parse().ok(),
        }];
        let netns = netns.parse().expect("a name");
        understand(line, &netns, &variables).expect("it is understood").script
    }

    #[test]
    fn lines_become_scripts() {
        assert_eq!(script("ip netns add ns0", "host"), "let ns0 = netns::add(\"ns0\")");
        assert_eq!(script("ip netns add switch", "host"), "netns::add(\"switch\")");
        assert_eq!(
            script("ip link set lo up", "ns0"),
            "netns::get(\"ns0\").link.set(\"lo\", #{ up: true })"
        );
        assert_eq!(
            script("sudo ip -n ns1 link set lo up", "host"),
            "left.link.set(\"lo\", #{ up: true })"
        );
    }

    #[test]
    fn a_shell_in_a_namespace_is_entered() {
        let host = NsName::host();
        let entered = understand("ip netns exec ns0 bash", &host, &[]).expect("it is understood");
        assert_eq!(entered.netns, "ns0".parse().ok());
        assert_eq!(entered.script, "");
        assert!(understand("ip link set eth0 mtu many", &host, &[]).is_err());
    }
}
