//! The joint: ledger, mailboxes, pages and tickets of this process as the ports that everyone else calls.
//!
//! Promise: a charge and the place it buys are one step; the outcome is as of the commit; whoever waits is bounded in number and
//! time. Call `run` once, under the process's task tracker, or no deadline is ever kept.

use crate::config::{Drain, LiveConfig, ReceiptsConfig};
pub use crate::durable::Loaded;
use crate::durable::{Keeper, load};
use crate::hub::{Hub, HubParts, Staging};
use crate::ledger::memory::MemoryLedger;
use crate::mailbox::Item;
use crate::metrics::{Metrics, Mode, Overflow, TicketFate};
use crate::place::{Offer, Place, Touched};
use crate::records::{MailboxKey, Origin, Standing};
use crate::shards::lock;
use crate::tickets::MemoryTickets;
use async_trait::async_trait;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::{Asker, Delivery, NewMessage, SentMessage, Status, WaitFor};
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::{Cursor, Ticket};
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::{AcceptError, Deliver, DeliverFault};
use crier_platform::ports::entropy::Entropy;
use crier_platform::ports::ledger::{Charge, Ledger, LedgerFault, LedgerRefusal, QuotaCharge, QuotaScope};
use crier_platform::ports::store::{Flush, Marks, Messages, StoreFault};
use crier_platform::ports::tickets::{TicketFault, Tickets};
use crier_proto::frame::Bye;
use crier_proto::ids::{AppId, MessageId, Uid};
use futures_util::future::{select, select_all};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// What a node is made of.
pub struct NodeParts {
    /// Section `[live]`.
    pub config: LiveConfig,
    /// Section `[receipts]`.
    pub receipts: ReceiptsConfig,
    /// Where accepted `call_id`s are kept: the store.
    pub marks: Arc<dyn Marks>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Figures.
    pub metrics: Metrics,
    /// Signs resume tokens; kept with the data, so that pages come back after a restart.
    pub resume_key: [u8; 32],
    /// Durable mode: the books that keep the mailboxes. Without them mailboxes are in memory alone.
    pub messages: Option<Arc<dyn Messages>>,
}

/// One process's ledger, mailboxes, pages and tickets.
pub struct Node {
    hub: Arc<Hub>,
    ledger: MemoryLedger,
    tickets: Arc<MemoryTickets>,
    waiting: Mutex<HashMap<AppId, u32>>,
}

impl Node {
    /// A node that nobody is connected to yet.
    #[must_use]
    pub fn new(parts: NodeParts) -> Arc<Self> {
        let tickets = Arc::new(MemoryTickets::new(
            Arc::clone(&parts.clock),
            parts.config.tickets_max,
        ));
        let ledger = MemoryLedger::new(
            parts.marks,
            Arc::clone(&parts.clock),
            parts.config.ledger_sessions_max,
        );
        let hub = Hub::new(HubParts {
            config: parts.config,
            receipts: parts.receipts,
            clock: parts.clock,
            entropy: parts.entropy,
            metrics: parts.metrics,
            resume_key: parts.resume_key,
            tickets: Arc::clone(&tickets),
            keeper: parts.messages.map(Keeper::new),
        });
        Arc::new(Self {
            hub,
            ledger,
            tickets,
            waiting: Mutex::default(),
        })
    }

    /// The connections, for the transports.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Keeps every deadline of connections, pages, messages, tickets and quotas. Runs until it is dropped.
    pub async fn run(&self) {
        let sweeps = async {
            loop {
                let next = self.hub.clock.elapsed().plus_ms(QUOTA_SWEEP_MS);
                self.hub.clock.sleep_until(next).await;
                self.ledger.sweep();
            }
        };
        let books = self.hub.keep_books();
        select(pin!(self.hub.run()), select(pin!(sweeps), pin!(books))).await;
    }

