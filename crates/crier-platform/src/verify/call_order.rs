//! Step 11 up to the comparison itself, which the ledger does (seed: `call_id`; protocol 9.2).

use crate::grammar::invalid;
use crate::model::app::CallIdSetting;
use crate::model::session::SessionId;
use crate::ports::ledger::{OrderCharge, OrderRule};
use crier_proto::decimal::Decimal;
use crier_proto::error::Refusal;

/// Bytes of a `call_id` that is not judged (protocol 9.2, setting `ignored`).
const UNJUDGED_BYTES_MAX: usize = 64;

/// What a call spends of its session's order: nothing without a session or where the setting ignores it.
///
/// # Errors
/// 100 for a `call_id` that is missing where it is needed, or malformed.
pub(super) fn charge(
    setting: CallIdSetting,
    session: Option<SessionId>,
    call_id: Option<&str>,
) -> Result<Option<OrderCharge>, Refusal> {
    let rule = match setting {
        CallIdSetting::Ignored => return unjudged(call_id).map(|()| None),
        CallIdSetting::Required => OrderRule::Greater,
        CallIdSetting::Unique => OrderRule::Once,
    };
    let value = match call_id {
        Some(text) => Some(
            text.parse::<Decimal>()
                .map_err(|_| invalid("call_id", "is malformed"))?,
        ),
        None => None,
    };
    match (session, value) {
        (Some(session), Some(value)) => Ok(Some(OrderCharge { session, rule, value })),
        (Some(_), None) => Err(invalid("call_id", "is missing")),
        (None, Some(_) | None) => Ok(None),
    }
}

/// Under `ignored` a value needs to be short and, so that the reading rule stays decidable, without `=`.
fn unjudged(call_id: Option<&str>) -> Result<(), Refusal> {
    match call_id {
        Some(text) if text.len() > UNJUDGED_BYTES_MAX || text.contains('=') => {
            Err(invalid("call_id", "is malformed"))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: Option<SessionId> = Some(SessionId(7));

    fn cause(setting: CallIdSetting, session: Option<SessionId>, call_id: Option<&str>) -> Option<String> {
        charge(setting, session, call_id)
            .err()
            .and_then(|refusal| refusal.cause().map(str::to_owned))
    }

    #[test]
    fn a_call_with_a_session_needs_a_call_id_unless_it_is_ignored() {
        for setting in [CallIdSetting::Required, CallIdSetting::Unique] {
            assert_eq!(
                cause(setting, SESSION, None).as_deref(),
                Some("call_id is missing")
            );
            assert_eq!(charge(setting, None, None), Ok(None));
        }
        assert_eq!(charge(CallIdSetting::Ignored, SESSION, None), Ok(None));
    }

    #[test]
    fn a_malformed_call_id_is_refused_also_without_a_session() {
        for setting in [CallIdSetting::Required, CallIdSetting::Unique] {
            for session in [SESSION, None] {
                for text in ["NaN", "inf", "-1", "+1", ".5", "1.", "0x1", " 1", "１"] {
                    assert_eq!(
                        cause(setting, session, Some(text)).as_deref(),
                        Some("call_id is malformed"),
                        "{text}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_ignored_call_id_is_up_to_64_bytes_without_an_equals_sign() {
        let setting = CallIdSetting::Ignored;
        assert_eq!(charge(setting, SESSION, Some("NaN")), Ok(None));
        assert_eq!(charge(setting, SESSION, Some(&"x".repeat(64))), Ok(None));
        for text in [&"x".repeat(65), "a=b"] {
            assert_eq!(
                cause(setting, SESSION, Some(text)).as_deref(),
                Some("call_id is malformed")
            );
        }
    }

    #[test]
    fn a_session_is_charged_by_the_rule_of_its_setting_and_no_session_is_not_charged() {
        let value: Decimal = "5".parse().unwrap();
        for (setting, rule) in [
            (CallIdSetting::Required, OrderRule::Greater),
            (CallIdSetting::Unique, OrderRule::Once),
        ] {
            let order = OrderCharge {
                session: SessionId(7),
                rule,
                value: value.clone(),
            };
            assert_eq!(charge(setting, SESSION, Some("5.0")), Ok(Some(order)));
            assert_eq!(charge(setting, None, Some("5.0")), Ok(None));
        }
    }
}
