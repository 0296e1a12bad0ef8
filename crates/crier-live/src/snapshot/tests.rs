//! Round trips, moments that pass while the server is away, and bytes that were damaged anywhere.

use super::*;
use crate::mailbox::{Item, PageNo, RingBounds};
use crate::place::Handler;
use crate::records::Origin;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::{Delivery, DeliveryState, Door, NewMessage, Via};
use crier_platform::model::session::SessionId;
use crier_proto::ids::{AppId, Epoch, MessageId, SessionKey, Uid};
use crier_proto::message::Fanout;

const STOPPED: Moment = Moment {
    now: ElapsedMs(5_000_000),
    wall: WallMs(1_795_219_200_000),
};
const HEADER_THEN: Header = Header {
    taken_at: STOPPED.wall,
    window_ms: 1_000,
    next_page: 8,
};

fn key() -> MailboxKey {
    let app = AppId::new(1).expect("1 is an application id");
    (app, Uid::new(2).expect("2 is a uid"))
}

fn item(number: u8, fanout: Fanout, ttl_ms: u64) -> Item {
    let message = NewMessage {
        id: MessageId::from_bytes([number; 16]),
        door: Door::Rest,
        app: key().0,
        sender: Uid::new(9).expect("9 is a uid"),
        recipient: key().1,
        via: Via::User,
        event: "rochambeau".into(),
        text: "{\"a\":\"é\"}".into(),
        ttl_ms,
        collapse_key: (number == 2).then(|| "k".into()),
        fanout,
        receipt: false,
    };
    Item {
        claim: (fanout == Fanout::One).then_some(PageNo(7)),
        offered: true,
        redelivered: number == 3,
        ..Item::of(message, STOPPED.wall, STOPPED.now)
    }
}

fn mailbox() -> Mailbox {
    let bounds = RingBounds {
        items_max: 2,
        bytes_max: 1 << 20,
    };
    let mut mailbox = Mailbox::new(Epoch::from_bytes([3; 8]));
    for (number, fanout) in [(1, Fanout::All), (2, Fanout::One), (3, Fanout::Focused)] {
        mailbox.commit(item(number, fanout, 60_000), true, bounds);
    }
    mailbox
}

fn page() -> Page {
    let name = "page-0123456789abcdef".parse().expect("21 characters");
    let handler = Handler {
        event: "rochambeau".into(),
        after: 1,
    };
    Page {
        handlers: vec![handler],
        focused: 4,
        inherit: false,
        ..Page::absent(name, 7, STOPPED.now)
    }
}

fn record(number: u8) -> Record {
    let delivery = Delivery {
        id: MessageId::from_bytes([number; 16]),
        seq: 3,
        epoch: Epoch::from_bytes([3; 8]),
        state: DeliveryState::NoHandler,
        pages: 1,
        handlers: 0,
        written: 0,
        acked: 0,
        expires_at: STOPPED.wall,
    };
    let origin = Origin {
        key: key(),
        sender: Uid::new(9).expect("9 is a uid"),
        event: "rochambeau".into(),
        at: STOPPED.wall.plus_ms(-60_000),
    };
    Record::new(origin, delivery)
}

fn ticket() -> Ticket {
    let (app, user) = key();
    Ticket {
        token: TokenDigest([5; 32]),
        app,
        user,
        session: SessionId(6),
        session_key: SessionKey::of("0123456789abcdef01234567", user).expect("24 digits"),
        expires_at: STOPPED.wall.plus_ms(60_000),
    }
}

fn written() -> Vec<u8> {
    let mut writer = Writer::new(&HEADER_THEN, STOPPED.now);
    writer.place(key(), (&mailbox(), &[page()], 4));
    writer.record(STOPPED.now.plus_ms(3_600_000), &record(3));
    writer.ticket(&ticket());
    writer.done()
}

fn rewritten(contents: &Contents, now: ElapsedMs) -> Vec<u8> {
    let mut writer = Writer::new(&contents.header, now);
    for kept in &contents.places {
        writer.place(kept.key, (&kept.mailbox, &kept.pages, kept.focus_turn));
    }
    for (until, record) in &contents.records {
        writer.record(*until, record);
    }
    for ticket in &contents.tickets {
        writer.ticket(ticket);
    }
    writer.done()
}

