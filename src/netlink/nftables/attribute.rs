//! Netlink attributes as nf_tables has them: numbers in network byte order, text that ends with a zero, attributes
//! within attributes.

use netlink_packet_core::DefaultNla;

const NESTED: u16 = 0x8000;
const KIND: u16 = 0x3fff;
const HEADER: usize = 4;

/// A list of attributes, in the form in which it travels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<u8>);

impl Attributes {
    /// Adds an attribute of any content.
    pub fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let length = (HEADER + value.len()) as u16;
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Adds text.
    pub fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes)
    }

    /// Adds a number of 32 bits.
    pub fn number(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Adds a number of 64 bits.
    pub fn long(self, kind: u16, value: u64) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Adds attributes as one attribute.
    pub fn nest(self, kind: u16, inner: Attributes) -> Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    /// The attributes as they travel.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The outermost attributes, for the crate that sends them.
    pub fn into_nlas(self) -> Vec<DefaultNla> {
        walk(&self.0)
            .map(|a| DefaultNla::new(a.raw_kind, a.value.to_vec()))
            .collect()
    }
}

/// One attribute that was read.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    /// What it is.
    pub kind: u16,
    /// Its content.
    pub value: &'a [u8],
    /// Where it begins in the list.
    pub start: usize,
    raw_kind: u16,
}

impl<'a> Attribute<'a> {
    /// Its content as text.
    pub fn text(&self) -> String {
        let text = self.value.split(|b| *b == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    /// Its content as a number of up to 64 bits.
    pub fn long(&self) -> u64 {
        self.value.iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
    }

    /// Its content as a number of up to 32 bits.
    pub fn number(&self) -> u32 {
        self.long() as u32
    }
}

/// Reads a list of attributes; what is cut off is left out.
pub fn walk(bytes: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let [l0, l1, k0, k1] = bytes.get(start..start + HEADER)?.try_into().ok()?;
        let (length, raw_kind) = (u16::from_ne_bytes([l0, l1]) as usize, u16::from_ne_bytes([k0, k1]));
        let value = bytes.get(start + HEADER..start + length)?;
        let attribute = Attribute {
            kind: raw_kind & KIND,
            value,
            start,
            raw_kind,
        };
        start += length.next_multiple_of(4);
        Some(attribute)
    })
}

/// The attribute of a kind.
pub fn find(bytes: &[u8], kind: u16) -> Option<Attribute<'_>> {
    walk(bytes).find(|a| a.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = Attributes::default()
            .text(1, "nsx")
            .nest(2, Attributes::default().number(3, 7).long(4, 1 << 40));
        let text = find(list.as_bytes(), 1).unwrap();
        let inner = find(list.as_bytes(), 2).unwrap();
        assert_eq!((text.text().as_str(), inner.start), ("nsx", 8));
        assert_eq!(find(inner.value, 3).unwrap().number(), 7);
        assert_eq!(find(inner.value, 4).unwrap().long(), 1 << 40);
        for cut in 0..list.as_bytes().len() {
            walk(&list.as_bytes()[..cut]).count();
        }
        // A length that says less than its own header must not turn in a circle.
        assert_eq!(walk(&[0, 0, 1, 0, 0, 0, 0, 0]).count(), 0);
    }
}
