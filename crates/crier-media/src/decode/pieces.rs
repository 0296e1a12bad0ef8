//! The parts of a file that a decoder may see, read as if they were one file.
//!
//! Promise: what is not listed reaches no decoder: no comment, no metadata, no later frame. Every read is short and asks the
//! deadline first, so a decoder that loops over its input stops in time.

use super::Deadline;
use std::io::{BufRead, Error, ErrorKind, Read, Result, Seek, SeekFrom};

/// Bytes between two looks at the deadline: at a thousand to one, what they unpack to is read in milliseconds.
const READ_MAX: usize = 8_192;

/// Slices, one after the other.
pub struct Pieces<'a> {
    pieces: Vec<&'a [u8]>,
    position: usize,
    deadline: Deadline<'a>,
}

impl<'a> Pieces<'a> {
    /// Reads these pieces until the deadline.
    pub fn new(pieces: Vec<&'a [u8]>, deadline: Deadline<'a>) -> Self {
        Self {
            pieces,
            position: 0,
            deadline,
        }
    }

    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.deadline.is_over() {
            return Err(Error::from(ErrorKind::TimedOut));
        }
        let mut before = 0;
        for piece in &self.pieces {
            let from = self.position - before;
            if let Some(rest) = piece.get(from..)
                && !rest.is_empty()
            {
                return Ok(&rest[..rest.len().min(READ_MAX)]);
            }
            before += piece.len();
        }
        Ok(&[])
    }

    fn consume(&mut self, count: usize) {
        self.position = (self.position + count).min(self.len());
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Seek for Pieces<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let signed = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let target = match to {
            SeekFrom::Start(at) => i64::try_from(at).unwrap_or(i64::MAX),
            SeekFrom::Current(by) => signed(self.position).saturating_add(by),
            SeekFrom::End(by) => signed(self.len()).saturating_add(by),
        };
        let position = usize::try_from(target).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        self.position = position.min(self.len());
        Ok(self.position as u64)
    }
}
