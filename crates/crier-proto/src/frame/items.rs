//! Whether a message that was refused as malformed held more items than permitted (live section 12, `frame_items`).
//!
//! Promise: asked only about what is refused already, it decides nothing but which bound is counted.

use super::strict::{Json, Object};
use super::{ACK_IDS_MAX, FRAMES_MAX};

/// Whether an array of frames, or the ids of one ack, are longer than live 4.1 and 4.2 permit: in a WebSocket message, an SSE body or
/// the `frames` of a poll.
#[must_use]
pub fn has_too_many_items(text: &str) -> bool {
    match Json::read(text) {
        Ok(Json::List(frames)) => too_many(&frames),
        Ok(Json::Object(object)) => match object.get("frames") {
            Some(Json::List(frames)) => too_many(frames),
            Some(_) | None => has_too_many_ids(&object),
        },
        Ok(_) | Err(_) => false,
    }
}

fn too_many(frames: &[Json<'_>]) -> bool {
    let with_ids = |frame: &Json<'_>| match frame {
        Json::Object(object) => has_too_many_ids(object),
        Json::Null | Json::Bool(_) | Json::Whole(_) | Json::OtherNumber | Json::Text(_) | Json::List(_) => {
            false
        }
    };
    frames.len() > FRAMES_MAX || frames.iter().any(with_ids)
}

fn has_too_many_ids(frame: &Object<'_>) -> bool {
    matches!(frame.get("ids"), Some(Json::List(ids)) if ids.len() > ACK_IDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_five_frames_and_257_ids_are_too_many_and_one_fewer_is_not() {
        let frames = |count: usize| format!("[{}]", vec![r#"{"type":"leave"}"#; count].join(","));
        let ack = |count: usize| format!(r#"{{"type":"ack","ids":[{}]}}"#, vec!["0"; count].join(","));
        for (text, too_many) in [
            (frames(64), false),
            (frames(65), true),
            (format!(r#"{{"connection":"c","frames":{}}}"#, frames(65)), true),
            (ack(256), false),
            (ack(257), true),
            (format!("[{}]", ack(257)), true),
            ("[".into(), false),
            ("7".into(), false),
        ] {
            assert_eq!(has_too_many_items(&text), too_many, "{text}");
        }
    }
}
