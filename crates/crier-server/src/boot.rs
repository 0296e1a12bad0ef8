//! The composition root, read top to bottom: configuration and ports in, a server out.
//!
//! `Listeners::bind`, `build`, `Server::run`: the command line and the tests call the same three, tests with port 0, their own
//! clock and seeded chance. The only place that sees raw ports.

use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::OsEntropy;
use crate::adapters::key_file;
use crate::adapters::passwords::Argon2Passwords;
use crate::adapters::snapshot_file;
use crate::admin::AdminDoor;
use crate::books::{self, Books};
use crate::bound::Bound;
use crate::feed_figures::FeedCollector;
use crate::lifecycle::{Pool, Stop, Tasks};
use crate::listen::{self, Reception};
use crate::metrics::{CallLogCollector, CodesCollector, ServerMetrics};
use crate::middleware::bounds::Pace;
use crate::middleware::real_ip::TrustedProxies;
use crate::middleware::request_id::RequestIds;
use crate::rest::RestDoor;
use crate::router::Doors;
use crate::sections::{Config, ServerConfig};
use crate::site::{LoginThrottle, Reads, Streams};
use crate::state::{AppState, PublicUrl};
use crate::way_out::{self, HookCollector, PictureCollector, WayOut};
use crier_live::config::{Drain, LiveConfig, MailboxMode};
use crier_live::hub::Hub;
use crier_live::metrics::Overflow;
use crier_live::node::{Loaded, Node, NodeParts};
use crier_live::receipts::{ReceiptParts, ReceiptRun};
use crier_media::dial::Resolver;
use crier_platform::accounts::Accounts;
use crier_platform::dispatch::{Dispatcher, DispatcherConfig};
use crier_platform::feed::FeedReader;
use crier_platform::feed::cursor::FeedKey;
use crier_platform::insights::{InsightRules, Insights};
use crier_platform::jobs::follow_changes::FollowChanges;
use crier_platform::jobs::hooks::{HookFigures, PostHooks};
use crier_platform::jobs::pictures::{FetchPictures, PictureBooks};
use crier_platform::live_door::{LiveDoor, LiveSpans};
use crier_platform::messages::MessageReader;
use crier_platform::pictures::Pictures;
use crier_platform::ports::Ports;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::hooks::Hooks;
use crier_platform::ports::ledger::Ledger;
use crier_platform::ports::store::{Marks, Messages, Store};
use crier_platform::ports::tickets::Tickets;
use crier_store::{Diagnosis, SqliteStore};
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

/// How long calls are still served after readiness has failed, when connections are handed over to another node (live 9.6).
const HANDOVER_LEAD_MS: u64 = 5_000;

/// How long calls that waited for the books may take to hear that these have failed, before everything is cut (live 5.10).
const LAST_WORDS_MS: u64 = 5_000;

/// Why the server does not start: one sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Puts something between the use cases and the books.
pub type OverBooks = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// What tests put in the place of the process's own ports.
#[derive(Clone, Default)]
pub struct Overrides {
    /// The books as the use cases meet them; what the node writes by itself goes past it.
    pub books: Option<OverBooks>,
    /// Time.
    pub clock: Option<Arc<dyn Clock>>,
    /// Chance.
    pub entropy: Option<Arc<dyn Entropy>>,
    /// Who looks names up.
    pub resolver: Option<Arc<dyn Resolver>>,
}

/// Sockets that accept already.
pub struct Listeners {
    public: Vec<TcpListener>,
    admin: TcpListener,
}

impl Listeners {
    /// Opens every listener of the configuration; an empty `server.url` becomes `http://` and the first one's real address.
    ///
    /// # Errors
    /// A sentence naming the address that cannot be had.
    pub async fn bind(config: &mut ServerConfig) -> Result<Self, StartError> {
        let mut public = Vec::new();
        for address in &config.listen {
            public.push(open(address, "--listen").await?);
        }
        let listeners = Self {
            public,
            admin: open(&config.admin_listen, "--admin-listen").await?,
        };
        if config.url.is_empty() {
            config.url = format!("http://{}", listeners.address()?);
        }
        Ok(listeners)
    }

