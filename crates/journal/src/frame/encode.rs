//! Makes the bytes of a batch: frames, seal and link.

use super::{AT, CHAINED, FrameId, HEADER, Header, Link, SALT_BYTES, What};
use super::{encoded, fill_header, pad, seal_header, small, write_header};
use crate::record::{Class, Draft, Epoch, Position};

/// Encodes the frames of one batch into a buffer that is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    /// What the link covers, gathered so that BLAKE3 sees one long input.
    chained: Vec<u8>,
}

/// Where a batch goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) id: FrameId,
    pub(crate) first: Position,
    pub(crate) epoch: Epoch,
    pub(crate) link_before: Link,
}

impl Encoder {
    /// Frames and seal of `drafts`, and the chain's new link.
    pub(crate) fn encode<'a>(
        &mut self,
        place: Place,
        drafts: impl Iterator<Item = Draft<'a>>,
        salt: &mut dyn FnMut(&mut [u8]) -> std::io::Result<()>,
    ) -> std::io::Result<(&[u8], Link)> {
        self.bytes.clear();
        self.chained.clear();
        self.chained.extend_from_slice(&place.link_before);
        let mut records: u32 = 0;
        for draft in drafts {
            self.push(place, records, &draft, salt)?;
            records += 1;
        }
        let link = self.seal(place, records);
        Ok((&self.bytes, link))
    }

    fn push(
        &mut self,
        place: Place,
        index: u32,
        draft: &Draft<'_>,
        salt: &mut dyn FnMut(&mut [u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEADER]);
        let body_start = self.bytes.len();
        if draft.class == Class::Erasable {
            let mut fresh = [0; SALT_BYTES];
            salt(&mut fresh)?;
            self.bytes.extend_from_slice(&fresh);
        }
        self.bytes.extend_from_slice(draft.head);
        self.bytes.extend_from_slice(draft.payload);
        let body = &self.bytes[body_start..];
        let header = Header {
            body_bytes: small(body.len()),
            body_crc: crc32c::crc32c(body),
            what: What::Whole(draft.class),
            head_bytes: u16::try_from(draft.head.len()).expect("a batch takes no longer head"),
            payload_bytes: small(draft.payload.len()),
            kind: draft.kind,
            index,
            position: place.first.after(index.into()),
            at: draft.at_micros,
            digest: blake3::hash(body).into(),
        };
        self.bytes.resize(body_start + pad(body.len()), 0);
        let slot = (&mut self.bytes[start..start + HEADER]).try_into().expect("as long as a header");
        write_header(place.id, &header, slot);
        self.chained.extend_from_slice(&self.bytes[start + CHAINED..start + HEADER]);
        Ok(())
    }

    fn seal(&mut self, place: Place, records: u32) -> Link {
        let mut header = seal_header(place.first.after(records.into()), records, place.epoch);
        self.chained.extend_from_slice(&encoded(place.id, &header)[CHAINED..AT]);
        header.digest = blake3::hash(&self.chained).into();
        self.bytes.extend_from_slice(&encoded(place.id, &header));
        header.digest
    }
}

/// Adds a frame as it looks in another segment.
pub(crate) fn push_copy(frames: &mut Vec<u8>, id: FrameId, header: &Header, body: &[u8]) {
    frames.extend_from_slice(&encoded(id, header));
    frames.extend_from_slice(body);
    frames.resize(pad(frames.len()), 0);
}

/// Gathers headers as they are read and computes the link they should have.
#[derive(Debug, Default)]
pub(crate) struct Chained(Vec<u8>);

impl Chained {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn record(&mut self, header: &Header) {
        let mut bytes = [0; HEADER];
        fill_header(header, &mut bytes);
        self.0.extend_from_slice(&bytes[CHAINED..]);
    }

    /// The link of a batch of `records` up to `next`, given the one before it.
    pub(crate) fn link(&self, before: &Link, next: Position, records: u32) -> Link {
        let mut seal = [0; HEADER];
        fill_header(&seal_header(next, records, Epoch(0)), &mut seal);
        let mut hasher = blake3::Hasher::new();
        hasher.update(before);
        hasher.update(&self.0);
        hasher.update(&seal[CHAINED..AT]);
        hasher.finalize().into()
    }
}
