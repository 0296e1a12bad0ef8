//! Durable mailboxes: heads, messages and outcomes (live 5.10).

use crate::backends::{START_MS, World, app_id, grant, uid};
use crier_platform::model::mailbox::{
    Found, KeptHead, KeptItem, KeptMessage, MailWrites, OutcomeMark, RowNo,
};
use crier_platform::model::message::Via;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Flush, Store, StoreFault, Write};
use crier_proto::frame::GapReason;
use crier_proto::ids::{Epoch, MessageId};
use crier_proto::message::Fanout;
use std::sync::{Arc, Mutex};

pub fn head(user: i64) -> KeptHead {
    KeptHead {
        app: app_id(4),
        user: uid(user),
        epoch: Epoch::from_bytes([9; 8]),
        first: RowNo(1),
        last: 3,
        low: 2,
        low_reason: GapReason::Overflow,
        used_at: WallMs(START_MS + 5),
    }
}

pub fn message(row: i64, sender: i64, user: i64) -> KeptMessage {
    KeptMessage {
        row: RowNo(row),
        app: app_id(4),
        user: uid(user),
        seq: row.cast_unsigned(),
        id: MessageId::from_bytes([row.to_le_bytes()[0]; 16]),
        sender: uid(sender),
        sent_at: WallMs(START_MS + row),
        expires_at: WallMs(START_MS + 60_000),
        item: Some(KeptItem {
            via: Via::User,
            event: "score".into(),
            text: "{\"round\": 1}".into(),
            collapse_key: Some("k".into()),
            fanout: Fanout::One,
        }),
        claim: b"a page".to_vec(),
        outcome: vec![1, 2, 3],
    }
}

/// What the store says of writes, when it says it.
pub async fn keep(store: &dyn Store, writes: MailWrites, flush: Flush) -> Result<(), StoreFault> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let when = Box::new(move |kept| {
        let _ = tell.send(kept);
    });
    store.keep(writes, flush, when);
    told.await.unwrap()
}

pub async fn all(store: &dyn Store) -> Vec<KeptMessage> {
    let found = store.kept_messages(RowNo(0), 1_000).await.unwrap();
    let whole = found.into_iter().map(|one| match one {
        Found::Whole(message) => message,
        Found::Damaged { .. } => panic!("{one:?}"),
    });
    whole.collect()
}

fn with(messages: Vec<KeptMessage>) -> MailWrites {
    MailWrites {
        messages,
        ..MailWrites::default()
    }
}

/// Users 7 and 8, and a message from each to the other.
async fn two_messages(world: &World) -> [KeptMessage; 2] {
    world.user(7).await;
    world.user(8).await;
    let messages = [message(1, 7, 8), message(2, 8, 7)];
    keep(&*world.store, with(messages.to_vec()), Flush::Now)
        .await
        .unwrap();
    messages
}

pub async fn a_message_and_its_head_come_back_as_they_were_written(world: &World) {
    world.user(7).await;
    world.user(8).await;
    let plain = KeptMessage {
        item: Some(KeptItem {
            via: Via::App,
            event: "e".into(),
            text: "not JSON: \u{1F410}".into(),
            collapse_key: None,
            fanout: Fanout::All,
        }),
        claim: Vec::new(),
        ..message(2, 8, 7)
    };
    let writes = MailWrites {
        now: WallMs(START_MS + 9),
        heads: vec![head(8)],
        messages: vec![message(1, 7, 8), plain.clone()],
        ..MailWrites::default()
    };
    keep(&*world.store, writes, Flush::Now).await.unwrap();
    assert_eq!(all(&*world.store).await, [message(1, 7, 8), plain]);
    let heads = world.store.kept_heads().await.unwrap();
    assert_eq!(heads, (vec![Found::Whole(head(8))], WallMs(START_MS + 9)));
    let earlier = MailWrites {
        now: WallMs(START_MS),
        ..MailWrites::default()
    };
    keep(&*world.store, earlier, Flush::Later).await.unwrap();
    let (_, seen) = world.store.kept_heads().await.unwrap();
    assert_eq!(
        seen,
        WallMs(START_MS + 9),
        "the highest wall time does not step back"
    );
}

pub async fn messages_are_read_by_number_and_piece_by_piece(world: &World) {
    let [first, second] = two_messages(world).await;
    let page = |after, limit| world.store.kept_messages(RowNo(after), limit);
    assert_eq!(page(0, 1).await.unwrap(), [Found::Whole(first)]);
    assert_eq!(page(1, 5).await.unwrap(), [Found::Whole(second)]);
    assert_eq!(page(2, 5).await.unwrap(), []);
}

pub async fn a_mark_moves_the_outcome_and_an_end_takes_the_text(world: &World) {
    let [first, second] = two_messages(world).await;
    let mark = |row: RowNo, ended| OutcomeMark {
        row,
        outcome: vec![4],
        ended,
    };
    let writes = MailWrites {
        claims: vec![(first.row, b"another".to_vec()), (second.row, Vec::new())],
        outcomes: vec![mark(first.row, false), mark(second.row, true)],
        ..MailWrites::default()
    };
    keep(&*world.store, writes, Flush::Later).await.unwrap();
    let moved = KeptMessage {
        claim: b"another".to_vec(),
        outcome: vec![4],
        ..first
    };
    let ended = KeptMessage {
        item: None,
        claim: Vec::new(),
        outcome: vec![4],
        ..second
    };
    assert_eq!(all(&*world.store).await, [moved, ended]);
}