    /// Takes back what the books have kept, in durable mode. To be awaited before the first connection is accepted.
    ///
    /// # Errors
    /// The books do not answer: nobody must be let in.
    pub async fn load(&self) -> Result<Option<Loaded>, StoreFault> {
        match &self.hub.keeper {
            Some(keeper) => load(&self.hub, keeper).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes and syncs what the books do not know yet, in durable mode. To be awaited when nobody is connected and no call runs.
    ///
    /// # Errors
    /// What could not be written: acks and endings of the last moment are not known after the restart.
    pub async fn keep_all(&self) -> Result<(), StoreFault> {
        if self.hub.keeper.is_none() {
            return Ok(());
        }
        let settled = self.hub.flush_books(Flush::Now).await;
        settled.unwrap_or_else(|_| Err(StoreFault::OutcomeUnknown(BOOKS_ENDED.to_owned())))
    }

    /// The first step of either stop: no further connection is taken (live 9.6).
    pub fn close_door(&self) {
        self.hub.close_door();
    }

    /// The second step: calls that wait for a page are answered; every connection is ended with a delay of its own (`restart`), or
    /// asked to go elsewhere and ended when the window is over (`handover`); then outboxes get two seconds. New REST calls must be
    /// refused before. Returns when it is done.
    pub async fn stop(&self) {
        self.hub.close_door();
        self.hub.hurry();
        match self.hub.config.drain {
            Drain::Restart => self.hub.send_away(Bye::Restarting),
            Drain::Handover => self.hub.hand_over().await,
        }
        self.hub.emptied().await;
    }

    /// Places a message, or says why not; the first result is given again for a known id, which is charged nothing. What is to be
    /// written then is handed back, so that no socket is written while a session's entry is locked.
    fn place(
        &self,
        message: NewMessage,
        quota: Option<QuotaCharge>,
    ) -> (Result<Delivery, AcceptError>, Touched) {
        let key = (message.app, message.recipient);
        self.hub.at_held(key, |place, around, touched| {
            if let Some(known) = around.records.first(message.id, around.now) {
                return Ok(known);
            }
            self.charge(quota)?;
            let door = message.door;
            let item = Item::of(message, around.wall, around.now);
            self.may_enter(place, &item)?;
            let delivery = place.commit(around, (item, Offer::Now), touched);
            place.count_placed(around, door);
            Ok(delivery)
        })
    }

    /// The recipient's rate, then the totals.
    fn may_enter(&self, place: &mut Place, item: &Item) -> Result<(), AcceptError> {
        let now = self.hub.clock.elapsed();
        if !place.rate.take(self.hub.config.recipient_rate(), now) {
            self.hub.metrics.overflow(Overflow::RateRecipient);
            return Err(AcceptError::RecipientRate);
        }
        self.room(place, item)
    }

    /// Charges a quota where the place is given: two pages may send one `ref` at once, and one of them pays.
    fn charge(&self, quota: Option<QuotaCharge>) -> Result<(), AcceptError> {
        let charged = quota.map_or(Ok(()), |quota| self.ledger.charge_quota(quota));
        charged.map_err(|refusal| AcceptError::Ledger(self.counted(refusal)))
    }

    /// Settles a charge whose order is to be judged, and does the rest in the same step; another's quota is for the step itself.
    async fn settled_with<T>(
        &self,
        charge: Option<&Charge>,
        step: impl FnOnce(Option<QuotaCharge>) -> T + Send,
    ) -> Result<T, AcceptError> {
        match charge {
            Some(charge) if charge.order.is_some() => {
                self.settled(self.ledger.settle(charge, || step(None)).await)
            }
            Some(Charge { quota, .. }) => Ok(step(*quota)),
            None => Ok(step(None)),
        }
    }

    /// A place in memory: nothing waits for a disk (live 2.4).
    async fn accept_in_memory(
        &self,
        charge: Option<&Charge>,
        message: NewMessage,
    ) -> Result<Delivery, AcceptError> {
        let step = |quota| self.place(message, quota);
        let (placed, touched) = self.settled_with(charge, step).await?;
        touched.iter().for_each(|link| link.pump());
        placed
    }

    /// A place in the books: the answer follows the sync, and so does everything else (live 2 step 5).
    async fn accept_in_books(
        &self,
        keeper: &Keeper,
        charge: Option<&Charge>,
        message: NewMessage,
    ) -> Result<Delivery, AcceptError> {
        let step = |quota| {
            let room = |place: &mut Place, item: &Item| {
                self.charge(quota)?;
                self.may_enter(place, item)
            };
            self.hub.stage(keeper, message, room)
        };
        let staging = self.settled_with(charge, step).await??;
        match self.kept(staging).await? {
            Some(delivery) => Ok(delivery),
            None => Err(AcceptError::Fault(BOOKS_ENDED.to_owned())),
        }
    }

    /// Waits until the books have what was staged.
    async fn kept(&self, staging: Staging) -> Result<Option<Delivery>, AcceptError> {
        if let Some(writes) = staging.writes {
            self.hub.write(staging.key, writes);
        }
        let Ok((told, touched)) = staging.told.await else {
            return Err(AcceptError::Fault(BOOKS_ENDED.to_owned()));
        };
        touched.iter().for_each(|link| link.pump());
        told
    }

    /// Whether the totals have room (live 5.4).
    fn room(&self, place: &Place, item: &Item) -> Result<(), AcceptError> {
        let config = &self.hub.config;
        let size = item.size() as u64;
        let items = place.share.totals.items.load(Ordering::Relaxed);
        let bytes = place.share.totals.bytes.load(Ordering::Relaxed);
        if items >= config.app_items_max || bytes + size > config.app_bytes_max.0 {
            self.hub.metrics.overflow(Overflow::MailboxApp);
            return Err(AcceptError::AppMailboxFull);
        }
        let process = self.hub.broker.process.bytes.load(Ordering::Relaxed);
        if process + size > config.mailbox_bytes_max.0 {
            self.hub.metrics.overflow(Overflow::MailboxNode);
            return Err(AcceptError::ServerMailboxFull);
        }
        Ok(())
    }

    /// What came of settling a charge, or why it was refused.
    fn settled<T>(&self, settled: Result<Result<T, LedgerRefusal>, LedgerFault>) -> Result<T, AcceptError> {
        match settled {
            Ok(Ok(settled)) => Ok(settled),
            Ok(Err(refusal)) => Err(AcceptError::Ledger(self.counted(refusal))),
            Err(LedgerFault(cause)) => Err(AcceptError::Fault(cause)),
        }
    }

    /// Counts a quota that is spent; a refusal of call order is no bound.
    fn counted(&self, refusal: LedgerRefusal) -> LedgerRefusal {
        if matches!(refusal, LedgerRefusal::Quota { .. }) {
            self.hub.metrics.overflow(Overflow::Quota);
        }
        refusal
    }

    /// The first outcome of an id that is known.
    fn known(&self, id: MessageId) -> Option<Delivery> {
        let now = self.hub.clock.elapsed();
        self.hub.records.first(id, now)
    }

    /// Where a message comes from, if who asks may know of it. What has expired by now has left its mailbox.
    fn reached(&self, id: MessageId, asker: Asker) -> Option<Origin> {
        let now = self.hub.clock.elapsed();
        let origin = self.hub.records.look(id, now, |record| record.origin().clone());
        let origin = origin.filter(|origin| origin.is_reached_by(asker))?;
        self.let_expired_go(origin.key);
        Some(origin)
    }

    /// A message as its application's developer sees it.
    fn sent_by(&self, id: MessageId, asker: Asker) -> Option<SentMessage> {
        let origin = self.reached(id, asker)?;
        let standing = self.standing(id)?;
        Some(SentMessage {
            at: origin.at,
            sender: origin.sender,
            recipient: origin.key.1,
            event: origin.event,
            delivery: self.outcome(&standing),
        })
    }

    /// What has expired by now leaves its mailbox.
    fn let_expired_go(&self, key: MailboxKey) {
        self.hub.at_known(key, |place, around, _| place.expire(around));
    }

    /// How a message stands.
    fn standing(&self, id: MessageId) -> Option<Standing> {
        self.hub.records.standing(id, self.hub.clock.elapsed())
    }

    /// The outcome now, pages and handlers counted anew.
    fn outcome(&self, standing: &Standing) -> Delivery {
        let Origin { key, event, .. } = &standing.origin;
        let presence = self.hub.at_known(*key, |place, _, _| place.presence(event));
        standing.with_presence(presence.unwrap_or((0, 0)))
    }

    /// Counts a waiting call in; false when too many wait (live 7.4).
    fn may_wait(&self, app: AppId) -> bool {
        let config = &self.hub.config;
        let mut waiting = lock(&self.waiting);
        let all: u32 = waiting.values().sum();
        let own = waiting.get(&app).copied().unwrap_or(0);
        let free = own < config.app_waiters_max && all < config.waiters_max;
        if free {
            waiting.insert(app, own + 1);
            self.hub.metrics.wait_begins();
        } else {
            self.hub.metrics.overflow(Overflow::Waiters);
        }
        free
    }

    /// Waits until the message has come as far as wanted, the moment has come, or the server stops.
    async fn wait(&self, id: MessageId, wait: WaitFor, deadline: ElapsedMs) {
        loop {
            let Some(moved) = self.hub.records.waiter(id, wait) else {
                return;
            };
            let mut moved = pin!(moved.notified());
            moved.as_mut().enable();
            let mut stop = pin!(self.hub.hurries().notified());
            stop.as_mut().enable();
            let gone = self.hub.records.waiter(id, wait).is_none();
            if gone || self.hub.is_hurried() || self.hub.clock.elapsed() >= deadline {
                return;
            }
            let late = self.hub.clock.sleep_until(deadline);
            let turned: [std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>; 3] =
                [Box::pin(moved), Box::pin(stop), late];
            select_all(turned).await;
        }
    }
}

/// Counts a waiting call out, also when its caller hangs up.
struct Waiting<'a>(&'a Node, AppId);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.waiting);
        if let Some(own) = waiting.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.1);
            }
        }
        self.0.hub.metrics.wait_ends();
    }
}

