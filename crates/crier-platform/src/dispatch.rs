//! Raw call in, reply out: the street from end to end (architecture section 4).

use crate::model::message::Delivery;
use crate::ports::Ports;
use crier_proto::call::RequestParts;
use crier_proto::error::Code;
use crier_proto::ids::{AppId, Uid};
use crier_proto::render::Rendered;

/// An answer, ready to be written by the HTTP edge, and what a log line may say about the call.
#[derive(Debug)]
pub struct Answer {
    /// Body and media type.
    pub rendered: Rendered,
    /// For the `Crier-` headers of a successful `liveMessage.send` (protocol 13.11).
    pub delivery: Option<Delivery>,
    /// The error row, if it is an error document.
    pub error: Option<Code>,
    /// Canonical method name, when the call named a known one.
    pub method: Option<&'static str>,
    /// The application, once its key was known.
    pub app: Option<AppId>,
    /// The session's user, once the session was known.
    pub user: Option<Uid>,
}

/// The one door to all methods.
pub struct Dispatcher {
    ports: Ports,
}

impl Dispatcher {
    /// A dispatcher over these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Answers one request.
    pub async fn answer(&self, request: RequestParts) -> Answer {
        let _ = (request, &self.ports);
        todo!()
    }

    /// Error 2 in the asked format with empty `request_args`: what a draining server answers with HTTP 503 (protocol 2.4).
    #[must_use]
    pub fn draining(&self, request: RequestParts) -> Answer {
        let _ = request;
        todo!()
    }
}