    /// The first public listener's real address; every address of the machine is shown as the loopback one.
    ///
    /// # Errors
    /// When there is none, or the system does not know it.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        let first = self.public.first().map(TcpListener::local_addr);
        let mut address = first
            .transpose()
            .ok()
            .flatten()
            .ok_or_else(|| StartError("there is no listener: name one with --listen".into()))?;
        if address.ip().is_unspecified() {
            let loopback = if address.is_ipv4() {
                std::net::Ipv4Addr::LOCALHOST.into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            };
            address.set_ip(loopback);
        }
        Ok(address)
    }

    /// The admin listener's real address.
    ///
    /// # Errors
    /// When the system does not know it.
    pub fn admin_address(&self) -> Result<SocketAddr, StartError> {
        self.admin
            .local_addr()
            .map_err(|why| StartError(format!("the admin listener has no address ({why}): try again")))
    }
}

async fn open(address: &str, flag: &str) -> Result<TcpListener, StartError> {
    listen::bind(address).await.map_err(|why| {
        StartError(format!(
            "cannot listen on {address} ({why}): free it, or choose another address with {flag}"
        ))
    })
}

/// A server that is whole and has not begun to accept.
pub struct Server {
    /// The use cases, for tests and for the demo's data.
    pub state: AppState,
    config: Config,
    tasks: Tasks,
    /// What runs live pages; absent: what runs everything else.
    live_runtime: Option<Handle>,
    registry: Arc<Registry>,
    metrics: ServerMetrics,
    entropy: Arc<dyn Entropy>,
    books: Arc<Books>,
    node: Arc<Node>,
    follower: FollowChanges,
    receipts: ReceiptRun,
    posting: PostHooks,
    fetching: FetchPictures,
}

/// Opens the books, the hub and the use cases.
///
/// # Errors
/// One sentence that says what to do.
pub async fn build(config: Config, overrides: Overrides) -> Result<Server, StartError> {
    let entropy = match overrides.entropy {
        Some(entropy) => entropy,
        None => Arc::new(OsEntropy::open().map_err(StartError)?),
    };
    let clock = overrides.clock.unwrap_or_else(|| Arc::new(SystemClock::start()));
    let mut registry = Registry::default();
    let metrics = ServerMetrics::registered(&mut registry);
    let passwords = passwords(&config.server, &entropy, &metrics);
    let books = Books::open(&config, &clock, &entropy).await.map_err(StartError)?;
    let books = Arc::new(books);
    books.register(&mut registry);
    let node = node(&config, &books, (&clock, &entropy), &metrics)?;
    let store = Arc::clone(&books.cached) as Arc<dyn Store>;
    let public_url = public_url(&config.server)?;
    let way_out = WayOut::open(
        &config,
        &public_url,
        (&clock, overrides.resolver),
        (&mut registry, &metrics),
    )
    .map_err(StartError)?;
    let ports = Ports {
        store: match overrides.books {
            Some(over) => over(store),
            None => store,
        },
        ledger: Arc::clone(&node) as Arc<dyn Ledger>,
        deliver: Arc::clone(&node) as Arc<dyn Deliver>,
        tickets: Arc::clone(&node) as Arc<dyn Tickets>,
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
        passwords,
        images: way_out.thumbnailer,
        fetching: Arc::default(),
        posting: Arc::default(),
        wakes: Arc::default(),
        feed_figures: Arc::clone(metrics.feed()),
        tally: Arc::clone(metrics.live().tally()),
    };
    let tasks = Tasks::new();
    let follower = FollowChanges::new(ports.clone());
    let accounts = Accounts::with_config(ports.clone(), (config.accounts.clone(), config.hooks.clone()));
    let poster = Arc::clone(&way_out.poster) as Arc<dyn Hooks>;
    let posting = posting(&config, (&ports, &accounts), poster, &mut registry);
    let receipts = ReceiptRun::new(
        Arc::clone(node.hub()),
        ReceiptParts {
            hooks: way_out.poster,
            book: Arc::new(accounts.clone()),
        },
    );
    let rules = way_out::picture_rules(&config.media, &public_url);
    let shelves = PictureBooks::default();
    let fetching = FetchPictures::new(ports.clone(), way_out.fetcher, (rules.clone(), shelves.clone()));
    let feed = feed_reader(&config, &ports, &*entropy)?;
    register_figures(&mut registry, &shelves, &feed);
    let dispatcher = dispatcher_config(&config, &public_url);
    let dispatcher = Arc::new(Dispatcher::new(ports.clone(), dispatcher));
    registry.register_collector(Box::new(CallLogCollector(dispatcher.log().figures())));
    registry.register_collector(Box::new(CodesCollector(Arc::clone(&dispatcher))));
    let insights = Insights::new(ports.clone(), feed.clone(), InsightRules::of(&config.feed, rules));
    let (throttle, reads, streams) = site_counts(&config, &entropy, &metrics);
    let state = AppState {
        insights,
        pictures: Pictures::new(ports.clone(), way_out::source_rules(&config.media), shelves),
        dispatcher,
        messages: MessageReader::new(ports.clone()),
        accounts,
        feed,
        live_door: Arc::new(LiveDoor::with_spans(ports, live_spans(&config))),
        clock,
        command: Arc::from("crier"),
        public_url: Arc::new(public_url),
        tasks: tasks.clone(),
        throttle,
        reads,
        streams,
        site: Arc::new(config.site.clone()),
        hub: Arc::clone(node.hub()),
        metrics: metrics.clone(),
    };
    Ok(Server {
        state,
        config,
        tasks,
        live_runtime: None,
        registry: Arc::new(registry),
        metrics,
        entropy,
        books,
        node,
        follower,
        receipts,
        posting,
        fetching,
    })
}

