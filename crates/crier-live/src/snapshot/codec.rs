//! Numbers, texts and sealed blocks of a snapshot: the bytes, without what they mean.
//!
//! Promise: reading never panics and never asks for more memory than the bytes it was given; a block that was changed, moved, left
//! out or cut off is not given out, since each seal covers all blocks before it.

use crier_proto::digest::sha256;

/// Bytes of a seal: enough that no accident passes. A snapshot is as trusted as the folder it lies in.
const SEAL_BYTES: usize = 16;

type Seal = [u8; SEAL_BYTES];

fn seal_of(before: &Seal, tag: u8, payload: &[u8]) -> Seal {
    let digest = sha256(&[before, &[tag], payload]);
    let mut seal = Seal::default();
    seal.copy_from_slice(&digest[..SEAL_BYTES]);
    seal
}

/// The payload of one block as it is written.
#[derive(Debug, Default)]
pub(crate) struct Out(Vec<u8>);

impl Out {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    pub(crate) fn short(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn long(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// All bytes.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }

    /// How many of something follow.
    pub(crate) fn count(&mut self, items: usize) {
        self.short(u32::try_from(items).unwrap_or(u32::MAX));
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }
}

/// The payload of one block as it is read; every answer of nothing means that the block is not what it should be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    /// These bytes.
    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let [value] = self.array()?;
        Some(value)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn short(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.short()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    /// Reads as many as the count before them says.
    pub(crate) fn all<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        // The count is only believed one item after the other: nothing is set aside for it.
        let mut all = Vec::new();
        for _ in 0..self.short()? {
            all.push(read(self)?);
        }
        Some(all)
    }

    /// Nothing is left over.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A snapshot as it is written, block by block.
pub(crate) struct Blocks {
    bytes: Vec<u8>,
    seal: Seal,
}

impl Blocks {
    /// Begins with these words, which every seal covers.
    pub(crate) fn beginning(words: &[u8]) -> Self {
        Self {
            bytes: words.to_vec(),
            seal: seal_of(&Seal::default(), 0, words),
        }
    }

    /// Adds a block.
    pub(crate) fn add(&mut self, tag: u8, write: impl FnOnce(&mut Out)) {
        let mut out = Out::default();
        write(&mut out);
        let Out(payload) = out;
        self.seal = seal_of(&self.seal, tag, &payload);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&payload);
        self.bytes.extend_from_slice(&self.seal);
    }

    /// All bytes.
    pub(crate) fn done(self) -> Vec<u8> {
        self.bytes
    }
}

/// A snapshot as it is read, block by block.
pub(crate) struct Sealed<'a> {
    rest: In<'a>,
    seal: Seal,
}

impl<'a> Sealed<'a> {
    /// What follows these words; nothing when others stand there.
    pub(crate) fn beginning(words: &[u8], bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            rest: In(bytes.strip_prefix(words)?),
            seal: seal_of(&Seal::default(), 0, words),
        })
    }

    /// The next block, if its seal is right.
    pub(crate) fn next(&mut self) -> Option<(u8, In<'a>)> {
        let tag = self.rest.byte()?;
        let length = usize::try_from(self.rest.short()?).ok()?;
        let payload = self.rest.take(length)?;
        let seal = seal_of(&self.seal, tag, payload);
        self.seal = seal;
        (self.rest.array() == Some(seal)).then_some((tag, In(payload)))
    }

    /// Nothing is left over.
    pub(crate) fn end(&self) -> Option<()> {
        self.rest.end()
    }
}
