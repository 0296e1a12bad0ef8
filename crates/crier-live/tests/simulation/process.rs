//! One process after another over the same clock: how it begins, and the three ways in which it ends.

use crate::stage::Stage;
use async_trait::async_trait;
use crier_live::config::{Drain, LiveConfig, ReceiptsConfig};
use crier_live::metrics::Metrics;
use crier_live::node::{Node, NodeParts};
use crier_platform::model::quantity::Bytes;
use crier_platform::model::session::SessionId;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::store::{Marks, StoreFault};
use crier_proto::decimal::Decimal;
use crier_testkit::{ManualClock, SeededEntropy};
use futures_util::future::poll_immediate;
use prometheus_client::registry::Registry;
use std::pin::pin;
use std::sync::Arc;

/// No call carries a charge here.
struct NoMarks;

#[async_trait]
impl Marks for NoMarks {
    fn mark_call(&self, _: SessionId, _: &Decimal) -> Result<(), StoreFault> {
        Ok(())
    }

    fn mark_expiry(&self, _: SessionId, _: i64) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn call_ids(&self, _: SessionId) -> Result<Vec<Decimal>, StoreFault> {
        Ok(Vec::new())
    }
}

pub struct Process {
    pub node: Arc<Node>,
    registry: Registry,
    /// Messages that it was given by the process before it.
    inherited: u64,
}

impl Process {
    /// A process with bounds so low that a schedule meets them; every second one hands over when it stops.
    pub fn begin(seed: u64, clock: &Arc<ManualClock>) -> Self {
        let mut registry = Registry::default();
        let metrics = Metrics::registered(&mut registry);
        let drain = if seed.is_multiple_of(2) {
            Drain::Restart
        } else {
            Drain::Handover
        };
        let node = Node::new(NodeParts {
            config: LiveConfig {
                ring_items_max: 10,
                outbox_bytes_max: Bytes(3_000),
                drain,
                ..LiveConfig::default()
            },
            receipts: ReceiptsConfig::default(),
            marks: Arc::new(NoMarks),
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(seed)),
            metrics,
            resume_key: [9; 32],
            messages: None,
        });
        Self {
            node,
            registry,
            inherited: 0,
        }
    }

    /// What got its place lives or has ended (live 13.1). Returns how many live.
    pub fn keeps_count(&self) -> Option<u64> {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &self.registry).unwrap();
        let sum = |name: &str, label: &str| {
            let own = page
                .lines()
                .filter(|line| line.starts_with(name) && line.contains(label));
            own.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
                .sum::<u64>()
        };
        let placed = sum("crier_live_sends_total{", "result=\"ok\"");
        let live = sum("crier_live_mailbox_items ", "");
        let ended = sum("crier_live_messages_ended_total{", "");
        (placed + self.inherited == live + ended).then_some(live)
    }
}

impl Stage {
    /// A clean stop of either manner, and another process over what it kept.
    pub async fn restart(&mut self) {
        let old = Arc::clone(&self.process.node);
        let mut stop = pin!(old.stop());
        let mut stopped = poll_immediate(stop.as_mut()).await.is_some();
        let hears = self.throw(2) == 0;
        for at in 0..self.windows.len() {
            self.take(at, u64::MAX);
            if hears {
                self.read(at);
                self.ack(at, true);
            }
        }
        // Whoever was asked to go and did not is sent away when the window is over.
        for _ in 0..16 {
            if !stopped {
                self.clock.advance_ms(250);
                stopped = poll_immediate(stop.as_mut()).await.is_some();
            }
            for at in 0..self.windows.len() {
                self.take(at, u64::MAX);
            }
        }
        (0..self.windows.len()).for_each(|at| self.lose(at));
        if !stopped {
            stopped = poll_immediate(stop.as_mut()).await.is_some();
        }
        assert!(stopped, "seed {}: everybody has gone", self.seed);
        let live = self.process.keeps_count();
        let live = live.unwrap_or_else(|| {
            panic!(
                "seed {}: what got its place neither lives nor has ended",
                self.seed
            )
        });
        let kept = old.hub().snapshot();
        self.begin_process();
        self.process.node.hub().restore(&kept).unwrap();
        self.process.inherited = live;
        self.restarts += 1;
    }

    /// The process dies: its mailboxes are gone, and every page that comes back is told so (live 1.1, 5.8).
    pub fn crash(&mut self) {
        (0..self.windows.len()).for_each(|at| self.lose(at));
        self.begin_process();
        for window in &mut self.windows {
            window.tabs.iter_mut().for_each(|tab| tab.expects_epoch = true);
        }
        self.refs.clear();
        for message in &mut self.messages {
            message.over = true;
        }
        self.crashes += 1;
        self.lives_before = self.epochs.len();
    }

    fn begin_process(&mut self) {
        self.processes += 1;
        let seed = self.seed + self.processes * 1_000_003;
        self.process = Process::begin(seed, &self.clock);
    }
}