/// Hashing under the bounds of section `server`.
fn passwords(
    server: &ServerConfig,
    entropy: &Arc<dyn Entropy>,
    metrics: &ServerMetrics,
) -> Arc<Argon2Passwords> {
    let pool = Pool::new(
        (server.passwords_running_max, server.passwords_waiting_max),
        (Bound::PasswordsWaiting, metrics.clone()),
    );
    Arc::new(Argon2Passwords::new(pool, Arc::clone(entropy)))
}

/// What pages for people count: wrong passwords, reads of feeds, open streams.
fn site_counts(
    config: &Config,
    entropy: &Arc<dyn Entropy>,
    metrics: &ServerMetrics,
) -> (Arc<LoginThrottle>, Arc<Reads>, Arc<Streams>) {
    let throttle = LoginThrottle::new(&config.site, metrics.clone());
    let reads = Reads::new((&config.feed, &config.site), metrics.clone());
    let streams = (config.feed.live_per_user, config.live.drain_window);
    let streams = Streams::new(streams, Arc::clone(entropy), metrics.clone());
    (Arc::new(throttle), Arc::new(reads), Arc::new(streams))
}

/// How long a connection is authorised and a message lives.
fn live_spans(config: &Config) -> LiveSpans {
    LiveSpans {
        authorised_for_ms: config.live.authorised_for.0,
        message_ttl_ms: config.live.ttl.0,
    }
}

/// Puts the figures of pictures and feeds on the page of figures (feed 10.1).
fn register_figures(registry: &mut Registry, pictures: &PictureBooks, feed: &FeedReader) {
    registry.register_collector(Box::new(PictureCollector(Arc::clone(&pictures.figures))));
    registry.register_collector(Box::new(FeedCollector(feed.clone())));
}

/// What the methods need to know of this server.
fn dispatcher_config(config: &Config, public_url: &PublicUrl) -> DispatcherConfig {
    DispatcherConfig {
        message_ttl_ms: config.live.ttl.0,
        ticket_life_ms: config.live.ticket_life.0,
        sources: way_out::source_rules(&config.media),
        photos_per_user: config.media.photos_per_user,
        calls: config.calls.clone(),
        ..DispatcherConfig::at(&public_url.url)
    }
}

