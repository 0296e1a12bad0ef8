//! What happens around every request, one behaviour per file.

pub mod bounds;
pub mod headers;
pub mod real_ip;
pub mod request_id;
