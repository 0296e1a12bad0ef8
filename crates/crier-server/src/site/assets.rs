//! Style and mark of the site, compiled in and served under the hash of their bytes, so that browsers may keep them for ever.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use rust_embed::RustEmbed;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "assets/site/"]
struct Files;

/// A file of the site.
struct Asset {
    /// As templates name it: `style.css`.
    source: String,
    /// As addresses name it: `style.0123456789abcdef.css`.
    name: String,
    bytes: Vec<u8>,
}

static ASSETS: LazyLock<Vec<Asset>> =
    LazyLock::new(|| Files::iter().filter_map(|source| asset(&source)).collect());

fn asset(source: &str) -> Option<Asset> {
    let file = Files::get(source)?;
    let digest = file.metadata.sha256_hash();
    let hash = crier_proto::digest::lower_hex(digest.get(..8)?);
    let (stem, extension) = source.rsplit_once('.')?;
    Some(Asset {
        source: source.to_owned(),
        name: format!("{stem}.{hash}.{extension}"),
        bytes: file.data.into_owned(),
    })
}

/// The hashed name of a file; the plain one if there is no such file, which then answers 404.
pub(crate) fn hashed(source: &str) -> &str {
    let found = ASSETS.iter().find(|asset| asset.source == source);
    found.map_or(source, |asset| asset.name.as_str())
}

/// The media type of a name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `/assets/<hashed name>`.
pub(crate) async fn get(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, media_type(&asset.name)),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
    ];
    (headers, asset.bytes.as_slice()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the files with these names, pictures left out.
    fn bytes_of(is_loaded: impl Fn(&str) -> bool) -> usize {
        let loaded = ASSETS
            .iter()
            .filter(|asset| !asset.source.ends_with(".svg") && is_loaded(&asset.source));
        loaded.map(|asset| asset.bytes.len()).sum()
    }

    #[test]
    fn style_and_script_of_a_feed_together_stay_below_24_kib() {
        for script in ["feed.js", "preferences.js"] {
            let bytes = bytes_of(|source| source == "style.css" || source == script);
            assert!(bytes > 0 && bytes <= 24 * 1024, "{script}: {bytes}");
        }
    }

    #[test]
    fn style_and_script_of_the_console_together_stay_below_40_kib() {
        let bytes = bytes_of(|source| source == "style.css" || source.starts_with("console"));
        assert!(bytes > 0 && bytes <= 40 * 1024, "{bytes}");
    }

    #[test]
    fn a_name_carries_the_hash_of_its_bytes() {
        let name = hashed("style.css");
        let hash = name
            .strip_prefix("style.")
            .and_then(|rest| rest.strip_suffix(".css"))
            .unwrap();
        assert_eq!(hash.len(), 16);
        assert_eq!(hashed("absent.css"), "absent.css");
    }

    #[test]
    fn the_style_asks_nothing_of_other_sites() {
        for asset in ASSETS.iter() {
            let text = String::from_utf8(asset.bytes.clone()).unwrap();
            let foreign = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !foreign.contains("://") && !foreign.contains("@import"),
                "{}",
                asset.source
            );
        }
    }
}
