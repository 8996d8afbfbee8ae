//! Names of devices and namespaces: none that is accepted leaves its folder, is too long, or means something else to `ip`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsx::netns::NsName;
use nsx::ops::{IfName, Mac, Typed, Value};

fn is_plain(name: &str, longest: usize) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.len() <= longest && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain)
}

fuzz_target!(|text: &str| {
    let value = Value::Str(text.into());
    if let Some(meant) = IfName::mistaken(&value).and_then(|mistaken| mistaken.meant) {
        assert!(meant.parse::<IfName>().is_ok(), "{meant:?}");
    }
    if let Ok(name) = IfName::read(&value) {
        assert!(is_plain(name.as_str(), 15) && name.as_str() == text);
    }
    if let Ok(name) = NsName::read(&value) {
        assert!(is_plain(name.as_str(), 63) && name.as_str() == text);
    }
    let _ = Mac::read(&value).map(|read| read.spell());
});
