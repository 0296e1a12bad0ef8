//! The `fb_sig_*` sets, the hook sets and the five cookies that Crier signs (protocol section 19).
//!
//! Knows nothing of what is in a set: it signs what it is given, in the order the rule gives it.

use crate::digest;
use crate::secret::Secret;
use crate::signature;

/// First line of the text that `crier_sig` signs (protocol 19.7).
const CRIER_SIG_HEAD: &str = "crier-set-sha256-1\n";

/// The fields in byte order of their names.
fn sorted<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    sorted
}

/// Signature of a set: names without their prefix, sorted, signed as protocol 6.1 says (protocol 19.1).
#[must_use]
pub fn sign(fields: &[(&str, &str)], secret: &Secret) -> String {
    signature::sign_v1(&signature::joined(&sorted(fields)), secret)
}

/// `crier_sig` of a set: 64 lower-case digits of HMAC-SHA-256, for applications whose `signature` is `hmac` (protocol 19.7).
#[must_use]
pub fn crier_sig(fields: &[(&str, &str)], secret: &Secret) -> String {
    let line = signature::encoded_line(&sorted(fields));
    let parts = [CRIER_SIG_HEAD.as_bytes(), line.as_bytes()];
    digest::lower_hex(&digest::hmac_sha256(secret.expose().as_bytes(), &parts))
}

/// A set as the body of a form: percent-encoded pairs in the order given (protocol 19.6).
#[must_use]
pub fn urlencoded(pairs: &[(&str, &str)]) -> String {
    signature::encoded_line(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn the_set_of_a_canvas_page_has_the_signature_of_vector_v13() {
        let fields = [
            ("user", "1240077"),
            ("time", "1217611242.1234"),
            ("session_key", "acacbdbd010123237878dede-1240077"),
            ("request_method", "GET"),
            ("in_canvas", "1"),
            ("friends", "1240078,1240079"),
            ("expires", "1217697600"),
            ("api_key", "0123456789abcdef0123456789abcdef"),
            ("added", "1"),
        ];
        assert_eq!(
            sign(&fields, &Secret::new(SECRET)),
            "d82b663e119869f296963caeed1ae1d0"
        );
    }

    #[test]
    fn the_cookie_set_has_the_signature_of_vector_v14() {
        let fields = [
            ("user", "1240077"),
            ("session_key", "acacbdbd010123237878dede-1240077"),
            ("expires", "1217697600"),
            ("ss", "00112233445566778899aabbccddeeff"),
        ];
        assert_eq!(
            sign(&fields, &Secret::new(SECRET)),
            "42b8639060ba5cb02e562e98475a96c4"
        );
    }

    #[test]
    fn crier_sig_signs_the_encoded_line_below_its_own_head() {
        let mac = digest::hmac_sha256(SECRET.as_bytes(), &[b"crier-set-sha256-1\na=%20&b=1"]);
        assert_eq!(
            crier_sig(&[("b", "1"), ("a", " ")], &Secret::new(SECRET)),
            digest::lower_hex(&mac)
        );
    }
}