/// Said when the books' writer is gone.
const BOOKS_ENDED: &str = "the books have ended";

/// Milliseconds between two sweeps of quota windows.
const QUOTA_SWEEP_MS: u64 = 60_000;

#[async_trait]
impl Deliver for Node {
    async fn accept(&self, charge: Option<&Charge>, message: NewMessage) -> Result<Delivery, AcceptError> {
        // A repeated id changes nothing: not even the charge is looked at.
        if let Some(known) = self.known(message.id) {
            return Ok(known);
        }
        let began = self.hub.clock.elapsed_micros();
        let (mode, outcome) = match &self.hub.keeper {
            None => (Mode::Memory, self.accept_in_memory(charge, message).await),
            Some(keeper) => (Mode::Durable, self.accept_in_books(keeper, charge, message).await),
        };
        if outcome.is_ok() {
            let took = self.hub.clock.elapsed_micros().since(began);
            self.hub.metrics.accepted_in(mode, took);
        }
        outcome
    }

    async fn watch(
        &self,
        id: MessageId,
        wait: WaitFor,
        timeout_ms: u64,
    ) -> Result<Option<Delivery>, DeliverFault> {
        let Some(standing) = self.standing(id) else {
            return Ok(None);
        };
        let first = self.outcome(&standing);
        let app = standing.origin.key.0;
        if wait == WaitFor::Accepted || first.handlers == 0 || !self.may_wait(app) {
            return Ok(Some(first));
        }
        let waiting = Waiting(self, app);
        let now = self.hub.clock.elapsed();
        let deadline = now.plus_ms(timeout_ms);
        let life = first.expires_at.0.saturating_sub(self.hub.clock.wall().0);
        let end = now.plus_ms(u64::try_from(life).unwrap_or(0));
        // A mailbox may notice later what has expired; this caller is to know it at once.
        for moment in [end.min(deadline), deadline] {
            self.wait(id, wait, moment).await;
            self.let_expired_go(standing.origin.key);
        }
        drop(waiting);
        let later = self.standing(id).map(|standing| self.outcome(&standing));
        Ok(later.or(Some(first)))
    }

