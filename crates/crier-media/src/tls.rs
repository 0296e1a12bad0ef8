//! TLS of outbound connections: versions 1.2 and 1.3, certificates judged as the system judges them (feed 7.4).
//!
//! Promise: nothing connects without a verified certificate. The system's certificates are read at the first need: a machine
//! without any still posts to `http://`.

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, Mutex, PoisonError};

/// The settings of outbound TLS, made once.
#[derive(Default)]
pub(crate) struct Tls(Mutex<Option<Arc<ClientConfig>>>);

impl Tls {
    /// TLS with given settings: other certificates than the system's.
    pub(crate) fn with(config: ClientConfig) -> Self {
        Self(Mutex::new(Some(Arc::new(config))))
    }

    /// The settings; what is missing is looked for again at the next need.
    ///
    /// # Errors
    /// The system has no certificates, in its words.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &*made {
            return Ok(Arc::clone(config));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|why| format!("the certificates of this system cannot be used: {why}"))?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::clone(made.insert(Arc::new(config))))
    }
}
