//! The text of `ip route`.

use std::fmt;

use super::{NextHop, Realms, RouteFact, Via};

impl fmt::Display for RouteFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = &self.kind {
            write!(f, "{kind} ")?;
        }
        write!(f, "{} ", self.dst)?;
        self.path(f)?;
        self.decision(f)?;
        if let Some([metrics]) = &self.metrics {
            write!(f, "{metrics}")?;
        }
        word(f, "iif", self.iif.as_ref())?;
        if let Some(preference) = &self.pref {
            // A name follows its word; a number stands alone. Neither has a space behind it.
            let named = !preference.starts_with(|c: char| c.is_ascii_digit());
            write!(f, "{}{preference}", if named { "pref " } else { "" })?;
        }
        self.nexthops.iter().try_for_each(|hop| write!(f, "\n\tnexthop {hop}"))
    }
}

impl RouteFact {
    /// What the route is: its way, table and origin.
    fn path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        word(f, "from", self.from.as_ref())?;
        word(f, "nhid", self.nhid)?;
        word(f, "tos", self.tos.as_ref())?;
        word(f, "via", self.gateway.as_ref())?;
        word(f, "via", self.via.as_ref())?;
        word(f, "dev", self.dev.as_ref())?;
        word(f, "table", self.table.as_ref())?;
        word(f, "proto", self.protocol.as_ref())?;
        word(f, "scope", self.scope.as_ref())?;
        word(f, "src", self.prefsrc.as_ref())?;
        word(f, "metric", self.metric)?;
        self.flags.iter().try_for_each(|flag| write!(f, "{flag} "))
    }

    /// What is known of it beside: whom it was looked up for, how long it lives.
    fn decision(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mark {
            Some(mark) if mark >= 16 => write!(f, "mark {mark:#x} ")?,
            mark => word(f, "mark", mark)?,
        }
        if let Some(realms) = &self.flow {
            write!(f, "{realms}")?;
        }
        word(f, "uid", self.uid)?;
        match self.cache.as_deref() {
            Some([]) => write!(f, "\n    cache ")?,
            Some(flags) => write!(f, "\n    cache <{}> ", flags.join(","))?,
            None => {}
        }
        word(f, "expires", self.expires.map(|seconds| format!("{seconds}sec")))?;
        word(f, "error", self.error)
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        word(f, "via", self.gateway.as_ref())?;
        word(f, "via", self.via.as_ref())?;
        if let Some(realms) = &self.flow {
            write!(f, "{realms}")?;
        }
        write!(f, "dev {} weight {} ", self.dev, self.weight)?;
        self.flags.iter().try_for_each(|flag| write!(f, "{flag} "))
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.host)
    }
}

impl fmt::Display for Realms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Some(from) => write!(f, "realms {from}/{} ", self.to),
            None => write!(f, "realm {} ", self.to),
        }
    }
}

/// `KEY VALUE ` where there is a value.
fn word(f: &mut fmt::Formatter<'_>, key: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, "{key} {value} "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// `fields` as `ip -j route` said them, with the text of `ip route`.
    #[track_caller]
    fn check(fields: Value, text: &str) {
        let fact: RouteFact = serde_json::from_value(fields.clone()).unwrap();
        assert_eq!(fact.to_string(), text);
        assert_eq!(serde_json::to_value(&fact).unwrap(), fields);
    }

    #[test]
    fn plain_routes() {
        check(
            json!({"dst": "default", "gateway": "10.1.1.1", "dev": "e0", "flags": []}),
            "default via 10.1.1.1 dev e0 ",
        );
        check(
            json!({"dst": "10.0.0.0/24", "dev": "e0", "protocol": "kernel", "scope": "link", "prefsrc": "10.0.0.1",
                "flags": ["linkdown"]}),
            "10.0.0.0/24 dev e0 proto kernel scope link src 10.0.0.1 linkdown ",
        );
        check(
            json!({"type": "unreachable", "dst": "10.67.0.0/16", "metric": 5, "flags": []}),
            "unreachable 10.67.0.0/16 metric 5 ",
        );
        check(
            json!({"dst": "1.2.3.5", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "e0", "flags": ["onlink"]}),
            "1.2.3.5 via inet6 fe80::1 dev e0 onlink ",
        );
        check(
            json!({"dst": "1.2.8.0/24", "tos": "EF", "dev": "e0", "table": "100", "protocol": "openr", "scope": "50",
                "flags": [], "flow": {"from": "5", "to": "7"}}),
            "1.2.8.0/24 tos EF dev e0 table 100 proto openr scope 50 realms 5/7 ",
        );
    }

    #[test]
    fn several_next_hops() {
        check(
            json!({"dst": "10.9.0.0/16", "nhid": 7, "flags": [], "nexthops": [
                {"gateway": "10.0.0.2", "flow": {"to": "4"}, "dev": "e0", "weight": 1, "flags": ["dead", "linkdown"]},
                {"via": {"family": "inet6", "host": "fe80::5"}, "dev": "e1", "weight": 2, "flags": []}]}),
            "10.9.0.0/16 nhid 7 \n\tnexthop via 10.0.0.2 realm 4 dev e0 weight 1 dead linkdown \n\t\
             nexthop via inet6 fe80::5 dev e1 weight 2 ",
        );
    }

    #[test]
    fn routes_of_ipv6() {
        check(
            json!({"dst": "2001:db8:c::/48", "from": "2001:db8:1::/64", "gateway": "fe80::2", "dev": "e0",
                "metric": 1024, "flags": [], "pref": "medium"}),
            "2001:db8:c::/48 from 2001:db8:1::/64 via fe80::2 dev e0 metric 1024 pref medium",
        );
        check(
            json!({"dst": "2001:db8:9::/48", "metric": 1024, "flags": [], "pref": "medium", "nexthops": [
                {"gateway": "fe80::1", "dev": "e2", "weight": 1, "flags": []}]}),
            "2001:db8:9::/48 metric 1024 pref medium\n\tnexthop via fe80::1 dev e2 weight 1 ",
        );
        check(
            json!({"dst": "2001:db8:a::/48", "gateway": "fe80::1", "dev": "e0", "metric": 1024, "flags": [],
                "expires": 499, "metrics": [{"mtu": 1400, "advmss": 1300, "hoplimit": 44, "lock": ["mtu"]}], "pref": "high"}),
            "2001:db8:a::/48 via fe80::1 dev e0 metric 1024 expires 499sec mtu lock 1400 advmss 1300 hoplimit 44 pref high",
        );
    }

    #[test]
    fn decisions() {
        check(
            json!({"dst": "8.8.8.8", "gateway": "10.0.0.3", "dev": "e0", "table": "100", "prefsrc": "10.0.0.1",
                "flags": [], "mark": 20, "uid": 0, "cache": []}),
            "8.8.8.8 via 10.0.0.3 dev e0 table 100 src 10.0.0.1 mark 0x14 uid 0 \n    cache ",
        );
        check(
            json!({"type": "local", "dst": "10.0.0.1", "from": "10.5.0.9", "dev": "lo", "table": "local", "flags": [],
                "mark": 3, "cache": ["local", "src-direct"], "iif": "e0x"}),
            "local 10.0.0.1 from 10.5.0.9 dev lo table local mark 3 \n    cache <local,src-direct> iif e0x ",
        );
        check(
            json!({"dst": "10.2.0.1", "dev": "x0", "flags": [], "uid": 0, "cache": [], "expires": 597,
                "metrics": [{"mtu": 1300}]}),
            "10.2.0.1 dev x0 uid 0 \n    cache expires 597sec mtu 1300 ",
        );
    }
}
