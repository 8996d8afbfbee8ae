//! Durations, rates, sizes and chances: whatever number stands before the unit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsx::ops::{Chance, Rate, Size, Span, Typed, Value};

fuzz_target!(|text: &str| {
    let value = Value::Str(text.into());
    let _ = Span::read(&value).map(|read| read.spell());
    let _ = Rate::read(&value).map(|read| read.spell());
    let _ = Size::read(&value).map(|read| read.spell());
    let _ = Chance::read(&value).map(|read| read.spell());
});
