//! The `fb_sig_*` sets, the hook sets and the five cookies that Crier signs (protocol section 19).

use crate::secret::Secret;

/// Signature of a set: names without their prefix, sorted, signed as protocol 6.1 says (protocol 19.1).
#[must_use]
pub fn sign(fields: &[(&str, &str)], secret: &Secret) -> String {
    let _ = (fields, secret);
    todo!()
}