/// The job that posts to hooks, its figures on their page.
fn posting(
    config: &Config,
    (ports, accounts): (&Ports, &Accounts),
    poster: Arc<dyn Hooks>,
    registry: &mut Registry,
) -> PostHooks {
    let figures = Arc::new(HookFigures::default());
    let collector = HookCollector(Arc::clone(&figures), Arc::clone(&ports.clock));
    registry.register_collector(Box::new(collector));
    PostHooks::new(
        ports.clone(),
        accounts.clone(),
        (poster, config.hooks.clone(), figures),
    )
}

/// The feed under the key that its open pages carry.
fn feed_reader(config: &Config, ports: &Ports, entropy: &dyn Entropy) -> Result<FeedReader, StartError> {
    let key = FeedKey::new(kept_key(config, ("feed.key", entropy))?);
    Ok(FeedReader::new(ports.clone(), config.feed.clone(), key))
}

/// The hub with its mailboxes, ledger and tickets.
fn node(
    config: &Config,
    books: &Books,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    metrics: &ServerMetrics,
) -> Result<Arc<Node>, StartError> {
    Ok(Node::new(NodeParts {
        config: LiveConfig {
            connections_max: connections_max(config),
            ..config.live.clone()
        },
        receipts: config.receipts.clone(),
        marks: Arc::clone(&books.cached) as Arc<dyn Marks>,
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        metrics: metrics.live().clone(),
        resume_key: kept_key(config, ("live.key", &**entropy))?,
        messages: match config.live.mailbox {
            MailboxMode::Memory => None,
            MailboxMode::Durable => Some(Arc::clone(&books.cached) as Arc<dyn Messages>),
        },
    }))
}

/// Connections of the live door: as configured, else what the process's descriptors permit.
fn connections_max(config: &Config) -> u32 {
    match config.live.connections_max {
        0 => u32::try_from(listen::live_places()).unwrap_or(u32::MAX),
        configured => configured,
    }
}

/// A key that signs what open pages carry; kept with the data, so that they come back after a restart.
fn kept_key(config: &Config, (name, entropy): (&str, &dyn Entropy)) -> Result<[u8; 32], StartError> {
    let path = config.server.data.join("keys").join(name);
    key_file::open(&path, entropy).map_err(|why| {
        StartError(format!(
            "cannot use {}: {why}; put it back from where it is kept, or remove it",
            path.display()
        ))
    })
}

/// The public address; without one and without listeners, as on the command line, the one that they would have.
fn public_url(server: &ServerConfig) -> Result<PublicUrl, StartError> {
    let url = match (server.url.as_str(), server.listen.first()) {
        ("", Some(first)) => format!("http://{first}"),
        (url, _) => url.to_owned(),
    };
    PublicUrl::parse(&url).map_err(|why| StartError(format!("server.url {why}")))
}

/// Whether a data folder holds books.
#[must_use]
pub fn has_books(folder: &Path) -> bool {
    SqliteStore::is_in(folder)
}

/// Puts a copy in the place of the books of a data folder that nobody serves.
///
/// # Errors
/// The folder is served, the file is no copy, its key is missing, or what the disk said.
pub fn restore(config: &Config, file: &Path) -> Result<(), StartError> {
    let entropy = Arc::new(OsEntropy::open().map_err(StartError)?);
    let now = SystemClock::start().wall();
    SqliteStore::restore(&config.server.data, file, (now, entropy))
        .map_err(|why| StartError(format!("nothing was restored: {why}")))?;
    // Mailboxes of later books than these: pages are told that their history is not known any more.
    snapshot_file::forget(&config.server.data).map_err(|why| {
        StartError(format!(
            "the books are restored, but live.snapshot is still beside them ({why}): remove it"
        ))
    })
}

/// Mailboxes go on where a clean stop left them (live 5.8). Without a snapshot, or with a damaged one, each begins a new life.
fn take_snapshot_back(hub: &Hub, folder: &Path) {
    let bytes = match snapshot_file::take(folder) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return,
        Err(why) => {
            tracing::error!(error = %why, "the live snapshot could not be read: mailboxes begin anew");
            return;
        }
    };
    match hub.restore(&bytes) {
        Ok(mailboxes) => tracing::info!(mailboxes, "the live snapshot was taken back"),
        Err(why) => tracing::error!(error = %why, "the live snapshot is of no use: mailboxes begin anew"),
    }
}