    async fn status(&self, id: MessageId, asker: Asker) -> Result<Option<Status>, DeliverFault> {
        let Some(Origin { key, event, .. }) = self.reached(id, asker) else {
            return Ok(None);
        };
        let lagging = self.hub.at_known(key, |place, _, _| place.lagging(&event));
        let history = self.hub.records.history(id, self.hub.clock.elapsed());
        Ok(history.map(|(standing, timeline)| Status {
            delivery: self.outcome(&standing),
            failed: standing.failed,
            lagging: lagging.unwrap_or(0),
            timeline,
        }))
    }

    async fn latest(&self, app: AppId, limit: usize) -> Result<Vec<SentMessage>, DeliverFault> {
        let ids = self.hub.records.latest(app, limit);
        let asker = Asker { app, sender: None };
        let mut sent: Vec<SentMessage> = ids.into_iter().filter_map(|id| self.sent_by(id, asker)).collect();
        sent.sort_by_key(|message| std::cmp::Reverse(message.at));
        Ok(sent)
    }

    async fn sent(&self, id: MessageId, asker: Asker) -> Result<Option<SentMessage>, DeliverFault> {
        Ok(self.sent_by(id, asker))
    }

    async fn cancel(&self, id: MessageId, asker: Asker) -> Result<Option<Delivery>, DeliverFault> {
        let Some(Origin { key, .. }) = self.reached(id, asker) else {
            return Ok(None);
        };
        self.hub.at_known(key, |place, around, touched| {
            if let Some(before) = around.records.standing(id, around.now) {
                place.cancel_message(around, (id, before.delivery.seq), touched);
            }
        });
        Ok(self.standing(id).map(|standing| self.outcome(&standing)))
    }