pub async fn what_is_forgotten_is_gone_and_what_is_gone_is_not_moved(world: &World) {
    let [first, second] = two_messages(world).await;
    let writes = MailWrites {
        heads: vec![head(7), head(8)],
        forgotten: vec![first.row],
        ended: vec![
            (app_id(4), uid(8), head(8).epoch),
            (app_id(4), uid(7), Epoch::from_bytes([1; 8])),
        ],
        ..MailWrites::default()
    };
    keep(&*world.store, writes, Flush::Now).await.unwrap();
    let other_life = KeptHead {
        epoch: Epoch::from_bytes([1; 8]),
        last: 70,
        ..head(7)
    };
    let gone = KeptHead { last: 80, ..head(8) };
    let writes = MailWrites {
        outcomes: vec![OutcomeMark {
            row: first.row,
            outcome: vec![4],
            ended: false,
        }],
        moved: vec![other_life, gone],
        ..MailWrites::default()
    };
    keep(&*world.store, writes, Flush::Now).await.unwrap();
    assert_eq!(all(&*world.store).await, [second]);
    let (heads, _) = world.store.kept_heads().await.unwrap();
    assert_eq!(heads, [Found::Whole(head(7))]);
    let later = KeptHead { last: 9, ..head(7) };
    let writes = MailWrites {
        moved: vec![later],
        ..MailWrites::default()
    };
    keep(&*world.store, writes, Flush::Now).await.unwrap();
    assert_eq!(world.store.kept_heads().await.unwrap().0, [Found::Whole(later)]);
}

pub async fn withdrawing_empties_mailboxes_in_both_directions_of_that_application_alone(world: &World) {
    let messages = two_messages(world).await;
    world.user(9).await;
    let elsewhere = KeptMessage {
        app: app_id(5),
        ..message(3, 8, 7)
    };
    let stranger = message(4, 9, 7);
    let kept = vec![elsewhere.clone(), stranger.clone()];
    keep(&*world.store, with(kept), Flush::Now).await.unwrap();
    world.commit(vec![Write::SetGrant(grant(4, 8))]).await;
    let remove = Write::RemoveGrant {
        app: app_id(4),
        user: uid(8),
    };
    world.commit(vec![remove]).await;
    let [first, second] = messages.map(|message| KeptMessage {
        item: None,
        claim: Vec::new(),
        ..message
    });
    assert_eq!(all(&*world.store).await, [first, second, elsewhere, stranger]);
}

pub async fn erasing_a_user_removes_their_mailboxes_and_nothing_is_kept_for_them_later(world: &World) {
    two_messages(world).await;
    world.user(9).await;
    let stranger = message(3, 9, 8);
    let writes = MailWrites {
        heads: vec![head(7), head(8)],
        ..with(vec![stranger.clone()])
    };
    keep(&*world.store, writes, Flush::Now).await.unwrap();
    world.commit(vec![Write::EraseUser(uid(7))]).await;
    let late = MailWrites {
        heads: vec![head(7)],
        ..with(vec![message(4, 9, 7), message(5, 7, 9)])
    };
    keep(&*world.store, late, Flush::Now).await.unwrap();
    assert_eq!(all(&*world.store).await, [stranger]);
    let (heads, _) = world.store.kept_heads().await.unwrap();
    assert_eq!(heads, [Found::Whole(head(8))]);
}

pub async fn what_waits_to_and_from_a_user_is_told_with_what_is_kept_on_them(world: &World) {
    let [first, second] = two_messages(world).await;
    world.user(9).await;
    keep(&*world.store, with(vec![message(3, 9, 9)]), Flush::Now)
        .await
        .unwrap();
    let kept = world.store.kept_on(uid(7)).await.unwrap();
    assert_eq!(kept.messages, [first.clone(), second]);
    let ended = OutcomeMark {
        row: first.row,
        outcome: vec![4],
        ended: true,
    };
    let writes = MailWrites {
        outcomes: vec![ended],
        ..MailWrites::default()
    };
    keep(&*world.store, writes, Flush::Now).await.unwrap();
    assert_eq!(world.store.kept_on(uid(7)).await.unwrap().messages.len(), 1);
}

pub async fn writes_are_whole_or_absent_and_told_in_order(world: &World) {
    two_messages(world).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let (done, all_told) = tokio::sync::oneshot::channel();
    let mut done = Some(done);
    // The second takes a number that is there already: nothing of it is kept, its neighbours are.
    let attempts = [vec![3], vec![4, 1], vec![5]];
    for (turn, rows) in attempts.into_iter().enumerate() {
        let messages = rows.into_iter().map(|row| message(row, 7, 8)).collect();
        let told = Arc::clone(&told);
        let done = if turn == 2 { done.take() } else { None };
        let when = Box::new(move |kept: Result<(), StoreFault>| {
            told.lock().unwrap().push((turn, kept.is_ok()));
            if let Some(done) = done {
                let _ = done.send(());
            }
        });
        world.store.keep(with(messages), Flush::Now, when);
    }
    all_told.await.unwrap();
    assert_eq!(*told.lock().unwrap(), [(0, true), (1, false), (2, true)]);
    let rows: Vec<i64> = all(&*world.store).await.iter().map(|one| one.row.0).collect();
    assert_eq!(rows, [1, 2, 3, 5]);
}
