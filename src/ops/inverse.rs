//! What undoes a change.

use serde::{Deserialize, Serialize};

use serde_json::Value as Json;

use super::{Args, Change, Op, Options, Typed, Value};
use crate::netns::NsName;

/// What undoes an operation, as plain data; found in the state before the operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inverse {
    /// These operations, in this order. None, where the operation changed nothing.
    By(Vec<Op>),
    /// Nothing undoes it, because of this.
    Cannot(String),
}

impl Inverse {
    /// These changes, in a namespace.
    pub fn changes(netns: &NsName, changes: impl IntoIterator<Item = impl Into<Change>>) -> Inverse {
        let op = |change: _| Op {
            netns: netns.clone(),
            change: Into::into(change),
        };
        Inverse::By(changes.into_iter().map(op).collect())
    }
}

/// Options made of what facts say of them; nothing where a fact has a value that no call can give. Keys that are null
/// are not given.
pub(super) fn options<O: Options>(facts: Json) -> Option<O> {
    let Value::Map(mut given) = Value::from(facts) else {
        return None;
    };
    given.retain(|_, value| *value != Value::Unit);
    O::take(&mut Args::new(Vec::new(), given)).ok()
}

/// A typed value, read from the text in a fact.
pub(super) fn read<T: Typed>(text: &str) -> Option<T> {
    T::read(&Value::Str(text.to_string())).ok()
}
