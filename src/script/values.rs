//! Values between Rhai and the waist.

use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map};
use serde_json::Value as Json;

use super::handles::{CaptureHandle, NetnsHandle, ProcessHandle};
use crate::ops::{Answer, Shape, Value};

/// A script's value, unchecked.
pub(super) fn argument(value: &Dynamic) -> Value {
    let value = value.flatten_clone();
    if value.is_unit() {
        Value::Unit
    } else if let Ok(flag) = value.as_bool() {
        Value::Bool(flag)
    } else if let Ok(number) = value.as_int() {
        Value::Int(number)
    } else if let Ok(number) = value.as_float() {
        Value::Float(number)
    } else if let Ok(letter) = value.as_char() {
        Value::Str(letter.into())
    } else if let Some(text) = value.read_lock::<ImmutableString>() {
        Value::Str(text.to_string())
    } else if let Some(items) = value.read_lock::<Array>() {
        Value::List(items.iter().map(argument).collect())
    } else if let Some(map) = value.read_lock::<Map>() {
        Value::Map(
            map.iter()
                .map(|(key, value)| (key.to_string(), argument(value)))
                .collect(),
        )
    } else if let Some(netns) = value.read_lock::<NetnsHandle>() {
        Value::Netns(netns.0.clone())
    } else {
        Value::Other(type_name(&value).to_string())
    }
}

/// What kind of value it is, in a script author's words.
pub(super) fn type_name(value: &Dynamic) -> &'static str {
    if value.is::<FnPtr>() {
        "function"
    } else if value.is::<ProcessHandle>() {
        "process"
    } else if value.is::<CaptureHandle>() {
        "capture"
    } else if value.is_unit() {
        "nothing"
    } else {
        "other"
    }
}

/// A verb's answer as a script's value. What came from the kernel is tagged with its shape, so that it
/// prints as `ip` prints it.
pub(super) fn answer(answer: Answer) -> Dynamic {
    match answer {
        Answer::None | Answer::Process(_) | Answer::Capture(_) => Dynamic::UNIT,
        Answer::Text(text) => text.into(),
        Answer::Names(names) => names.into_iter().map(Dynamic::from).collect::<Array>().into(),
        Answer::Netns(name) => Dynamic::from(NetnsHandle(name)),
        Answer::One(shape, fact) => tagged(dynamic(fact), shape),
        Answer::Many(shape, facts) => {
            let facts: Array = facts.into_iter().map(|fact| tagged(dynamic(fact), shape)).collect();
            tagged(facts.into(), shape)
        }
    }
}

fn tagged(mut value: Dynamic, shape: Shape) -> Dynamic {
    value.set_tag(shape as i32);
    value
}

/// Plain data as a script's value.
pub(super) fn dynamic(data: Json) -> Dynamic {
    match data {
        Json::Null => Dynamic::UNIT,
        Json::Bool(flag) => flag.into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(fraction)) => fraction.into(),
            (None, None) => Dynamic::UNIT,
        },
        Json::String(text) => text.into(),
        Json::Array(items) => items.into_iter().map(dynamic).collect::<Array>().into(),
        Json::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key.into(), dynamic(value)))
            .collect::<Map>()
            .into(),
    }
}

/// A script's value as plain data; what has no data form becomes its name.
pub(super) fn data(value: Value) -> Json {
    match value {
        Value::Unit => Json::Null,
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Str(text) => text.into(),
        Value::List(items) => items.into_iter().map(data).collect(),
        Value::Map(map) => map.into_iter().map(|(key, value)| (key, data(value))).collect(),
        Value::Netns(name) => name.as_str().into(),
        Value::Other(name) => name.into(),
    }
}