    async fn cursor(&self, app: AppId, user: Uid) -> Result<Cursor, DeliverFault> {
        // Whoever is told of an epoch must find it again after a crash.
        if let Some(keeper) = &self.hub.keeper
            && let Some(staging) = self.hub.stage_head(keeper, (app, user))
            && let Err(AcceptError::NotKept(why) | AcceptError::Fault(why)) = self.kept(staging).await
        {
            return Err(DeliverFault(why));
        }
        Ok(self.hub.at((app, user), |place, around, _| {
            place.used = around.now;
            place.mailbox.cursor()
        }))
    }

    async fn withdraw(&self, app: AppId, user: Uid, at: WallMs) -> Result<(), DeliverFault> {
        self.hub.withdraw(app, user, at);
        Ok(())
    }

    async fn end_session(&self, session: SessionId) -> Result<(), DeliverFault> {
        self.hub.end_session(session);
        Ok(())
    }

    async fn disable_app(&self, app: AppId) -> Result<(), DeliverFault> {
        self.hub.disable_app(app);
        Ok(())
    }
}

#[async_trait]
impl Ledger for Node {
    async fn settle(&self, charge: &Charge) -> Result<Result<(), LedgerRefusal>, LedgerFault> {
        let settled = self.ledger.settle(charge, || ()).await?;
        Ok(settled.map_err(|refusal| self.counted(refusal)))
    }

    fn peek(&self, quota: QuotaCharge) -> Option<LedgerRefusal> {
        self.ledger.peek(quota).map(|refusal| self.counted(refusal))
    }

    fn spent(&self, scope: QuotaScope) -> u32 {
        self.ledger.spent(scope)
    }

    async fn reset(&self, session: SessionId) -> Result<(), LedgerFault> {
        self.ledger.forget(session);
        Ok(())
    }
}

#[async_trait]
impl Tickets for Node {
    async fn issue(&self, ticket: Ticket) -> Result<(), TicketFault> {
        self.hub.metrics.ticket(TicketFate::Issued);
        if self.tickets.issue(ticket) {
            self.hub.metrics.overflow(Overflow::TicketsOutstanding);
        }
        Ok(())
    }

    async fn redeem(&self, token: TokenDigest) -> Result<Option<Ticket>, TicketFault> {
        let ticket = self.tickets.redeem(token);
        self.hub.metrics.ticket(if ticket.is_some() {
            TicketFate::Redeemed
        } else {
            TicketFate::Refused
        });
        Ok(ticket)
    }

    async fn void_session(&self, session: SessionId) -> Result<(), TicketFault> {
        self.tickets.void_session(session);
        Ok(())
    }

    async fn void_user(&self, app: AppId, user: Uid) -> Result<(), TicketFault> {
        self.tickets.void_user(app, user);
        Ok(())
    }
}

/// The ports that a node fulfils.
const _: fn(&Node) = |node| {
    let _: (&dyn Deliver, &dyn Ledger, &dyn Tickets) = (node, node, node);
};
