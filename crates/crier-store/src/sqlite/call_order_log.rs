//! The file `call_order.log`: what live calls leave behind without waiting for a disk (live 2.4).
//!
//! A sequence of records and nothing else. Numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind: 1 accepted call_id, 2 moved expiry, 3 forget the call order of the session |
//! | 1 | length n of the text, 0 to 139 |
//! | 8 | session |
//! | n | kind 1: the value as `Decimal::sortable` gives it · kind 2: Unix seconds, 8 bytes · kind 3: nothing |
//! | 4 | first bytes of SHA-256 over all before |
//!
//! Later records outrank earlier ones. A record that is cut or does not match its checksum ends the file: only the tail can
//! be torn, because each record is one write to the end, and a write that came out short is cut off again at once.
//! Knows nothing of sessions, of folding, or of who may write.

use crier_platform::model::session::SessionId;
use crier_proto::decimal::Decimal;
use crier_proto::digest::sha256;

/// Bytes of a record around its text.
const FRAME_BYTES: usize = 14;
const HEAD_BYTES: usize = 10;
const TEXT_BYTES_MAX: usize = 139;

/// What one record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A value was accepted.
    Call(SessionId, Decimal),
    /// A session lasts until these Unix seconds.
    Expiry(SessionId, i64),
    /// Everything before is forgotten.
    Forget(SessionId),
}

impl Record {
    /// The bytes to append, in one write.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Call(session, value) => frame(1, *session, value.sortable().as_bytes()),
            Self::Expiry(session, expires) => frame(2, *session, &expires.to_le_bytes()),
            Self::Forget(session) => frame(3, *session, &[]),
        }
    }
}

fn frame(kind: u8, session: SessionId, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FRAME_BYTES + text.len());
    out.push(kind);
    out.push(u8::try_from(text.len()).expect("the longest call_id has 139 digits"));
    out.extend_from_slice(&session.0.to_le_bytes());
    out.extend_from_slice(text);
    let sum = checksum(&out);
    out.extend_from_slice(&sum);
    out
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[bytes]);
    [a, b, c, d]
}

/// Reads records in order until the end or the first damaged one; returns how many bytes were whole.
pub(crate) fn read(bytes: &[u8], mut each: impl FnMut(Record)) -> usize {
    let mut whole = 0;
    while let Some((record, length)) = read_one(&bytes[whole..]) {
        each(record);
        whole += length;
    }
    whole
}

fn read_one(bytes: &[u8]) -> Option<(Record, usize)> {
    let text_bytes = usize::from(*bytes.get(1)?);
    if text_bytes > TEXT_BYTES_MAX {
        return None;
    }
    let body_end = HEAD_BYTES + text_bytes;
    let body = bytes.get(..body_end)?;
    let sum = bytes.get(body_end..body_end + 4)?;
    if checksum(body) != sum {
        return None;
    }
    let session = SessionId(i64::from_le_bytes(body.get(2..HEAD_BYTES)?.try_into().ok()?));
    let text = body.get(HEAD_BYTES..)?;
    let record = match body.first()? {
        1 => Record::Call(
            session,
            Decimal::from_sortable(std::str::from_utf8(text).ok()?).ok()?,
        ),
        2 => Record::Expiry(session, i64::from_le_bytes(text.try_into().ok()?)),
        3 if text.is_empty() => Record::Forget(session),
        _ => return None,
    };
    Some((record, FRAME_BYTES + text_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> (Vec<Record>, usize) {
        let mut found = Vec::new();
        let whole = read(bytes, |record| found.push(record));
        (found, whole)
    }

    fn record() -> impl Strategy<Value = Record> {
        prop_oneof![
            (any::<i64>(), "[0-9]{1,20}(\\.[0-9]{1,20})?")
                .prop_map(|(session, text)| { Record::Call(SessionId(session), text.parse().unwrap()) }),
            (any::<i64>(), any::<i64>()).prop_map(|(session, at)| Record::Expiry(SessionId(session), at)),
            any::<i64>().prop_map(|session| Record::Forget(SessionId(session))),
        ]
    }

    proptest! {
        #[test]
        fn records_come_back_in_order(records in prop::collection::vec(record(), 0..20)) {
            let bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
            prop_assert_eq!(all(&bytes), (records, bytes.len()));
        }

        #[test]
        fn a_torn_tail_costs_only_the_record_it_tears(records in prop::collection::vec(record(), 1..8), cut in 1usize..14) {
            let mut bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
            let whole = bytes.len() - records.last().unwrap().encode().len();
            bytes.truncate(bytes.len() - cut);
            prop_assert_eq!(all(&bytes), (records[..records.len() - 1].to_vec(), whole));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(all(&bytes).1 <= bytes.len());
        }
    }

    #[test]
    fn a_record_of_the_greatest_call_id_fits() {
        let value: Decimal = "99999999999999999999.00000000000000000001e-99".parse().unwrap();
        let record = Record::Call(SessionId(1), value);
        let bytes = record.encode();
        assert_eq!(bytes.len(), FRAME_BYTES + 139);
        assert_eq!(all(&bytes), (vec![record], bytes.len()));
    }

    #[test]
    fn zeros_after_a_power_cut_end_the_file() {
        let mut bytes = Record::Forget(SessionId(5)).encode();
        let whole = bytes.len();
        bytes.extend_from_slice(&[0; 4096]);
        assert_eq!(all(&bytes), (vec![Record::Forget(SessionId(5))], whole));
    }
}
