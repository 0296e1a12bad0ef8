//! What the scenarios with a crowd share: a server, its people, pages by the thousand, and senders that give everybody messages.

use crate::caller::{self, Caller};
use crate::crowd::{self, Crowd, Wanted, part::stamped};
use crate::page::EVENT;
use crate::server::{Folder, Server};
use crate::stage::{self, Person, Stage, first_call_id};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const SENDERS: u64 = 8;
const LOOKS_WITHIN: Duration = Duration::from_secs(120);

/// A set-up scenario.
pub struct Play {
    /// The data folder.
    pub data: PathBuf,
    /// Everybody; the last one has no page in the crowd.
    pub stage: Stage,
    /// Handlers that must have started so far.
    pub expected: u64,
    folder: Folder,
}

impl Play {
    /// People for so many pages, and one bystander.
    pub fn prepare(name: &str, pages: u64) -> Result<Self, String> {
        let folder = Folder::fresh(name)?;
        let data = folder.0.join("data");
        let stage = Stage::prepare(&data, crowd::users(pages) + 1, SENDERS)?;
        Ok(Self {
            data,
            stage,
            expected: 0,
            folder,
        })
    }

    /// Starts the server, where an earlier one was or at a free port.
    pub fn serve(&self, address: &str, own: &[(&str, &str)]) -> Result<Server, String> {
        debug_assert!(self.data.starts_with(&self.folder.0));
        Server::start_at(address, &self.data, &stage::environment(own))
    }

    /// Those with pages.
    pub fn people(&self) -> &[Person] {
        let all = &self.stage.people;
        all.split_last().map_or(&[], |(_, crowd)| crowd)
    }

    /// Opens the pages and says how fast that went.
    pub fn open(&self, server: &Server, wanted: (u64, Option<u32>)) -> Result<Crowd, String> {
        let (pages, receive_buffer) = wanted;
        let (began, cpu) = (Instant::now(), Server::cpu_us(server.id())?);
        let crowd = Crowd::open(&Wanted {
            pages,
            server: &server.address,
            api_key: &self.stage.api_key,
            people: self.people(),
            receive_buffer,
            seed: 1,
        })?;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), Server::cpu_us(server.id())? - cpu);
        println!(
            "  pages:              {}, opened in {seconds:.1} s ({:.0}/s, {:.2} s of server CPU per 10,000)",
            crowd.pages,
            crowd.pages as f64 / seconds,
            cpu as f64 / 100.0 / crowd.pages as f64
        );
        Ok(crowd)
    }

    /// Sends every person of the crowd so many messages, each answered `true`.
    pub async fn send_all(&mut self, (server, crowd): (&str, &Crowd), rounds: u64) -> Result<(), String> {
        let tasks = LocalSet::new();
        let mut sending = Vec::new();
        for (place, keys) in self.stage.senders.iter().enumerate() {
            let uids: Vec<String> = self
                .people()
                .iter()
                .skip(place)
                .step_by(self.stage.senders.len())
                .map(|person| person.uid.clone())
                .collect();
            let (keys, server) = (keys.clone(), server.to_owned());
            sending.push(tasks.spawn_local(async move {
                let mut caller = Caller::connect(&server).await?;
                for _ in 0..rounds {
                    for uid in &uids {
                        send_one(&mut caller, &keys, uid).await?;
                    }
                }
                Ok::<_, String>(())
            }));
        }
        tasks.await;
        for sender in sending {
            sender.await.map_err(|error| error.to_string())??;
        }
        self.expected += rounds * crowd.pages;
        Ok(())
    }

    /// Waits until all handlers have started, and judges.
    pub fn settle(&self, crowd: &mut Crowd) -> Result<(), String> {
        let expected = self.expected;
        crowd
            .until(LOOKS_WITHIN, |report| report.starts >= expected)?
            .exact(expected)
    }
}

/// Sends a message that says when it was sent.
pub async fn send_one(caller: &mut Caller, keys: &caller::Keys, uid: &str) -> Result<(), String> {
    let (call_id, message) = (first_call_id().to_string(), stamped());
    let own = [
        ("recipient", uid),
        ("event_name", EVENT),
        ("message", &message),
        ("format", "json"),
    ];
    let body = caller::body(keys, "liveMessage.send", &call_id, &own);
    let answer = caller.call(&Caller::request(&body)).await?;
    if answer == "true" {
        Ok(())
    } else {
        Err(format!("send: {answer}"))
    }
}
