//! What running nodes must notice, as rows: a fact is a word and one or two numbers.
//!
//! Knows nothing of who follows them.

use crier_platform::model::change::Fact;
use crier_platform::model::session::SessionId;
use crier_proto::ids::{AppId, Uid};

/// The columns of a fact: its word, its number, its second number.
pub(crate) fn columns(fact: &Fact) -> (&'static str, i64, Option<i64>) {
    match fact {
        Fact::App(app) => ("app", app.get(), None),
        Fact::User(user) => ("user", user.get(), None),
        Fact::SessionEnded(session) => ("session_ended", session.0, None),
        Fact::Granted(app, user) => ("granted", app.get(), Some(user.get())),
        Fact::Withdrawn(app, user) => ("withdrawn", app.get(), Some(user.get())),
        Fact::CallOrderReset(session) => ("call_order_reset", session.0, None),
        Fact::Feed(user) => ("feed", user.get(), None),
        Fact::LoginEnded(user) => ("login_ended", user.get(), None),
    }
}

/// The fact of these columns; `None` for columns that `columns` never gave.
pub(crate) fn fact(word: &str, a: i64, b: Option<i64>) -> Option<Fact> {
    let both = || Some((AppId::new(a)?, Uid::new(b?)?));
    match word {
        "app" => AppId::new(a).map(Fact::App),
        "user" => Uid::new(a).map(Fact::User),
        "session_ended" => Some(Fact::SessionEnded(SessionId(a))),
        "granted" => both().map(|(app, user)| Fact::Granted(app, user)),
        "withdrawn" => both().map(|(app, user)| Fact::Withdrawn(app, user)),
        "call_order_reset" => Some(Fact::CallOrderReset(SessionId(a))),
        "feed" => Uid::new(a).map(Fact::Feed),
        "login_ended" => Uid::new(a).map(Fact::LoginEnded),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_comes_back_from_its_columns() {
        let (app, user) = (AppId::new(3).unwrap(), Uid::new(i64::MAX).unwrap());
        let facts = [
            Fact::App(app),
            Fact::User(user),
            Fact::SessionEnded(SessionId(9)),
            Fact::Granted(app, user),
            Fact::Withdrawn(app, user),
            Fact::CallOrderReset(SessionId(1)),
            Fact::Feed(user),
            Fact::LoginEnded(user),
        ];
        for given in facts {
            let (word, a, b) = columns(&given);
            assert_eq!(fact(word, a, b), Some(given));
        }
    }

    #[test]
    fn columns_that_are_no_fact_are_refused() {
        assert_eq!(fact("granted", 3, None), None);
        assert_eq!(fact("app", 0, None), None);
        assert_eq!(fact("moved", 1, Some(1)), None);
    }
}
