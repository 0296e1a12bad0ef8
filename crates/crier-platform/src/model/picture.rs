//! Our 75×75 results of strangers' images.

/// SHA-256 of a picture's bytes: its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureHash(pub [u8; 32]);

/// What a picture is encoded as (feed 7.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureType {
    /// Baseline JPEG, `.jpg`.
    Jpeg,
    /// PNG, `.png`.
    Png,
}

/// A picture as a slot shows it: its address and its size in pixels, 1 to 75 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotPicture {
    /// Its address.
    pub hash: PictureHash,
    /// The ending of its address.
    pub kind: PictureType,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}
