//! Packets on a stream, as RADIUS over TLS sends them (RFC 6613 section 2.6): the Length field is the frame.

use crate::packet::{HEADER, MAX_PACKET, Malformed};

/// Collects octets of a stream and cuts them into packets; holds at most one packet and what came with it.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    taken: usize,
}

impl Frames {
    /// Takes octets in. Feed pieces of bounded size and drain [`Frames::next_packet`] after each.
    pub fn feed(&mut self, octets: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(octets);
    }

    /// The next whole packet, for [`crate::Packet::read`]; `Ok(None)` while it is incomplete.
    ///
    /// # Errors
    /// [`Malformed`] if the length is impossible: the stream is then out of step and must be closed.
    pub fn next_packet(&mut self) -> Result<Option<&[u8]>, Malformed> {
        let waiting = self.bytes.get(self.taken..).unwrap_or_default();
        let [_, _, high, low, ..] = *waiting else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < HEADER {
            return Err(Malformed::LengthBelowHeader);
        }
        if length > MAX_PACKET {
            return Err(Malformed::LengthAboveMaximum);
        }
        let packet = waiting.get(..length);
        if packet.is_some() {
            self.taken += length;
        }
        Ok(packet)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(size: usize) -> Vec<u8> {
        let mut bytes = vec![1; size];
        bytes[2..4].copy_from_slice(&u16::try_from(size).unwrap().to_be_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn packets_come_out_however_the_stream_is_cut(
            sizes in proptest::collection::vec(20usize..=4096, 1..6),
            piece in 1usize..5000,
        ) {
            let stream: Vec<u8> = sizes.iter().flat_map(|size| packet(*size)).collect();
            let mut frames = Frames::default();
            let mut seen = Vec::new();
            for octets in stream.chunks(piece) {
                frames.feed(octets);
                while let Some(packet) = frames.next_packet().unwrap() {
                    seen.push(packet.len());
                }
            }
            prop_assert_eq!(seen, sizes);
        }
    }

    #[test]
    fn an_impossible_length_ends_the_stream() {
        let mut frames = Frames::default();
        frames.feed(&[1, 1, 0, 19]);
        assert_eq!(frames.next_packet(), Err(Malformed::LengthBelowHeader));
        let mut frames = Frames::default();
        frames.feed(&[1, 1, 0x10, 1]);
        assert_eq!(frames.next_packet(), Err(Malformed::LengthAboveMaximum));
    }
}
