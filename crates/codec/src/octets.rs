//! Owns the cursor that every field is read with: it knows where it stands, so that each error can say so.
//!
//! Its input is whatever the caller of a `decode` gave. It must never read past the end and never copy.

use crate::error::{DecodeError, DecodeErrorKind, Field};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Octets<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Octets<'a> {
    pub(crate) fn new(all: &'a [u8]) -> Self {
        Octets { all, at: 0 }
    }

    /// Where the next octet stands, from the start of the caller's octets.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.all.len() - self.at
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.all.get(self.at).copied()
    }

    #[inline]
    pub(crate) fn octet(&mut self, field: Field) -> Result<u8, DecodeError> {
        match self.all.get(self.at) {
            Some(&octet) => {
                self.at += 1;
                Ok(octet)
            }
            None => Err(self.error(field, DecodeErrorKind::Missing)),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize, field: Field) -> Result<&'a [u8], DecodeError> {
        let rest = &self.all[self.at..];
        if count > rest.len() {
            let kind = if rest.is_empty() {
                DecodeErrorKind::Missing
            } else {
                DecodeErrorKind::Truncated { needed: count, left: rest.len() }
            };
            return Err(self.error(field, kind));
        }
        self.at += count;
        Ok(&rest[..count])
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, field: Field) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, field)?);
        Ok(array)
    }

    pub(crate) fn error(&self, field: Field, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { field, octet: self.at, kind }
    }
}