#[test]
fn what_is_read_at_once_is_written_again_byte_for_byte() {
    let bytes = written();
    let contents = read(&bytes, STOPPED).expect("nothing was changed");
    assert_eq!(contents.header, HEADER_THEN);
    assert_eq!((contents.places.len(), contents.records.len()), (1, 1));
    assert_eq!(contents.tickets, [ticket()]);
    assert_eq!(contents.places[0].mailbox.head(), mailbox().head());
    assert_eq!(contents.places[0].mailbox.bytes(), mailbox().bytes());
    assert_eq!(rewritten(&contents, STOPPED.now), bytes);
}

#[test]
fn a_stopwatch_that_begins_anew_keeps_what_is_left_less_the_time_away() {
    let started = Moment {
        now: ElapsedMs(100),
        wall: STOPPED.wall.plus_ms(20_000),
    };
    let mut contents = read(&written(), started).expect("nothing was changed");
    let mailbox = &mut contents.places[0].mailbox;
    assert_eq!(mailbox.expire(ElapsedMs(100 + 39_999)).len(), 0);
    assert_eq!(mailbox.expire(ElapsedMs(100 + 40_000)).len(), 2);
    assert_eq!(contents.records[0].0, ElapsedMs(100 + 3_580_000));
}

#[test]
fn what_expired_while_the_server_was_away_ends_at_the_first_look_and_moves_low() {
    let started = Moment {
        now: ElapsedMs(100),
        wall: STOPPED.wall.plus_ms(60_000),
    };
    let mut contents = read(&written(), started).expect("nothing was changed");
    let mailbox = &mut contents.places[0].mailbox;
    assert_eq!(mailbox.expire(started.now).len(), 2);
    assert_eq!((mailbox.low(), mailbox.cursor().seq), (3, 3));
}

#[test]
fn a_wall_clock_that_stepped_back_lengthens_no_message() {
    let started = Moment {
        now: ElapsedMs(100),
        wall: STOPPED.wall.plus_ms(-3_600_000),
    };
    let mut contents = read(&written(), started).expect("nothing was changed");
    assert_eq!(contents.places[0].mailbox.expire(ElapsedMs(60_100)).len(), 2);
}

#[test]
fn a_byte_changed_anywhere_gives_nothing() {
    let whole = written();
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            assert!(read(&bytes, STOPPED).is_err(), "byte {at} changed by {change}");
        }
    }
}

#[test]
fn an_end_cut_off_anywhere_and_a_byte_too_many_give_nothing() {
    let whole = written();
    for length in 0..whole.len() {
        assert!(read(&whole[..length], STOPPED).is_err(), "cut at {length}");
    }
    let more = [&*whole, &[0]].concat();
    assert_eq!(read(&more, STOPPED).err(), Some(SnapshotFault::Damaged));
    assert_eq!(
        read(b"crier live snapshot 1\n", STOPPED).err(),
        Some(SnapshotFault::Foreign)
    );
}

#[test]
fn rightly_sealed_nonsense_gives_nothing() {
    let nonsense: [&[u8]; 4] = [&[], &[0xff; 7], &[0xff; 300], &[0; 300]];
    for payload in nonsense {
        for tag in 0..=u8::MAX {
            let mut writer = Writer::new(&HEADER_THEN, STOPPED.now);
            writer.blocks.add(tag, |out| out.raw(payload));
            let bytes = writer.done();
            let read = read(&bytes, STOPPED);
            assert_eq!(read.err(), Some(SnapshotFault::Damaged), "tag {tag}");
        }
    }
}

#[test]
fn messages_out_of_order_or_above_their_head_are_no_mailbox() {
    let head = mailbox().head();
    let at = |seq| Item {
        seq,
        ..item(1, Fanout::All, 1_000)
    };
    assert!(Mailbox::restored(head, vec![at(1), at(3)]).is_some());
    for items in [vec![at(2), at(2)], vec![at(2), at(1)], vec![at(0)], vec![at(4)]] {
        assert!(Mailbox::restored(head, items).is_none());
    }
}
