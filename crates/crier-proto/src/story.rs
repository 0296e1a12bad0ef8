//! Limits and shapes of a story (seed: Feed.publishStoryToUser, rules of operation; protocol 14.2, feed 2.8).

/// Title: displayed characters at most (seed: "limited to 60 displayed characters (excluding tags)").
pub const TITLE_CLUSTERS_MAX: usize = 60;
/// Body: displayed characters at most (seed: "limited to 200 displayed characters (excluding tags)").
pub const BODY_CLUSTERS_MAX: usize = 200;
/// Pictures at most (seed: "Up to 4 images can be displayed").
pub const IMAGES_MAX: usize = 4;
/// Side of a picture in pixels at most (seed: "shrunk to fit within 75x75 pixels").
pub const PICTURE_SIDE_MAX: u32 = 75;
/// Seconds between two stories of one application for one user (seed: "once every 12 hours for each user").
pub const WINDOW_SECS: i64 = 43_200;

/// Which schemes a link may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSchemes {
    /// `http://` or `https://`, letters in any case (`href`, picture sources).
    HttpOrHttpsAnyCase,
    /// Exactly `http://` (seed: "which must start with http://").
    HttpExactly,
    /// Exactly `http://` or `https://` (setting `image_links=http_https`).
    HttpOrHttpsExactly,
}

/// A link by protocol 1.2 and feed 2.8, in the URL parser's serialisation; `None` when it is not acceptable.
#[must_use]
pub fn read_link(text: &str, schemes: LinkSchemes) -> Option<String> {
    let _ = (text, schemes);
    todo!()
}

/// Where a picture comes from (feed 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// An address to fetch, canonical, without fragment.
    Url(String),
    /// An uploaded photo.
    Pid(crate::ids::Pid),
}

/// Reads `image_N`: a pid, else a URL; `None` when neither.
#[must_use]
pub fn read_image_source(text: &str) -> Option<ImageSource> {
    let _ = text;
    todo!()
}
