//! Bodies that carry client frames over plain HTTP: of the long poll and of posted frames (live 4.7).
//!
//! Knows nothing of what a connection's secret opens.

use super::Bye;
use super::client::{ClientFrame, Hello, Stop, frames_of, hello_of, sized};
use super::strict::{Json, Malformed};

/// The body of `POST /live/poll` (live 4.7). `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum PollBody {
    /// `{hello}`: opens.
    Open(Box<Hello>),
    /// `{connection, got, frames}`: the next poll.
    Next {
        /// The connection's secret.
        connection: String,
        /// The last `n` received; 0 before the first.
        got: u64,
        /// 0 to 64 frames: a poll may have nothing to say.
        frames: Vec<ClientFrame>,
    },
}

impl std::fmt::Debug for PollBody {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(hello) => write!(out, "Open({hello:?})"),
            Self::Next { got, frames, .. } => write!(out, "Next(got {got}, {frames:?})"),
        }
    }
}

/// The body of `POST /live/frames` (live 4.7). `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct PostedFrames {
    /// The connection's secret.
    pub connection: String,
    /// 1 to 64 frames.
    pub frames: Vec<ClientFrame>,
}

impl std::fmt::Debug for PostedFrames {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "PostedFrames({:?})", self.frames)
    }
}

impl PollBody {
    /// Reads the body.
    ///
    /// # Errors
    /// As `read_frames`.
    pub fn read(text: &str) -> Result<Self, Bye> {
        Ok(Self::of(sized(text)?)?)
    }

    fn of(body: Json<'_>) -> Result<Self, Stop> {
        let mut body = body.into_object()?;
        if let Some(hello) = body.take("hello") {
            return Ok(Self::Open(Box::new(hello_of(hello.into_object()?)?)));
        }
        let connection = body.text("connection")?.into_owned();
        let got = body.whole("got")?;
        let frames = body
            .take("frames")
            .map_or(Ok(Vec::new()), |frames| frames_of(frames, 0))?;
        Ok(Self::Next {
            connection,
            got,
            frames,
        })
    }
}

impl PostedFrames {
    /// Reads the body.
    ///
    /// # Errors
    /// As `read_frames`.
    pub fn read(text: &str) -> Result<Self, Bye> {
        Ok(Self::of(sized(text)?)?)
    }

    fn of(body: Json<'_>) -> Result<Self, Stop> {
        let mut body = body.into_object()?;
        Ok(Self {
            connection: body.text("connection")?.into_owned(),
            frames: frames_of(body.take("frames").ok_or(Malformed)?, 1)?,
        })
    }
}
