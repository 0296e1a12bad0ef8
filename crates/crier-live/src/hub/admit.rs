//! From a hello to a welcome, by ticket or by resume token (live 3.5 to 3.12).

use super::{Hub, RETRY_MS};
use crate::frames::{Hello, ServerFrame, Text, WelcomePage, write};
use crate::link::{ConnectionNo, Link};
use crate::place::{Introduction, Place};
use crate::resume::Resume;
use crier_platform::live_door::PageSend;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::error::Code;
use crier_proto::frame::Bye;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What only the platform's door can answer, asked by the transport on the connection's behalf.
#[derive(Debug)]
pub enum Errand {
    /// Redeem the hello's ticket, then call `admit` or `end`.
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
        reference: String,
        /// What.
        send: Box<PageSend>,
    },
}

impl Hub {
    /// Judges a hello: a resume token at once, a ticket by an errand.
    pub(super) fn hello(&self, link: &Arc<Link>, hello: Box<Hello>) -> Option<Errand> {
        link.state().admitting();
        match (&hello.ticket, &hello.resume) {
            (Some(ticket), _) => Some(Errand::Redeem {
                ticket: ticket.clone(),
                hello,
            }),
            (None, Some(token)) => {
                match self.resumed(link, token) {
                    Ok(resume) => {
                        self.metrics.resume("ok");
                        self.supersede(ConnectionNo(resume.connection));
                        self.admit(link, &hello, resume.permit);
                    }
                    Err(bye) => {
                        self.metrics.resume("refused");
                        self.end(link, bye, None);
                    }
                }
                None
            }
            (None, None) => {
                self.end(link, Bye::BadFrame, None);
                None
            }
        }
    }

    fn resumed(&self, link: &Link, token: &str) -> Result<Resume, Bye> {
        let resume = self.resume_key.open(token).ok_or(Bye::ResumeInvalid)?;
        let permit = &resume.permit;
        if permit.app != link.opening.app {
            return Err(Bye::TicketInvalid);
        }
        let void = resume.origin != link.opening.origin
            || permit.until <= self.clock.wall()
            || self.revocations.has_ended(permit.session)
            || self
                .revocations
                .is_withdrawn(permit.app, permit.user, resume.issued_at);
        if void { Err(Bye::ResumeInvalid) } else { Ok(resume) }
    }

    /// A newer connection of the same token line takes over (live 3.10).
    fn supersede(&self, no: ConnectionNo) {
        let old = self.links.of(&no).get(&no).cloned();
        if let Some(old) = old {
            self.end(&old, Bye::Superseded, None);
        }
    }

    /// Opens a connection whose right has been proved: its pages are seated and everything committed from now on is covered.
    pub fn admit(&self, link: &Arc<Link>, hello: &Hello, permit: Permit) {
        let key = (permit.app, permit.user);
        let now = self.clock.elapsed();
        let until = self.until(permit.until);
        let first_ping = now.plus_ms(self.random_below(self.terms.ping_ms));
        let permit = Arc::new(permit);
        let resume = self.token(link, &permit);
        let admitted = self.at(key, |place, around, touched| {
            if place.links.len() >= self.config.connections_per_user_max {
                return Err(Bye::TooManyConnections);
            }
            if !link.state().open(Arc::clone(&permit), until, first_ping) {
                return Ok(());
            }
            place.links.push(Arc::clone(link));
            place.links.shrink_to_fit();
            place.used = around.now;
            place.expire(around);
            self.welcome(place, link, (hello, &permit, &resume), around);
            place.read_on(around, link);
            crate::place::touch(touched, link);
            Ok(())
        });
        match admitted {
            Ok(()) => {
                if link.admit() {
                    self.greeting.fetch_sub(1, Ordering::AcqRel);
                }
                self.schedule(link);
            }
            Err(bye) => {
                self.metrics.overflow("connections_user");
                self.end(link, bye, Some(RETRY_MS));
            }
        }
    }

    fn welcome(
        &self,
        place: &mut Place,
        link: &Arc<Link>,
        (hello, permit, resume): (&Hello, &Permit, &str),
        around: &crate::place::Around<'_>,
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
            refused.extend(names.into_iter().map(|(_, code)| (page.page.as_str(), code)));
            pages.push(WelcomePage {
                page: page.page.as_str(),
                seq,
            });
        }
        let WallMs(now) = around.wall;
        let frame = ServerFrame::Welcome {
            v: 1,
            connection: &self.resume_key.connection_name(link.no.0),
            resume,
            until: permit.until.0,
            app: Text(permit.app.get()),
            user: Text(permit.user.get()),
            epoch: Text(place.mailbox.cursor().epoch),
            pages,
            ping_secs: self.terms.ping_ms.div_ceil(1_000),
            now,
        };
        let mut state = link.state();
        state.answer(write(&frame), around.now);
        for (page, code) in refused {
            let frame = super::speak::error_frame(code, None, Some(page));
            state.answer(frame, around.now);
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
            let frame = ServerFrame::Renewed {
                resume: &resume,
                until: permit.until.0,
            };
            state.answer(write(&frame), now);
        }
        drop(state);
        link.pump();
    }

    /// The answer to a page's send.
    pub fn sent(
        &self,
        link: &Arc<Link>,
        reference: &str,
        outcome: &Result<crier_platform::model::message::Delivery, crier_proto::error::Refusal>,
    ) {
        let frame = match outcome {
            Ok(delivery) => write(&ServerFrame::Sent {
                r#ref: reference,
                outcome: delivery.into(),
            }),
            Err(refusal) => write(&ServerFrame::Error {
                code: refusal.code().number(),
                text: &refusal.message(),
                r#ref: Some(reference),
                page: None,
            }),
        };
        link.state().answer(frame, self.clock.elapsed());
        link.pump();
    }

    fn token(&self, link: &Link, permit: &Permit) -> String {
        self.resume_key.seal(&Resume {
            permit: permit.clone(),
            origin: link.opening.origin,
            connection: link.no.0,
            issued_at: self.clock.wall(),
        })
    }

    /// The moment of the stopwatch at which a wall time comes.
    fn until(&self, wall: WallMs) -> ElapsedMs {
        let left = wall.0.saturating_sub(self.clock.wall().0);
        self.clock.elapsed().plus_ms(u64::try_from(left).unwrap_or(0))
    }
}

/// The row that a page's send over its rate gets.
pub(super) const RATE_ROW: Code = Code::RequestLimit;
