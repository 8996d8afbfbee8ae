//! Netlink attributes as bytes: what the library has no types for.

use netlink_packet_core::{DefaultNla, Emitable, Nla};
use netlink_packet_route::tc::{TcAttribute, TcMessage, TcOption};

/// The attribute that holds what is particular to a kind.
const TCA_OPTIONS: u16 = 2;

/// The length of an attribute's header.
const HEADER: usize = 4;

/// Attributes one after another, perhaps after a C struct.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A struct of numbers.
    pub(super) fn numbers(mut self, numbers: impl IntoIterator<Item = u32>) -> Writer {
        self.0.extend(numbers.into_iter().flat_map(u32::to_ne_bytes));
        self
    }

    /// Bytes as they are.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Writer {
        self.0.extend(bytes);
        self
    }

    /// An attribute.
    pub(super) fn attribute(mut self, kind: u16, payload: &[u8]) -> Writer {
        let length = u16::try_from(HEADER + payload.len()).expect("an attribute fits its length");
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// An attribute, if there is something to put into it.
    pub(super) fn maybe(self, kind: u16, payload: Option<impl AsRef<[u8]>>) -> Writer {
        match payload {
            Some(payload) => self.attribute(kind, payload.as_ref()),
            None => self,
        }
    }

    /// An attribute that is a number, if there is one.
    pub(super) fn number(self, kind: u16, number: Option<u32>) -> Writer {
        self.maybe(kind, number.map(u32::to_ne_bytes))
    }

    /// What has been written.
    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// The attribute `wanted` of those that stand one after another in `bytes`.
pub(super) fn find(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let [l0, l1, t0, t1, ..] = *bytes {
        let (length, kind) = (u16::from_ne_bytes([l0, l1]).into(), u16::from_ne_bytes([t0, t1]));
        let payload = bytes.get(HEADER..length)?;
        if kind & 0x3fff == wanted {
            return Some(payload);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// The number with this index in a struct of numbers.
pub(super) fn number(bytes: &[u8], index: usize) -> Option<u32> {
    let four = bytes.get(index * 4..index * 4 + 4)?;
    four.try_into().ok().map(u32::from_ne_bytes)
}

/// An attribute of 64 bits.
pub(super) fn long(bytes: &[u8], wanted: u16) -> Option<u64> {
    find(bytes, wanted)?.try_into().ok().map(u64::from_ne_bytes)
}

/// Puts a kind and its options into a message.
pub(super) fn put(message: &mut TcMessage, kind: &str, options: Option<Vec<u8>>) {
    message.attributes.push(TcAttribute::Kind(kind.to_string()));
    let nla = options.map(|bytes| TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, bytes)));
    message.attributes.extend(nla);
}

/// The kind that a message names.
pub(super) fn kind(message: &TcMessage) -> Option<&str> {
    message.attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Kind(kind) => Some(kind.as_str()),
        _ => None,
    })
}

/// The options in a message, as the kernel sent them: the library has taken some of them apart.
pub(super) fn options(message: &TcMessage) -> Option<Vec<u8>> {
    let options = message.attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    })?;
    if let [TcOption::Other(whole)] = options.as_slice()
        && whole.kind() == TCA_OPTIONS
    {
        let mut bytes = vec![0; whole.value_len()];
        whole.emit_value(&mut bytes);
        return Some(bytes);
    }
    let mut bytes = vec![0; options.as_slice().buffer_len()];
    options.as_slice().emit(&mut bytes);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found() {
        let bytes = Writer::default()
            .attribute(1, &[1, 2, 3])
            .number(2, Some(7))
            .number(3, None)
            .maybe(4, Some(9u64.to_ne_bytes()))
            .done();
        assert_eq!(find(&bytes, 1), Some(&[1, 2, 3][..]));
        assert_eq!(find(&bytes, 2).and_then(|four| number(four, 0)), Some(7));
        assert_eq!(find(&bytes, 3), None);
        assert_eq!(long(&bytes, 4), Some(9));
        for cut in 0..bytes.len() {
            find(&bytes[..cut], 4);
        }
    }

    #[test]
    fn options_are_bytes_whatever_the_library_made_of_them() {
        let mut message = TcMessage::default();
        put(&mut message, "tbf", None);
        assert_eq!((kind(&message), options(&message)), (Some("tbf"), None));
        message
            .attributes
            .push(TcAttribute::Options(vec![TcOption::Other(DefaultNla::new(
                2,
                vec![5; 8],
            ))]));
        assert_eq!(options(&message), Some(vec![5; 8]));
    }
}
