//! Our 75×75 results of strangers' images.

/// SHA-256 of a picture's bytes: its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureHash(pub [u8; 32]);