/// Only after a clean drain: then nothing that was answered can be missing.
fn keep_snapshot(hub: &Hub, folder: &Path) {
    if let Err(why) = snapshot_file::put(folder, &hub.snapshot()) {
        tracing::error!(error = %why, "the live snapshot could not be kept: mailboxes will begin anew");
    }
}

/// Returns when the books have failed and who waited for them has had the time to hear it.
async fn last_words(stop: &Stop, clock: &dyn Clock) {
    stop.failed().await;
    clock.sleep_until(clock.elapsed().plus_ms(LAST_WORDS_MS)).await;
}

impl Server {
    /// Live pages and their deadlines are served by a runtime of their own: whatever thousands of them do at once, the system gives
    /// calls their share of the processors (live 9.3, 9.5).
    #[must_use]
    pub fn with_live_on(mut self, runtime: Handle) -> Self {
        self.live_runtime = Some(runtime);
        self
    }

    /// Copies the books into a new file; blocks while it copies.
    ///
    /// # Errors
    /// The file is there already, or what the disk said.
    pub fn backup(&self, file: &Path) -> Result<(), StartError> {
        self.books
            .sqlite
            .backup(file)
            .map_err(|why| StartError(format!("no copy was made: {why}")))
    }

    /// Makes this process the one that serves its data folder: call it before the server is said to be ready.
    ///
    /// # Errors
    /// Another process serves the folder.
    pub fn claim(&self) -> Result<(), StartError> {
        let folder = self.config.server.data.display();
        self.books.sqlite.serve().map_err(|why| {
            StartError(format!(
                "cannot serve {folder}: {why}, or name another folder with --data"
            ))
        })
    }

    /// Looks at the books once, page by page; each finding says whether all is well, or what to do.
    pub async fn diagnose(&self) -> Vec<Diagnosis> {
        self.books.sqlite.diagnose().await
    }

    /// Closes the books of a server that has not been run.
    pub async fn close(self) {
        self.books.close().await;
    }

    /// Serves until `stop` has begun and everything has ended, or until it is cut. True after a clean drain. `ready` is called when every
    /// listener accepts (operating section 2), which is after the mailboxes are back.
    pub async fn run(mut self, listeners: Listeners, stop: Stop, ready: impl FnOnce() + Send) -> bool {
        let clock = Arc::clone(&self.state.clock);
        take_snapshot_back(self.node.hub(), &self.config.server.data);
        if !self.load_mailboxes().await {
            self.books.close().await;
            return false;
        }
        // What was withdrawn while nobody served must be known before anything is delivered; a fault comes again below.
        if let Err(fault) = self.follower.catch_up().await {
            tracing::error!(error = %fault, "committed facts could not be read at the start");
        }
        let reception = self.open_doors(listeners, &stop);
        ready();
        // What never ends by itself: kept apart from what the drain waits for.
        let background = Tasks::new();
        let node = Arc::clone(&self.node);
        background
            .on(self.live_runtime.clone())
            .spawn(async move { node.run().await });
        background.spawn(self.follower.run());
        background.spawn(self.fetching.run());
        let feed = self.state.feed.clone();
        background.spawn(async move { feed.keep_notes().await });
        let feed = self.state.feed.clone();
        background.spawn(async move { feed.keep_house().await });
        let insights = self.state.insights.clone();
        background.spawn(async move { insights.keep_counts().await });
        // These end by themselves once the stop has begun: posts under way are waited for.
        let receipts = self.receipts;
        self.tasks.spawn(async move { receipts.run().await });
        let (posting, stopping) = (self.posting, stop.clone());
        self.tasks
            .spawn(async move { posting.run(stopping.begun()).await });
        background.spawn(books::stop_at_failure(
            Arc::clone(&self.books.sqlite),
            stop.clone(),
        ));
        stop.begun().await;
        tracing::info!("draining");
        let deadline = clock.elapsed().plus_ms(self.config.live.stop_deadline.0);
        let least = clock.elapsed().plus_ms(self.config.server.drain_least.0);
        let drain = async {
            self.node.close_door();
            self.state.streams.send_away();
            if self.config.live.drain == Drain::Handover {
                // Whoever routes calls here sees that this node is not ready before it is refused anything.
                let noticed = clock.elapsed().plus_ms(HANDOVER_LEAD_MS);
                clock.sleep_until(noticed).await;
            }
            stop.refuse_calls();
            // For a moment new calls are told to come back (503), and every page is told when; then no connection is
            // accepted any more, what is in progress ends, idle connections close.
            tokio::join!(clock.sleep_until(least), self.node.stop());
            reception.close();
            self.tasks.ended().await;
        };
        // Books that have failed leave nothing to drain for; they may also fail during a drain.
        let drained = tokio::select! {
            () = drain, if !stop.has_failed() => !stop.has_failed(),
            () = last_words(&stop, &*clock) => false,
            () = stop.hard() => false,
            () = clock.sleep_until(deadline) => false,
        };
        if !drained {
            self.metrics.live_overflow(Overflow::Stop);
            tracing::warn!(tasks = self.tasks.running(), "cut before everything had ended");
            self.tasks.cut();
        }
        background.cut();
        background.ended().await;
        // Views and clicks of the last moments.
        self.state.feed.write_notes().await;
        self.state.insights.write_counts().await;
        if let Err(fault) = self.node.keep_all().await {
            tracing::error!(error = %fault, "the last acks and endings could not be kept");
        }
        if drained {
            keep_snapshot(self.node.hub(), &self.config.server.data);
        }
        self.books.close().await && drained
    }

