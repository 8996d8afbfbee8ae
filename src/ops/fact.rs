//! What is: data as the kernel reported it, with the field names of `ip -j`, and its printed form.
//!
//! A fact is a JSON object in the waist; the noun it belongs to has the typed form, which says both the
//! fields and the text that `ip` prints.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{addr, bridge, link, neigh, qdisc, route, rule, ruleset, wg};
use crate::probe::ping::Report;
use crate::probe::traceroute::Hop;

/// Declares the shapes once: each with its number, and the typed form that says how it prints.
macro_rules! shapes {
    ($($(#[doc = $doc:literal])+ $shape:ident: $print:expr;)*) => {
        /// What a fact is of; how it prints follows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(i32)]
        pub enum Shape {
            /// No special form: a map.
            Plain,
            $($(#[doc = $doc])+ $shape,)*
        }

        impl Shape {
            /// The shape with this number (`shape as i32`).
            pub fn from_number(number: i32) -> Option<Shape> {
                [Shape::Plain, $(Shape::$shape),*].into_iter().find(|shape| *shape as i32 == number)
            }

            /// The facts as the command prints them, without a last newline. Nothing where a fact has been
            /// changed so that it is none any more.
            pub fn print(self, facts: Vec<Json>) -> Option<String> {
                let print: fn(Vec<Json>) -> Option<String> = match self {
                    Shape::Plain => |_| None,
                    $(Shape::$shape => $print,)*
                };
                print(facts)
            }
        }
    };
}

shapes! {
    /// `ip link`.
    Link: lines::<link::fact::LinkFact>;
    /// `ip addr`.
    Addr: lines::<addr::fact::AddrFact>;
    /// `ip route`.
    Route: lines::<route::fact::RouteFact>;
    /// `ip neigh`.
    Neigh: lines::<neigh::NeighFact>;
    /// `ip rule`.
    Rule: lines::<rule::fact::RuleFact>;
    /// `bridge -d link`.
    BridgeLink: lines::<bridge::link::PortFact>;
    /// `bridge fdb`.
    BridgeFdb: lines::<bridge::fdb::EntryFact>;
    /// `bridge vlan`.
    BridgeVlan: |facts| bridge::vlan::table(lines::<bridge::vlan::PortFact>(facts));
    /// `tc qdisc`.
    Qdisc: lines::<qdisc::QdiscFact>;
    /// `tc class`.
    Class: lines::<qdisc::ClassFact>;
    /// A rule of `nft list ruleset`.
    Ruleset: lines::<ruleset::RuleFact>;
    /// `wg show`.
    Wg: lines::<wg::fact::WgFact>;
    /// `ping`.
    Ping: lines::<Report>;
    /// A hop of `traceroute`.
    Hop: lines::<Hop>;
}

fn lines<F: DeserializeOwned + Display>(facts: Vec<Json>) -> Option<String> {
    let texts: Option<Vec<String>> = facts
        .into_iter()
        .map(|fact| serde_json::from_value::<F>(fact).ok().map(|fact| fact.to_string()))
        .collect();
    texts.map(|texts| texts.join("\n"))
}

/// A typed fact as data.
pub fn json(fact: &impl Serialize) -> Json {
    serde_json::to_value(fact).expect("facts are plain data")
}
