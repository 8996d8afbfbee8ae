//! The arguments and options of every verb: what is accepted is spelled, and is the same again as data.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use nsx::netns::NsName;
use nsx::ops::{Act, Args, NOUNS, Op, Value, Verb};

/// A verb that changes something, and what it is given.
#[derive(Debug)]
struct Call {
    verb: &'static str,
    change: fn(Args) -> nsx::error::Result<nsx::ops::Change>,
    given: Vec<Value>,
    options: BTreeMap<String, Value>,
}

impl<'a> Arbitrary<'a> for Call {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Call> {
        let all: Vec<&Verb> = NOUNS.iter().flat_map(|noun| noun.verbs).collect();
        let verb = input.choose(&all)?;
        let Act::Change(change) = verb.act else {
            return Err(arbitrary::Error::IncorrectFormat);
        };
        let keys: Vec<&str> = verb.keys.iter().copied().flatten().map(|key| key.name).collect();
        let given = (0..input.int_in_range(0..=2)?).map(|_| value(input, 2)).collect::<arbitrary::Result<_>>()?;
        let mut options = BTreeMap::new();
        for _ in 0..input.int_in_range(0..=4)? {
            let key = if keys.is_empty() { input.arbitrary::<&str>()? } else { input.choose(&keys)? };
            options.insert(key.to_string(), value(input, 2)?);
        }
        Ok(Call {
            verb: verb.name,
            change,
            given,
            options,
        })
    }
}

fn value(input: &mut Unstructured, depth: u8) -> arbitrary::Result<Value> {
    Ok(match input.int_in_range(0..=if depth == 0 { 6 } else { 8 })? {
        0 => Value::Unit,
        1 => Value::Bool(input.arbitrary()?),
        2 => Value::Int(input.arbitrary()?),
        3 => Value::Float(input.arbitrary()?),
        4 => Value::Netns(NsName::host()),
        5 | 6 => Value::Str(input.arbitrary()?),
        7 => Value::List((0..input.int_in_range(0..=2)?).map(|_| value(input, depth - 1)).collect::<arbitrary::Result<_>>()?),
        _ => {
            let mut map = BTreeMap::new();
            for _ in 0..input.int_in_range(0..=2)? {
                let key = *input.choose(&["name", "netns", "via", "dev", "weight", "mtu", "x"])?;
                map.insert(key.to_string(), value(input, depth - 1)?);
            }
            Value::Map(map)
        }
    })
}

fuzz_target!(|call: Call| {
    let Ok(change) = (call.change)(Args::new(call.given, call.options)) else {
        return;
    };
    let op = Op {
        netns: NsName::host(),
        change,
    };
    assert!(!op.spell().is_empty(), "{}", call.verb);
    let data = serde_json::to_value(&op).expect("an operation is plain data");
    assert!(serde_json::from_value::<Op>(data.clone()).is_ok_and(|back| back == op), "{data}");
});
