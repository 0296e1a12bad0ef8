//! How mailboxes, pages and tickets are written and read. Each reading is the mirror of the writing beside it.

use super::codec::{In, Out};
use super::{KeptPlace, Shift, write_all};
use crate::mailbox::{Head, Item, Mailbox, PageNo};
use crate::place::{Handler, Page};
use crate::records::MailboxKey;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::Via;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Ticket;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::frame::GapReason;
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use crier_proto::message::Fanout;

pub(super) fn write_key(out: &mut Out, key: MailboxKey) {
    out.signed(key.0.get());
    out.signed(key.1.get());
}

pub(super) fn read_key(payload: &mut In<'_>) -> Option<MailboxKey> {
    Some((AppId::new(payload.signed()?)?, Uid::new(payload.signed()?)?))
}

pub(super) fn write_place(
    out: &mut Out,
    key: MailboxKey,
    (mailbox, pages, focus_turn): (&Mailbox, &[Page], u64),
    now: ElapsedMs,
) {
    let head = mailbox.head();
    write_key(out, key);
    out.raw(head.epoch.as_bytes());
    out.long(head.last);
    out.long(head.low);
    out.byte(match head.low_reason {
        GapReason::Overflow => 0,
        GapReason::Expired => 1,
        GapReason::Epoch => 2,
        GapReason::Damaged => 3,
    });
    out.long(focus_turn);
    write_all(out, pages, write_page);
    out.count(mailbox.len());
    for item in mailbox.after(0) {
        write_item(out, item, now);
    }
}

pub(super) fn read_place(payload: &mut In<'_>, shift: Shift) -> Option<KeptPlace> {
    let key = read_key(payload)?;
    let head = Head {
        epoch: Epoch::from_bytes(payload.array()?),
        last: payload.long()?,
        low: payload.long()?,
        low_reason: match payload.byte()? {
            0 => GapReason::Overflow,
            1 => GapReason::Expired,
            2 => GapReason::Epoch,
            3 => GapReason::Damaged,
            _ => return None,
        },
    };
    let focus_turn = payload.long()?;
    let pages = payload.all(|payload| read_page(payload, shift))?;
    let items = payload.all(|payload| read_item(payload, shift))?;
    Some(KeptPlace {
        key,
        mailbox: Mailbox::restored(head, items)?,
        pages,
        focus_turn,
    })
}

fn write_page(out: &mut Out, page: &Page) {
    out.long(page.seated);
    out.text(page.name.as_str());
    out.flag(page.inherit);
    out.long(page.focused);
    write_all(out, &page.handlers, |out, handler| {
        out.text(&handler.event);
        out.long(handler.after);
    });
}

fn read_page(payload: &mut In<'_>, shift: Shift) -> Option<Page> {
    let seated = payload.long()?;
    let name = payload.text()?.parse().ok()?;
    let inherit = payload.flag()?;
    let focused = payload.long()?;
    let handlers = payload.all(|payload| {
        Some(Handler {
            event: payload.text()?.into(),
            after: payload.long()?,
        })
    })?;
    Some(Page {
        handlers,
        inherit,
        focused,
        ..Page::absent(name, seated, shift.moment(0))
    })
}

fn write_item(out: &mut Out, item: &Item, now: ElapsedMs) {
    out.long(item.seq);
    out.raw(item.id.as_bytes());
    out.signed(item.sender.get());
    out.byte(match item.via {
        Via::App => 0,
        Via::User => 1,
    });
    out.text(&item.event);
    out.text(&item.text);
    // No key is empty, so that an empty one stands for none.
    out.text(item.collapse_key.as_deref().unwrap_or_default());
    out.byte(match item.fanout {
        Fanout::All => 0,
        Fanout::One => 1,
        Fanout::Focused => 2,
    });
    out.signed(item.sent_at.0);
    out.long(item.expires.0.saturating_sub(now.0));
    out.flag(item.acked);
    // No page has the number 0.
    out.long(item.claim.map_or(0, |page| page.0));
    out.flag(item.offered);
    out.flag(item.redelivered);
}

fn read_item(payload: &mut In<'_>, shift: Shift) -> Option<Item> {
    Some(Item {
        seq: payload.long()?,
        id: MessageId::from_bytes(payload.array()?),
        sender: Uid::new(payload.signed()?)?,
        via: match payload.byte()? {
            0 => Via::App,
            1 => Via::User,
            _ => return None,
        },
        event: payload.text()?.into(),
        text: payload.text()?.into(),
        collapse_key: Some(payload.text()?)
            .filter(|key| !key.is_empty())
            .map(Into::into),
        fanout: match payload.byte()? {
            0 => Fanout::All,
            1 => Fanout::One,
            2 => Fanout::Focused,
            _ => return None,
        },
        sent_at: WallMs(payload.signed()?),
        expires: shift.moment(payload.long()?),
        acked: payload.flag()?,
        claim: Some(payload.long()?).filter(|page| *page > 0).map(PageNo),
        offered: payload.flag()?,
        redelivered: payload.flag()?,
        instant: false,
        receipt: false,
        row: None,
        kept_claim: None,
        maybe_owed: false,
    })
}

pub(super) fn write_ticket(out: &mut Out, ticket: &Ticket) {
    let TokenDigest(digest) = &ticket.token;
    out.raw(digest);
    write_key(out, (ticket.app, ticket.user));
    out.signed(ticket.session.0);
    out.text(ticket.session_key.as_str());
    out.signed(ticket.expires_at.0);
}

pub(super) fn read_ticket(payload: &mut In<'_>) -> Option<Ticket> {
    let token = TokenDigest(payload.array()?);
    let (app, user) = read_key(payload)?;
    Some(Ticket {
        token,
        app,
        user,
        session: SessionId(payload.signed()?),
        session_key: payload.text()?.parse().ok()?,
        expires_at: WallMs(payload.signed()?),
    })
}
