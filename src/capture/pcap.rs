//! The file format: a header of 24 bytes, then each packet behind one of 16. Little-endian, with nanoseconds.

use std::io::{self, Write};

use super::packet::Packet;

/// Says: little-endian, and times in nanoseconds.
const MAGIC: u32 = 0xa1b2_3c4d;

/// Writes a file.
pub(super) struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins the file: packets of one link type, of which at most `snaplen` bytes are kept.
    pub(super) fn new(mut out: W, link_type: u32, snaplen: u32) -> io::Result<Writer<W>> {
        let mut header = Vec::with_capacity(24);
        header.extend(MAGIC.to_le_bytes());
        header.extend(2u16.to_le_bytes());
        header.extend(4u16.to_le_bytes());
        // Time zone and precision of the times: always 0.
        header.extend([0; 8]);
        header.extend(snaplen.to_le_bytes());
        header.extend(link_type.to_le_bytes());
        out.write_all(&header)?;
        out.flush()?;
        Ok(Writer { out })
    }

    /// Writes a packet, `snaplen` bytes of it.
    pub(super) fn write(&mut self, packet: &Packet, snaplen: usize) -> io::Result<()> {
        let bytes = packet.bytes.get(..snaplen).unwrap_or(packet.bytes);
        let (seconds, nanoseconds) = packet.time;
        for number in [seconds, nanoseconds, bytes.len() as u32, packet.length as u32] {
            self.out.write_all(&number.to_le_bytes())?;
        }
        self.out.write_all(bytes)
    }

    /// Everything written so far is in the file when this returns.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_headers_and_its_packets() {
        let mut writer = Writer::new(Vec::new(), 1, 3).expect("a header");
        let packet = Packet {
            bytes: &[1, 2, 3, 4],
            length: 60,
            time: (5, 6),
            protocol: 0x0800,
            payload: &[],
        };
        writer.write(&packet, 3).expect("a packet");
        let file = writer.out;
        assert_eq!(file[..8], [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(file[16..24], [3, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(file[24..40], [5, 0, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 60, 0, 0, 0]);
        assert_eq!(file[40..], [1, 2, 3]);
    }
}
