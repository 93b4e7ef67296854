//! The cursor that reads every field: it knows its position, so that each error can name it.
//!
//! Its input is what the caller of a `decode` function gave. It must never read past the end, and never copy.

use crate::error::{DecodeError, DecodeErrorKind, Field};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Octets<'a> {
    all: &'a [u8],
    position: usize,
}

impl<'a> Octets<'a> {
    pub(crate) fn new(all: &'a [u8]) -> Self {
        Octets { all, position: 0 }
    }

    /// The index of the next octet in the caller's octets.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.all.len() - self.position
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.all.get(self.position).copied()
    }

    #[inline]
    pub(crate) fn octet(&mut self, field: Field) -> Result<u8, DecodeError> {
        match self.all.get(self.position) {
            Some(&octet) => {
                self.position += 1;
                Ok(octet)
            }
            None => Err(self.error(field, DecodeErrorKind::Missing)),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize, field: Field) -> Result<&'a [u8], DecodeError> {
        let rest = &self.all[self.position..];
        if count > rest.len() {
            let kind = if rest.is_empty() {
                DecodeErrorKind::Missing
            } else {
                DecodeErrorKind::Truncated { needed: count, remaining: rest.len() }
            };
            return Err(self.error(field, kind));
        }
        self.position += count;
        Ok(&rest[..count])
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, field: Field) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, field)?);
        Ok(array)
    }

    pub(crate) fn error(&self, field: Field, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { field, octet: self.position, kind }
    }
}
