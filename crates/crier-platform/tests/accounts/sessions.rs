//! Sessions of the operator: keys, secrets, lengths.

use crate::harness::{BEGIN_MS, Town};
use crier_platform::accounts::AccountError;
use crier_platform::accounts::admin::NewSessionOrder;

fn order() -> NewSessionOrder {
    NewSessionOrder {
        app: "Rochambeau".to_owned(),
        user: "bo".to_owned(),
        ttl_secs: Some(86_400),
        session_key: None,
        session_secret: None,
    }
}

#[tokio::test]
async fn a_session_is_made_without_an_acceptance_and_lasts_as_asked() {
    let town = Town::with_people().await;
    let session = town.accounts.add_session(order()).await.unwrap();
    assert_eq!(session.expires, Some(BEGIN_MS / 1000 + 86_400));
    assert_eq!(
        session.key.as_str().len(),
        "0123456789abcdef01234567-563683308".len()
    );
    assert!(session.secret.expose().len() == 34 && session.secret.expose().ends_with("__"));
    let lasting = NewSessionOrder {
        ttl_secs: None,
        ..order()
    };
    assert_eq!(town.accounts.add_session(lasting).await.unwrap().expires, None);
}

#[tokio::test]
async fn a_given_key_must_be_the_users_and_free() {
    let town = Town::with_people().await;
    let given = |key: &str| NewSessionOrder {
        session_key: Some(key.to_owned()),
        session_secret: Some("00112233445566778899aabbccddeeff".to_owned()),
        ..order()
    };
    for bad in [
        "acacbdbd010123237878dede-1240077",
        "acacbdbd010123237878dede",
        "ACACBDBD010123237878DEDE-563683308",
    ] {
        assert!(
            matches!(
                town.accounts.add_session(given(bad)).await,
                Err(AccountError::Invalid(_))
            ),
            "{bad}"
        );
    }
    let key = "acacbdbd010123237878dede-563683308";
    let first = town.accounts.add_session(given(key)).await.unwrap();
    assert!(matches!(
        town.accounts.add_session(given(key)).await,
        Err(AccountError::Invalid(_))
    ));
    town.accounts.remove_session(key).await.unwrap();
    let second = town.accounts.add_session(given(key)).await.unwrap();
    assert!(second.id != first.id);
    assert_eq!(town.told.all(), [format!("end session {}", first.id.0)]);
}

#[tokio::test]
async fn a_session_of_no_length_and_a_removal_of_nothing_are_refused() {
    let town = Town::with_people().await;
    let none = NewSessionOrder {
        ttl_secs: Some(0),
        ..order()
    };
    assert!(matches!(
        town.accounts.add_session(none).await,
        Err(AccountError::Invalid(_))
    ));
    for key in ["nonsense", "acacbdbd010123237878dede-563683308"] {
        assert!(matches!(
            town.accounts.remove_session(key).await,
            Err(AccountError::NotFound(_))
        ));
    }
}

#[tokio::test]
async fn a_log_out_ends_a_named_session_of_the_same_person_only() {
    let town = Town::with_people().await;
    let session = town.accounts.add_session(order()).await.unwrap();
    let (ada, bo) = (town.user("ada").await.uid, town.user("bo").await.uid);
    assert!(
        !town
            .accounts
            .end_own_session(ada, session.key.as_str())
            .await
            .unwrap()
    );
    assert!(
        town.accounts
            .end_own_session(bo, session.key.as_str())
            .await
            .unwrap()
    );
    assert!(
        !town
            .accounts
            .end_own_session(bo, session.key.as_str())
            .await
            .unwrap()
    );
}