    /// Takes back what the books have kept of the mailboxes, in durable mode; false when nobody can be let in.
    async fn load_mailboxes(&self) -> bool {
        match self.node.load().await {
            Ok(None) => true,
            Ok(Some(loaded)) => {
                let Loaded {
                    mailboxes,
                    messages,
                    damaged,
                } = loaded;
                tracing::info!(
                    mailboxes,
                    messages,
                    damaged,
                    "mailboxes were taken back from the books"
                );
                true
            }
            Err(fault) => {
                tracing::error!(error = %fault, "mailboxes cannot be read from the books: nobody is let in");
                false
            }
        }
    }

    /// Begins to accept on every listener.
    fn open_doors(&self, listeners: Listeners, stop: &Stop) -> Reception {
        let reception = Reception::new(
            &self.config.server,
            listen::places(self.config.server.connections_max),
            (
                self.tasks.clone(),
                self.tasks.on(self.live_runtime.clone()),
                Arc::clone(&self.state.clock),
            ),
            self.metrics.clone(),
        );
        let doors = Arc::new(Doors::new(self.state.clone(), self.rest_door(stop)));
        for listener in listeners.public {
            let accepting = reception.clone().receive(listener, Arc::clone(&doors));
            self.tasks.spawn(accepting);
        }
        let admin = Arc::new(AdminDoor {
            registry: Arc::clone(&self.registry),
            stop: stop.clone(),
            books: Arc::clone(&self.books),
        });
        let operators = reception.apart(self.config.server.admin_connections_max, Bound::AdminConnections);
        self.tasks.spawn(operators.receive(listeners.admin, admin));
        reception
    }

    fn rest_door(&self, stop: &Stop) -> RestDoor {
        let server = &self.config.server;
        RestDoor {
            dispatcher: Arc::clone(&self.state.dispatcher),
            path: format!("{}/restserver.php", self.state.public_url.base_path),
            // Judged when the configuration was read.
            proxies: TrustedProxies::parse(&server.trusted_proxies).unwrap_or_default(),
            pace: Pace {
                grace_ms: server.body_grace.0,
                bytes_per_second: server.body_rate.0,
                longest_ms: server.body_deadline.0,
            },
            clock: Arc::clone(&self.state.clock),
            request_ids: RequestIds::from_base(u64::from_le_bytes(random_bytes(&*self.entropy))),
            metrics: self.metrics.clone(),
            stop: stop.clone(),
            hands_over: self.config.live.drain == Drain::Handover,
        }
    }
}
