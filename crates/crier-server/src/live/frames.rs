//! `POST /live/frames`: what the pages of a stream or a long poll say (live 4.7, 4.10). Holds no rule; those are the hub's.
//!
//! Promise: 204 means that every frame was done, after those of the posts before it and before those of the posts after it.

use super::answers;
use super::errands::Door;
use axum::body::Body;
use crier_live::hub::Refused;
use crier_live::link::Opening;
use crier_proto::frame::{Bye, PostedFrames};
use http::{Response, StatusCode};

/// Hands posted frames to their connection; the replies come on its stream or with its next poll.
pub async fn take(door: &Door, from: &Opening, text: &str) -> Response<Body> {
    match taken(door, from, text).await {
        Ok(()) => answers::status(StatusCode::NO_CONTENT),
        Err(refused) => answers::refusal(refused),
    }
}

async fn taken(door: &Door, from: &Opening, text: &str) -> Result<(), Refused> {
    let hub = &door.hub;
    let posted = PostedFrames::read(text).map_err(|bye| hub.refused_body(bye, text))?;
    let link = hub.posted(&posted.connection, from)?;
    let frames = hub.received_posted(&link, posted.frames)?;
    let turn = link.posting().await;
    if !hub.is_open(&link) {
        // It has ended while this post waited for those before it: nothing of it is done, and its client is told so.
        return Err(hub.refusal(&link).unwrap_or((Bye::ConnectionUnknown, None)));
    }
    door.run_all(frames, &link).await;
    drop(turn);
    Ok(())
}
