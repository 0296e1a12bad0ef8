//! From a hello to a welcome, by ticket or by resume token (live 3.5 to 3.12).

use super::{Coming, Hub};
use crate::link::{ConnectionNo, Link};
use crate::metrics::{Door, Overflow};
use crate::place::{Around, Introduction, Place};
use crate::resume::Resume;
use bytes::Bytes;
use crier_platform::live_door::PageSend;
use crier_platform::model::message::Delivery;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::error::{Code, Refusal};
use crier_proto::frame::{Bye, Hello, Opening, Outcome, PageCursor, Ref, ServerFrame};
use std::sync::Arc;

/// What only the platform's door can answer, asked by the transport on the connection's behalf.
#[derive(Debug)]
pub enum Errand {
    /// Await the turn of a resume, then call `resume`.
    Resume {
        /// For `resume`.
        hello: Box<Hello>,
    },
    /// Await the turn of a new connection, redeem the hello's ticket, then call `admit` or `refuse`.
    Redeem {
        /// The ticket.
        ticket: String,
        /// For `admit`.
        hello: Box<Hello>,
    },
    /// Redeem a new ticket, then call `renewed` or `end`.
    Renew {
        /// The ticket.
        ticket: String,
    },
    /// Send for a page, then call `sent`.
    Send {
        /// Who sends.
        permit: Arc<Permit>,
        /// For `sent`.
        reference: Ref,
        /// What.
        send: Box<PageSend>,
    },
    /// Call `say` with each of these, one after another, as there is room.
    Say {
        /// The rest of a long answer.
        frames: Vec<Bytes>,
    },
}

impl Hub {
    /// A hello has come: it waits for its turn.
    pub(super) fn hello(&self, link: &Arc<Link>, hello: Box<Hello>) -> Errand {
        link.state().admitting();
        self.greeted(link);
        match &hello.opening {
            Opening::Ticket(ticket) => Errand::Redeem {
                ticket: ticket.clone(),
                hello,
            },
            Opening::Resume(_) => Errand::Resume { hello },
        }
    }

    /// Judges a hello with a resume token: no database is asked.
    pub fn resume(&self, link: &Arc<Link>, hello: &Hello) {
        let Opening::Resume(token) = &hello.opening else {
            return;
        };
        match self.resumed(link, token) {
            Ok(resume) => {
                self.metrics.resume(None);
                self.carry_on(link, ConnectionNo(resume.line));
                let judged = self.admit_issued(link, hello, (resume.permit, resume.issued_at));
                self.count_admission(Coming::Resume, judged);
            }
            Err(bye) => {
                self.metrics.resume(Some(bye));
                self.metrics.admission(Coming::Resume, Some(bye));
                self.end(link, bye, None);
            }
        }
    }

    fn resumed(&self, link: &Link, token: &str) -> Result<Resume, Bye> {
        let resume = self.resume_key.open(token).ok_or(Bye::ResumeInvalid)?;
        let permit = &resume.permit;
        if permit.app != link.opening.app {
            return Err(Bye::TicketInvalid);
        }
        let late = permit.until <= self.clock.wall();
        if late {
            self.metrics.overflow(Overflow::Authorised);
        }
        let void = late
            || resume.origin != link.opening.origin
            || self.revocations.has_ended(permit.session)
            || self
                .revocations
                .is_withdrawn(permit.app, permit.user, resume.issued_at);
        if void { Err(Bye::ResumeInvalid) } else { Ok(resume) }
    }

    /// A newer connection of a token line takes over from whichever of the line is open here, however old its token is: at most
    /// one of them delivers (live 3.10).
    fn carry_on(&self, link: &Arc<Link>, line: ConnectionNo) {
        link.carry_on(line);
        let heir = self.heirs.of(&line).insert(line, link.no);
        for no in [Some(line), heir].into_iter().flatten() {
            let old = self.links.of(&no).get(&no).cloned();
            if let Some(old) = old {
                self.end(&old, Bye::Superseded, None);
            }
        }
    }

    /// Opens a connection whose right has been proved: its pages are seated and everything committed from now on is covered.
    pub fn admit(&self, link: &Arc<Link>, hello: &Hello, permit: Permit) {
        let judged = self.admit_issued(link, hello, (permit, self.clock.wall()));
        self.count_admission(Coming::New, judged);
    }

    /// Ends a connection whose ticket was refused.
    pub fn refuse(&self, link: &Arc<Link>, bye: Bye) {
        self.metrics.admission(Coming::New, Some(bye));
        self.end(link, bye, None);
    }

    /// A connection that ended before its right was proved was neither admitted nor refused.
    fn count_admission(&self, coming: Coming, judged: Result<bool, Bye>) {
        match judged {
            Ok(true) => self.metrics.admission(coming, None),
            Ok(false) => {}
            Err(bye) => self.metrics.admission(coming, Some(bye)),
        }
    }

