//! Pages and their handlers: who is present, since when, and with the focus or without (live sections 1, 6).

use super::{Around, Place, Touched};
use crate::link::{ConnectionNo, Link};
use crate::mailbox::{Item, PageNo};
use crate::metrics::Overflow;
use crier_platform::model::time::ElapsedMs;
use crier_proto::error::Code;
use crier_proto::frame::{PAGE_EVENTS_MAX, PAGES_MAX, PageId};
use crier_proto::ids::{Epoch, MessageId};
use crier_proto::message::{EVENT_NAME_BYTES_MAX, Fanout};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Distinct events of one connection (live 6.3).
const CONNECTION_EVENTS_MAX: usize = 256;

/// A page's interest in one event.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) event: Arc<str>,
    /// It is owed what was committed above this place.
    pub(crate) after: u64,
}

/// Where a page is in the mailbox, when it is not at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Everything up to here is in the outbox or is not for it.
    pub(crate) seq: u64,
    /// It fell behind as a slow reader, not by coming late.
    pub(crate) lagging: bool,
}

/// A present page.
pub(crate) struct Page {
    pub(crate) no: PageNo,
    pub(crate) name: PageId,
    /// The turn of its coming: the older page has the lower one.
    pub(crate) seated: u64,
    /// Its connection; without one it is in its grace.
    pub(crate) link: Option<Arc<Link>>,
    pub(crate) grace_ends: ElapsedMs,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) behind: Option<Behind>,
    /// The highest loss that it was told of.
    pub(crate) told: u64,
    /// The first place of an unknown history that it must be told of.
    pub(crate) unknown_from: Option<u64>,
    /// What it alone might run, and what left the mailbox before its ack.
    pub(crate) lost_claims: Vec<(u64, MessageId)>,
    /// First and last place below its cursor that it must be told of: claims that it lost with its last connection.
    pub(crate) lost_below: Option<(u64, u64)>,
    /// Claimed messages waiting to be offered, below its position.
    pub(crate) pending: Vec<u64>,
    pub(crate) focus: bool,
    /// The turn of its last focus; 0: never.
    pub(crate) focused: u64,
    pub(crate) inherit: bool,
}

impl Page {
    /// A page without connection and handlers.
    pub(crate) fn absent(name: PageId, seated: u64, grace_ends: ElapsedMs) -> Self {
        Self {
            no: PageNo::of(&name),
            name,
            seated,
            link: None,
            grace_ends,
            handlers: Vec::new(),
            behind: None,
            told: 0,
            unknown_from: None,
            lost_claims: Vec::new(),
            lost_below: None,
            pending: Vec::new(),
            focus: false,
            focused: 0,
            inherit: true,
        }
    }

    /// The place above which it is owed `event`; `None` without a handler.
    pub(crate) fn after(&self, event: &str) -> Option<u64> {
        let handler = self.handlers.iter().find(|handler| &*handler.event == event)?;
        Some(handler.after)
    }

    /// Whether it has a handler for `event`.
    pub(crate) fn handles(&self, event: &str) -> bool {
        self.after(event).is_some()
    }

    /// Whether it reads on and comes to this claimed message by itself, in its order; what it inherits it does not.
    pub(crate) fn comes_to(&self, item: &Item) -> bool {
        item.fanout != Fanout::All && self.behind.is_some_and(|behind| behind.seq < item.seq)
    }

    /// Whether it is on this connection.
    pub(crate) fn is_on(&self, link: ConnectionNo) -> bool {
        self.link.as_ref().is_some_and(|own| own.no == link)
    }
}

/// A page that comes onto a connection.
pub(crate) struct Introduction<'a> {
    pub(crate) page: &'a PageId,
    /// Everything up to here is settled for it.
    pub(crate) cursor: Option<(Epoch, u64)>,
    pub(crate) events: &'a [String],
    pub(crate) focus: Option<bool>,
    pub(crate) inherit: bool,
}

/// An event that was not registered, and why.
pub(crate) type RefusedName = (String, Code);

impl Place {
    /// The page of this name on this connection.
    pub(crate) fn page_on(&self, link: ConnectionNo, name: &PageId) -> Option<usize> {
        self.pages
            .iter()
            .position(|page| page.name == *name && page.is_on(link))
    }

    /// Brings a page onto a connection. Returns where it begins, and which names were refused.
    pub(crate) fn introduce(
        &mut self,
        around: &Around<'_>,
        link: &Arc<Link>,
        coming: &Introduction<'_>,
    ) -> (u64, Vec<RefusedName>) {
        self.expire(around);
        let here = self.pages.iter().filter(|page| page.is_on(link.no)).count();
        if here >= PAGES_MAX && self.page_on(link.no, coming.page).is_none() {
            around.metrics.overflow(Overflow::Handlers);
            let refused = coming.events.iter();
            let refused = refused.map(|name| (name.clone(), Code::RequestLimit)).collect();
            return (self.mailbox.cursor().seq, refused);
        }
        let end = self.mailbox.cursor();
        let start = match coming.cursor {
            None => end.seq,
            Some((epoch, seq)) if epoch == end.epoch && seq <= end.seq => seq,
            Some(_) => 0,
        };
        let unknown_from = match coming.cursor {
            Some((epoch, seq)) if epoch != end.epoch || seq > end.seq => Some(seq.saturating_add(1)),
            Some(_) | None => None,
        };
        let index = self.seat(around, coming.page);
        let page = &mut self.pages[index];
        page.link = Some(Arc::clone(link));
        page.inherit = coming.inherit;
        page.handlers.clear();
        page.pending.clear();
        page.unknown_from = unknown_from;
        page.told = start;
        page.behind = (start < end.seq || unknown_from.is_some()).then_some(Behind {
            seq: start,
            lagging: false,
        });
        let lost_below = self.claims_lost_below(around, (index, start));
        self.pages[index].lost_below = lost_below.filter(|_| unknown_from.is_none());
        self.set_focus(index, coming.focus.unwrap_or(false));
        let refused = self.add_handlers(around, (index, start), coming.events);
        self.regain_claims(index, start);
        self.take_unclaimed(around, index, coming.events);
        (start, refused)
    }

