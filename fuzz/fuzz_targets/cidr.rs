//! Addresses and prefixes: what is accepted is spelled so that it reads back the same.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use nsx::ops::{Cidr, Prefix, Typed, Value};

fn again<T: Typed + PartialEq>(text: &str) {
    let value = Value::Str(text.into());
    T::mistaken(&value);
    if let Ok(read) = T::read(&value) {
        assert!(T::read(&Value::Str(read.spell())).as_ref() == Ok(&read), "{text:?}");
    }
}

fuzz_target!(|text: &str| {
    again::<Cidr>(text);
    again::<Prefix>(text);
    again::<IpAddr>(text);
});