    /// True when the connection is open now, false when it had ended meanwhile.
    fn admit_issued(
        &self,
        link: &Arc<Link>,
        hello: &Hello,
        (permit, issued_at): (Permit, WallMs),
    ) -> Result<bool, Bye> {
        let key = (permit.app, permit.user);
        let now = self.clock.elapsed();
        let until = self.until(permit.until);
        let first_ping = now.plus_ms(self.random_below(self.terms.ping_ms));
        let permit = Arc::new(permit);
        let resume = self.token(link, &permit);
        link.state().authorised(issued_at);
        let admitted = self.at(key, |place, around, touched| {
            if place.links.len() >= self.config.connections_per_user_max {
                return Err(Bye::TooManyConnections);
            }
            if !link.state().open(Arc::clone(&permit), until, first_ping) {
                return Ok(false);
            }
            place.links.push(Arc::clone(link));
            place.links.shrink_to_fit();
            place.used = around.now;
            place.expire(around);
            self.welcome((place, around), link, (hello, &permit, &resume));
            place.read_on(around, link);
            crate::place::touch(touched, link);
            Ok(true)
        });
        match admitted {
            Ok(_) => {
                self.schedule(link);
                self.end_if_revoked(link, permit.session);
            }
            Err(bye) => {
                self.metrics.overflow(Overflow::ConnectionsUser);
                self.end(link, bye, None);
            }
        }
        admitted
    }

    fn welcome(
        &self,
        (place, around): (&mut Place, &Around<'_>),
        link: &Arc<Link>,
        (hello, permit, resume): (&Hello, &Permit, &str),
    ) {
        let mut refused = Vec::new();
        let mut pages = Vec::with_capacity(hello.pages.len());
        for page in &hello.pages {
            let coming = Introduction {
                page: &page.page,
                cursor: hello.epoch.zip(page.seq),
                events: &page.events,
                focus: Some(page.focus),
                inherit: hello.inherit,
            };
            let (seq, names) = place.introduce(around, link, &coming);
            for (_, code) in names {
                // Told once for each page and cause: a hello can name two thousand events, and their answers must fit the outbox.
                if !refused.contains(&(&page.page, code)) {
                    refused.push((&page.page, code));
                }
            }
            pages.push(PageCursor {
                page: page.page.clone(),
                seq,
            });
        }
        let WallMs(now) = around.wall;
        let frame = ServerFrame::Welcome {
            v: 1,
            connection: self.resume_key.connection_name(link.no.0),
            resume: resume.to_owned(),
            until: permit.until.0,
            app: permit.app,
            user: permit.user,
            epoch: place.mailbox.cursor().epoch,
            pages,
            ping_secs: self.terms.ping_ms.div_ceil(1_000),
            now,
        };
        let mut state = link.state();
        state.answer(frame.to_json().into(), around.now);
        for (page, code) in refused {
            let refusal = match code {
                Code::InvalidParameter => {
                    Refusal::because(code, "events must not be empty or contain U+0000")
                }
                _ => Refusal::plain(code),
            };
            let frame = ServerFrame::error(&refusal, None, Some(page.clone()));
            state.answer(frame.to_json().into(), around.now);
        }
    }

    /// A new ticket has been redeemed for a connection that is open (live 3.8).
    pub fn renewed(&self, link: &Arc<Link>, permit: Permit) {
        let same = super::key_of(link) == Some((permit.app, permit.user));
        if !same {
            self.end(link, Bye::TicketInvalid, None);
            return;
        }
        let permit = Arc::new(permit);
        let resume = self.token(link, &permit);
        let now = self.clock.elapsed();
        let mut state = link.state();
        if state.renew(Arc::clone(&permit), self.until(permit.until)) {
            state.authorised(self.clock.wall());
            let frame = ServerFrame::Renewed {
                resume,
                until: permit.until.0,
            };
            state.answer(frame.to_json().into(), now);
        }
        drop(state);
        link.pump();
    }

    /// The answer to a page's send.
    pub fn sent(&self, link: &Arc<Link>, reference: Ref, outcome: &Result<Delivery, Refusal>) {
        let frame = match outcome {
            Ok(delivery) => ServerFrame::Sent {
                reference,
                outcome: outcome_of(delivery),
            },
            Err(refusal) => {
                self.metrics
                    .send_refused(Door::Page, (refusal.code(), refusal.bound()));
                ServerFrame::error(refusal, Some(reference), None)
            }
        };
        link.state().answer(frame.to_json().into(), self.clock.elapsed());
        link.pump();
    }

    fn token(&self, link: &Link, permit: &Permit) -> String {
        self.resume_key.seal(&Resume {
            permit: permit.clone(),
            origin: link.opening.origin,
            line: link.line().0,
            issued_at: self.clock.wall(),
        })
    }

    /// The moment of the stopwatch at which a wall time comes.
    fn until(&self, wall: WallMs) -> ElapsedMs {
        let left = wall.0.saturating_sub(self.clock.wall().0);
        self.clock.elapsed().plus_ms(u64::try_from(left).unwrap_or(0))
    }
}

/// The outcome object on the wire.
fn outcome_of(delivery: &Delivery) -> Outcome {
    Outcome {
        id: delivery.id,
        seq: delivery.seq,
        epoch: delivery.epoch,
        state: delivery.state.as_str(),
        pages: delivery.pages,
        handlers: delivery.handlers,
        written: delivery.written,
        acked: delivery.acked,
        expires_at: delivery.expires_at.secs_rounded_up(),
    }
}
