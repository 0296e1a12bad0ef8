//! What outlives the process: taken at the end of a clean stop, taken back before the first connection (live 5.8, 5.9).

use super::{Due, Hub};
use crate::shards::lock;
use crate::snapshot::{Contents, Header, Moment, SnapshotFault, Writer, read};
use std::sync::atomic::Ordering;

impl Hub {
    /// Mailboxes, pages within their grace, outcomes and tickets as they are. To be taken when nobody is connected and no call runs.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let header = Header {
            taken_at: self.clock.wall(),
            window_ms: self.window_ms(),
            next_page: self.next_page.load(Ordering::Relaxed),
        };
        let mut writer = Writer::new(&header, self.clock.elapsed());
        self.broker
            .each(|key, place| writer.place(key, (&place.mailbox, &place.pages, place.focus_turn)));
        self.records
            .each_kept(|until, record| writer.record(until, record));
        self.tickets.each(|ticket| writer.ticket(ticket));
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
        } = contents;
        self.next_page.fetch_max(header.next_page, Ordering::Relaxed);
        // Before the mailboxes: what expired meanwhile ends with its record.
        for (until, record) in records {
            self.records.add(record, until);
        }
        let grace_ms = self.config.page_grace.0.saturating_add(header.window_ms);
        let grace_ends = moment.now.plus_ms(grace_ms);
        for kept in places {
            let key = kept.key;
            self.next_page.fetch_max(
                kept.pages
                    .iter()
                    .map(|page| page.no.0.saturating_add(1))
                    .max()
                    .unwrap_or(0),
                Ordering::Relaxed,
            );
            let around = self.around(key);
            let present = !kept.pages.is_empty();
            self.broker.take_back(kept, moment.now, |place| {
                place.come_back(&around, grace_ends);
            });
            if present {
                lock(&self.wheel).insert(grace_ends, Due::Grace(key));
            }
        }
        for ticket in tickets {
            self.tickets.issue(ticket);
        }
    }
}
