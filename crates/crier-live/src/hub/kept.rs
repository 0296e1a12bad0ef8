//! What outlives the process: taken at the end of a clean stop, taken back before the first connection (live 5.8, 5.9).

use super::drain::WINDOW_LEAST_MS;
use super::{Due, Hub};
use crate::durable::Staged;
use crate::shards::lock;
use crate::snapshot::{Contents, Header, KeptPlace, Moment, SnapshotFault, Writer, read};
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::entropy::random_bytes;
use crier_proto::ids::Epoch;
use std::sync::atomic::Ordering;

impl Hub {
    /// Mailboxes, pages within their grace, outcomes, tickets and unposted receipts as they are. To be taken when nobody is connected and no call runs.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let header = Header {
            taken_at: self.clock.wall(),
            window_ms: self.window_ms(),
            next_page: self.next_page.load(Ordering::Relaxed),
        };
        let mut writer = Writer::new(&header, self.clock.elapsed());
        // In durable mode the books have all but the tickets and the receipts on their way.
        if self.keeper.is_none() {
            self.broker
                .each(|key, place| writer.place(key, (&place.mailbox, &place.pages, place.focus_turn)));
            self.records
                .each_kept(|until, record| writer.record(until, record));
        }
        self.tickets.each(|ticket| writer.ticket(ticket));
        self.receipts.each(|app, queue| writer.receipts(app, queue));
        writer.done()
    }

    /// Takes a snapshot back into a hub that nobody has used, and says how many mailboxes it held. Pages have their grace again,
    /// longer by the span in which they were told to come back.
    ///
    /// # Errors
    /// `SnapshotFault`; nothing has changed, and every mailbox will begin a new life.
    pub fn restore(&self, bytes: &[u8]) -> Result<usize, SnapshotFault> {
        let moment = Moment {
            now: self.clock.elapsed(),
            wall: self.clock.wall(),
        };
        let contents = read(bytes, moment)?;
        let mailboxes = contents.places.len();
        self.take_back(contents, moment);
        Ok(mailboxes)
    }

    fn take_back(&self, contents: Contents, moment: Moment) {
        let Contents {
            header,
            places,
            records,
            tickets,
            receipts,
        } = contents;
        self.next_page.fetch_max(header.next_page, Ordering::Relaxed);
        // Before the mailboxes: what expired meanwhile ends with its record.
        for (until, record) in records {
            self.records.add(record, until);
        }
        for (app, queue) in receipts {
            self.receipts.take_back(app, queue);
        }
        let grace_ms = self.config.page_grace.0.saturating_add(header.window_ms);
        let grace_ends = moment.now.plus_ms(grace_ms);
        for kept in places {
            self.next_page.fetch_max(
                kept.pages
                    .iter()
                    .map(|page| page.seated.saturating_add(1))
                    .max()
                    .unwrap_or(0),
                Ordering::Relaxed,
            );
            self.seat_kept(kept, (moment.now, grace_ends), None);
        }
        for ticket in tickets {
            self.tickets.issue(ticket);
        }
    }

    /// Puts one place back; its pages have their grace, and what is held for others waits as long.
    pub(crate) fn seat_kept(
        &self,
        kept: KeptPlace,
        (now, grace_ends): (ElapsedMs, ElapsedMs),
        staged: Option<Staged>,
    ) {
        let key = kept.key;
        let around = self.around(key);
        let awaits = !kept.pages.is_empty() || kept.mailbox.holds_for_return();
        self.broker.take_back(kept, now, |place| {
            place.staged = staged.map(Box::new);
            place.come_back(&around, grace_ends);
        });
        if awaits {
            lock(&self.wheel).insert(grace_ends, Due::Grace(key));
        }
    }

    /// Pages of an earlier process may come back from now on. Returns until when what they are owed is kept for them: their grace
    /// begins when they can connect again, and the shortest window of a return is added to it.
    pub(crate) fn begin_recovery(&self, now: ElapsedMs) -> ElapsedMs {
        let recovered_at = now.plus_ms(self.config.page_grace.0.saturating_add(WINDOW_LEAST_MS));
        self.recovered_at.store(recovered_at.0, Ordering::Relaxed);
        recovered_at
    }

    /// The next turn of a page's coming.
    pub(crate) fn page_turn(&self) -> u64 {
        self.next_page.fetch_add(1, Ordering::Relaxed)
    }

    /// A name for a new life of a mailbox.
    pub(crate) fn draw_epoch(&self) -> Epoch {
        Epoch::from_bytes(random_bytes(&*self.entropy))
    }
}
