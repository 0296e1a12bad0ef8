//! Call order of one session: which `call_id` may follow those accepted (protocol 9.2).
//!
//! Values are exact decimals; nothing here is ever rounded.

use crier_platform::ports::ledger::{CALL_IDS_KEPT, LedgerRefusal, OrderRule};
use crier_proto::decimal::Decimal;

/// The accepted values of one session, as far as a rule needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOrder {
    /// Rising, at most `CALL_IDS_KEPT`; under `Greater` the greatest alone.
    kept: Vec<Decimal>,
    /// For which rule enough is kept.
    rule: OrderRule,
}

impl CallOrder {
    /// The order that the store remembers, as far as `rule` needs it.
    #[must_use]
    pub fn of(rule: OrderRule, mut accepted: Vec<Decimal>) -> Self {
        accepted.sort();
        accepted.dedup();
        let keep = match rule {
            OrderRule::Greater => 1,
            OrderRule::Once => CALL_IDS_KEPT,
        };
        let surplus = accepted.len().saturating_sub(keep);
        accepted.drain(..surplus);
        accepted.shrink_to_fit();
        Self { kept: accepted, rule }
    }

    /// Whether enough is kept to judge by `rule`: an application may change from `required` to `unique`.
    #[must_use]
    pub const fn serves(&self, rule: OrderRule) -> bool {
        match (self.rule, rule) {
            (OrderRule::Once, OrderRule::Once | OrderRule::Greater)
            | (OrderRule::Greater, OrderRule::Greater) => true,
            (OrderRule::Greater, OrderRule::Once) => false,
        }
    }

    /// Whether `value` may follow.
    ///
    /// # Errors
    /// `CallIdRepeated`, `CallIdTooSmall` with the value to beat.
    pub fn judge(&self, rule: OrderRule, value: &Decimal) -> Result<(), LedgerRefusal> {
        let floor = match rule {
            OrderRule::Greater => self.kept.last(),
            OrderRule::Once => {
                if self.kept.binary_search(value).is_ok() {
                    return Err(LedgerRefusal::CallIdRepeated);
                }
                self.kept.first().filter(|_| self.kept.len() >= CALL_IDS_KEPT)
            }
        };
        match floor {
            Some(last) if value == last => Err(LedgerRefusal::CallIdRepeated),
            Some(last) if value < last => Err(LedgerRefusal::CallIdTooSmall { last: last.clone() }),
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps a value that `judge` has let through.
    pub fn keep(&mut self, value: Decimal) {
        match self.rule {
            OrderRule::Greater => {
                self.kept.clear();
                self.kept.push(value);
            }
            OrderRule::Once => {
                let place = self.kept.partition_point(|kept| *kept < value);
                self.kept.insert(place, value);
                if self.kept.len() > CALL_IDS_KEPT {
                    self.kept.remove(0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(whole: u32) -> Decimal {
        Decimal::from_sortable(&format!("{whole:020}")).expect("twenty digits are sortable text")
    }

    #[test]
    fn greater_wants_more_than_the_last_and_names_it() {
        let mut order = CallOrder::of(OrderRule::Greater, vec![decimal(3), decimal(9), decimal(5)]);
        assert_eq!(
            order.judge(OrderRule::Greater, &decimal(9)),
            Err(LedgerRefusal::CallIdRepeated)
        );
        assert_eq!(
            order.judge(OrderRule::Greater, &decimal(8)),
            Err(LedgerRefusal::CallIdTooSmall { last: decimal(9) })
        );
        assert_eq!(order.judge(OrderRule::Greater, &decimal(10)), Ok(()));
        order.keep(decimal(10));
        assert_eq!(
            order.judge(OrderRule::Greater, &decimal(10)),
            Err(LedgerRefusal::CallIdRepeated)
        );
    }

    #[test]
    fn a_session_without_values_takes_any_first_value_also_zero() {
        for rule in [OrderRule::Greater, OrderRule::Once] {
            assert_eq!(CallOrder::of(rule, Vec::new()).judge(rule, &decimal(0)), Ok(()));
        }
    }

    #[test]
    fn once_takes_values_in_any_order_and_each_but_once() {
        let mut order = CallOrder::of(OrderRule::Once, Vec::new());
        for value in [7, 3, 5] {
            assert_eq!(order.judge(OrderRule::Once, &decimal(value)), Ok(()));
            order.keep(decimal(value));
        }
        assert_eq!(
            order.judge(OrderRule::Once, &decimal(3)),
            Err(LedgerRefusal::CallIdRepeated)
        );
        assert_eq!(
            order.judge(OrderRule::Greater, &decimal(6)),
            Err(LedgerRefusal::CallIdTooSmall { last: decimal(7) })
        );
    }

    #[test]
    fn with_128_values_kept_the_smallest_is_the_floor() {
        let mut order = CallOrder::of(OrderRule::Once, (10..138).map(decimal).collect());
        assert_eq!(
            order.judge(OrderRule::Once, &decimal(4)),
            Err(LedgerRefusal::CallIdTooSmall { last: decimal(10) })
        );
        order.keep(decimal(500));
        assert_eq!(
            order.judge(OrderRule::Once, &decimal(10)),
            Err(LedgerRefusal::CallIdTooSmall { last: decimal(11) })
        );
    }

    #[test]
    fn what_is_kept_for_greater_does_not_serve_once() {
        assert!(!CallOrder::of(OrderRule::Greater, Vec::new()).serves(OrderRule::Once));
        assert!(CallOrder::of(OrderRule::Once, Vec::new()).serves(OrderRule::Greater));
    }
}
