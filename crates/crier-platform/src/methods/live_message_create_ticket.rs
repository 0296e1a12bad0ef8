//! `liveMessage.createTicket` (protocol 16.3, live 3.2): a one-time right to open a live connection, and the mailbox's cursor.

use super::registry::Method;
use crate::model::login::TokenDigest;
use crate::model::session::Session;
use crate::model::ticket::Ticket;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::digest::{base64url, sha256};
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::ApiKey;
use crier_proto::reply::Reply;
use std::sync::Arc;

/// The method.
pub(crate) struct LiveMessageCreateTicket;

/// Whose pages the ticket opens.
pub(crate) struct Args {
    session: Arc<Session>,
    api_key: ApiKey,
}

impl Method for LiveMessageCreateTicket {
    const NAME: &'static str = "liveMessage.createTicket";
    type Args = Args;

    fn parse(call: &VerifiedCall<'_>) -> Result<Args, Refusal> {
        Ok(Args {
            session: Arc::clone(call.session()?),
            api_key: call.app().api_key.clone(),
        })
    }

    async fn run(args: Args, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let Args { session, api_key } = args;
        let (app, user) = (session.app, session.user);
        if unit.grant(app, user).await?.is_none() {
            return Err(Refusal::plain(Code::TermsNotAccepted).into());
        }
        let text = base64url(&unit.random::<32>());
        let life_ms = i64::try_from(unit.config().ticket_life_ms).unwrap_or(i64::MAX);
        let ticket = Ticket {
            // The digest alone is kept: who reads our books cannot connect.
            token: TokenDigest(sha256(&[text.as_bytes()])),
            app,
            user,
            session: session.id,
            session_key: session.key.clone(),
            expires_at: unit.now().plus_ms(life_ms),
        };
        let expires = ticket.expires_at.secs();
        let url = format!("{}/live", unit.config().public_url.trim_end_matches('/'));
        Ok(Outcome::OfCursor {
            ticket: Box::new(ticket),
            reply: Box::new(move |cursor| {
                Reply::Object(vec![
                    ("ticket", Reply::Text(text)),
                    ("expires", Reply::Integer(expires)),
                    ("url", Reply::Text(url)),
                    ("api_key", Reply::Text(api_key.to_string())),
                    ("app", Reply::Text(app.to_string())),
                    ("user", Reply::Text(user.to_string())),
                    ("epoch", Reply::Text(cursor.epoch.to_string())),
                    (
                        "seq",
                        Reply::Integer(i64::try_from(cursor.seq).unwrap_or(i64::MAX)),
                    ),
                ])
            }),
        })
    }
}