    /// Adds handlers to a page that is already here: it is owed what comes from now on.
    pub(crate) fn register(
        &mut self,
        around: &Around<'_>,
        index: usize,
        events: &[String],
    ) -> Vec<RefusedName> {
        let end = self.mailbox.cursor().seq;
        let refused = self.add_handlers(around, (index, end), events);
        self.take_unclaimed(around, index, events);
        refused
    }

    /// Removes handlers of a page.
    pub(crate) fn unregister(&mut self, index: usize, events: &[String]) {
        if let Some(page) = self.pages.get_mut(index) {
            page.handlers
                .retain(|handler| events.iter().all(|name| **name != *handler.event));
            page.handlers.shrink_to_fit();
        }
    }

    /// A page has gained or lost the focus.
    pub(crate) fn set_focus(&mut self, index: usize, focus: bool) {
        if focus {
            self.focus_turn += 1;
        }
        let turn = self.focus_turn;
        if let Some(page) = self.pages.get_mut(index) {
            page.focus = focus;
            if focus {
                page.focused = turn;
            }
        }
    }

    /// A page has ended: what it alone could run is offered to another.
    pub(crate) fn end_page(&mut self, around: &Around<'_>, index: usize, touched: &mut Touched) {
        let page = self.pages.swap_remove(index);
        if self.pages.is_empty() {
            self.pages = Vec::new();
        }
        self.release_claims(around, (page.no, &page.name), touched);
    }

    /// A connection is gone: its pages stay for their grace. Returns whether there are any.
    pub(crate) fn lose_link(&mut self, around: &Around<'_>, link: ConnectionNo) -> bool {
        self.links.retain(|known| known.no != link);
        let grace_ends = around.now.plus_ms(around.config.page_grace.0);
        let mut any = false;
        for page in self.pages.iter_mut().filter(|page| page.is_on(link)) {
            page.link = None;
            page.grace_ends = grace_ends;
            any = true;
        }
        self.used = around.now;
        any
    }

    /// Ends the pages whose grace is over.
    pub(crate) fn end_absent_pages(&mut self, around: &Around<'_>, touched: &mut Touched) {
        while let Some(index) = self
            .pages
            .iter()
            .position(|page| page.link.is_none() && page.grace_ends <= around.now)
        {
            around.metrics.overflow(Overflow::PageGone);
            self.end_page(around, index, touched);
        }
    }

    /// Ends the pages of one connection now.
    pub(crate) fn end_pages_of(&mut self, around: &Around<'_>, link: ConnectionNo, touched: &mut Touched) {
        while let Some(index) = self.pages.iter().position(|page| page.is_on(link)) {
            self.end_page(around, index, touched);
        }
    }

    /// Ends the pages that have lost their connections: their user has withdrawn.
    pub(crate) fn end_pages_without_connection(&mut self, around: &Around<'_>, touched: &mut Touched) {
        while let Some(index) = self.pages.iter().position(|page| page.link.is_none()) {
            self.end_page(around, index, touched);
        }
    }

    /// The page of this name, made if it is not present.
    fn seat(&mut self, around: &Around<'_>, name: &PageId) -> usize {
        if let Some(index) = self.pages.iter().position(|page| page.name == *name) {
            return index;
        }
        let turn = around.next_page.fetch_add(1, Ordering::Relaxed);
        self.pages.push(Page::absent(name.clone(), turn, around.now));
        self.pages.shrink_to_fit();
        self.pages.len() - 1
    }

    fn add_handlers(
        &mut self,
        around: &Around<'_>,
        (index, after): (usize, u64),
        events: &[String],
    ) -> Vec<RefusedName> {
        let mut refused = Vec::new();
        let link = self.pages[index].link.as_ref().map(|link| link.no);
        let mut distinct: HashSet<Arc<str>> = self
            .pages
            .iter()
            .filter(|page| link.is_some_and(|link| page.is_on(link)))
            .flat_map(|page| page.handlers.iter().map(|handler| Arc::clone(&handler.event)))
            .collect();
        for name in events {
            let page = &mut self.pages[index];
            if page.handles(name) {
                continue;
            }
            let too_many = page.handlers.len() >= PAGE_EVENTS_MAX
                || (distinct.len() >= CONNECTION_EVENTS_MAX && !distinct.contains(name.as_str()));
            let code = match name {
                _ if name.len() > EVENT_NAME_BYTES_MAX => Some(Code::EventNameTooLong),
                _ if name.is_empty() || name.contains('\0') => Some(Code::InvalidParameter),
                _ if too_many => {
                    around.metrics.overflow(Overflow::Handlers);
                    Some(Code::RequestLimit)
                }
                _ => None,
            };
            if let Some(code) = code {
                if code == Code::EventNameTooLong {
                    around.metrics.overflow(Overflow::EventName);
                }
                refused.push((name.clone(), code));
                continue;
            }
            let event = around.names.of(name);
            distinct.insert(Arc::clone(&event));
            page.handlers.push(Handler { event, after });
        }
        self.pages[index].handlers.shrink_to_fit();
        refused
    }
}
