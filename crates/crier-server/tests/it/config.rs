//! Configuration: precedence, origins, and sentences that name the key, the line and what would be right.

use crier_server::config::{DEFAULT_PAGE, Flag, Sources, load};
use std::path::PathBuf;
use tempfile::TempDir;

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crier.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn with_file(text: &str) -> Result<crier_server::config::Loaded, String> {
    let (_folder, path) = file(text);
    let sources = Sources {
        file: Some(path.clone()),
        ..Sources::default()
    };
    let shown = path.display().to_string();
    load(&sources).map_err(|why| why.to_string().replace(&shown, "FILE"))
}

fn with_environment(name: &str, value: &str) -> Result<crier_server::config::Loaded, String> {
    let sources = Sources {
        environment: vec![(name.into(), value.into())],
        ..Sources::default()
    };
    load(&sources).map_err(|why| why.to_string())
}

fn flag(key: &'static str, name: &'static str, text: &str) -> Flag {
    Flag {
        key,
        name,
        value: toml::Value::String(text.into()),
    }
}

#[test]
fn defaults_alone_are_a_whole_configuration() {
    let loaded = load(&Sources::default()).unwrap();
    let server = &loaded.config.server;
    assert_eq!(server.listen, ["127.0.0.1:8420"]);
    assert_eq!(server.admin_listen, "127.0.0.1:8421");
    assert_eq!(server.head_deadline.0, 10_000);
    assert_eq!(server.head_bytes_max.0, 131_072);
    assert_eq!(loaded.config.store, crier_store::StoreConfig::default());
    assert_eq!(
        loaded.config.feed,
        crier_platform::feed::config::FeedConfig::default()
    );
    assert_eq!(
        loaded.config.accounts,
        crier_platform::accounts::AccountsConfig::default()
    );
}

#[test]
fn every_key_of_the_default_page_has_its_comment() {
    let mut above = "";
    for line in DEFAULT_PAGE.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with("# "), "{line} has no comment");
        }
        above = line;
    }
}

#[test]
fn flag_goes_before_environment_before_file_before_default() {
    let (_folder, path) =
        file("[server]\nhead_deadline = \"1s\"\nbody_grace = \"1s\"\nurl = \"http://file/\"\n");
    let sources = Sources {
        file: Some(path.clone()),
        environment: vec![
            ("CRIER__SERVER__BODY_GRACE".into(), "2s".into()),
            ("CRIER__SERVER__URL".into(), "http://environment/".into()),
            ("PATH".into(), "/bin".into()),
        ],
        flags: vec![flag("server.url", "--url", "http://flag/")],
    };
    let loaded = load(&sources).unwrap();
    let server = &loaded.config.server;
    assert_eq!((server.head_deadline.0, server.body_grace.0), (1_000, 2_000));
    assert_eq!(
        (server.url.as_str(), server.body_deadline.0),
        ("http://flag/", 120_000)
    );
    let origin = |key: &str| {
        let found = loaded.entries().find(|(name, _, _)| *name == key);
        found
            .map(|(_, value, origin)| format!("{value} from {origin}"))
            .unwrap()
    };
    assert_eq!(origin("server.url"), "\"http://flag/\" from flag --url");
    assert_eq!(
        origin("server.body_grace"),
        "\"2s\" from environment CRIER__SERVER__BODY_GRACE"
    );
    assert_eq!(
        origin("server.head_deadline"),
        format!("\"1s\" from {} line 2", path.display())
    );
    assert_eq!(origin("server.body_deadline"), "\"120s\" from default");
}

#[test]
fn unknown_key_of_a_file_names_its_line_and_the_nearest_key() {
    assert_eq!(
        with_file("# mine\n[server]\n\nheaddeadline = \"1s\"\n").unwrap_err(),
        "unknown key server.headdeadline (FILE line 4): the nearest known key is server.head_deadline"
    );
    assert_eq!(
        with_file("listen = []\n").unwrap_err(),
        "unknown key listen (FILE line 1): the nearest known key is server.listen"
    );
}

#[test]
fn the_section_of_receipts_may_stand_inside_live() {
    let inside = with_file("[live.receipts]\nrequests_max = 2\n").unwrap();
    assert_eq!(inside.config.receipts.requests_max, 2);
    let inside = with_environment("CRIER__LIVE__RECEIPTS__WAITING_MAX", "3").unwrap();
    assert_eq!(inside.config.receipts.waiting_max, 3);
    assert_eq!(
        with_file("[live.receipts]\nrequest = 2\n").unwrap_err(),
        "unknown key receipts.request (FILE line 2): the nearest known key is receipts.requests_max"
    );
}

#[test]
fn a_key_that_one_place_sets_twice_is_refused_with_both_places() {
    for text in [
        "[receipts]\nrequests_max = 2\n[live.receipts]\nrequests_max = 3\n",
        "[live.receipts]\nrequests_max = 3\n[receipts]\nrequests_max = 2\n",
    ] {
        let refusal = with_file(text).unwrap_err();
        for part in [
            "receipts.requests_max (FILE line ",
            "FILE line 2",
            "FILE line 4",
            " too; keep one of the two",
        ] {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
    let both = with_file("[receipts]\nrequests_max = 2\n[live.receipts]\nwaiting_max = 3\n").unwrap();
    assert_eq!(
        (
            both.config.receipts.requests_max,
            both.config.receipts.waiting_max
        ),
        (2, 3)
    );
    let twice = Sources {
        environment: vec![
            ("CRIER__RECEIPTS__WAITING_MAX".into(), "3".into()),
            ("CRIER__LIVE__RECEIPTS__WAITING_MAX".into(), "4".into()),
        ],
        ..Sources::default()
    };
    assert_eq!(
        load(&twice).unwrap_err().to_string(),
        "receipts.waiting_max (environment CRIER__LIVE__RECEIPTS__WAITING_MAX): is set by environment \
         CRIER__RECEIPTS__WAITING_MAX too; keep one of the two"
    );
}

#[test]
fn unknown_key_of_the_environment_names_the_variable() {
    assert_eq!(
        with_environment("CRIER__SERVER__DATE", "x").unwrap_err(),
        "unknown key server.date (environment CRIER__SERVER__DATE): the nearest known key is server.data"
    );
}

#[test]
fn value_of_the_wrong_kind_says_which_kind_is_expected() {
    assert_eq!(
        with_file("[server]\nlisten = \"127.0.0.1:1\"\n").unwrap_err(),
        "server.listen (FILE line 2): expected a list, found a text in quotes"
    );
    assert_eq!(
        with_environment("CRIER__SERVER__HEAD_FIELDS_MAX", "many").unwrap_err(),
        "server.head_fields_max (environment CRIER__SERVER__HEAD_FIELDS_MAX): expected a whole number"
    );
}

#[test]
fn quantity_without_its_unit_is_refused_by_name() {
    assert_eq!(
        with_file("[server]\nhead_deadline = \"10\"\n").unwrap_err(),
        "server.head_deadline (FILE line 2): expected a span of time such as 250ms, 10s, 2m, 6h or 90d"
    );
    assert_eq!(
        with_environment("CRIER__SERVER__HEAD_BYTES_MAX", "64kb").unwrap_err(),
        "server.head_bytes_max (environment CRIER__SERVER__HEAD_BYTES_MAX): expected a size such as 128, 64KiB, 1MiB or 2GiB"
    );
}

#[test]
fn values_with_which_delivery_cannot_work_are_refused_by_name() {
    for (line, why) in [
        (
            "ring_items_max = 0",
            "ring_items_max (FILE line 2): must be at least 1",
        ),
        ("frame_rate = 0", "frame_rate (FILE line 2): must be at least 1"),
        (
            "mailbox_bytes_max = \"0\"",
            "mailbox_bytes_max (FILE line 2): must be at least 1",
        ),
        (
            "poll_hold = \"0s\"",
            "poll_hold (FILE line 2): must be longer than nothing",
        ),
        ("ping = \"999ms\"", "ping (FILE line 2): must be at least 1s"),
        (
            "ttl = \"86401s\"",
            "ttl (FILE line 2): must be longer than nothing and at most 1d",
        ),
        (
            "outbox_bytes_max = \"32767\"",
            "outbox_bytes_max (FILE line 2): must be at least 32KiB",
        ),
    ] {
        let refusal = with_file(&format!("[live]\n{line}\n")).unwrap_err();
        assert_eq!(refusal, format!("live.{why}"));
    }
    assert!(with_file("[live]\nttl = \"1d\"\nping = \"1s\"\nwaiters_max = 0\n").is_ok());
}

#[test]
fn word_outside_its_list_is_refused_by_name() {
    let refusal = with_environment("CRIER__SERVER__LOG_FORMAT", "xml").unwrap_err();
    assert!(
        refusal.starts_with("server.log_format (environment CRIER__SERVER__LOG_FORMAT): "),
        "{refusal}"
    );
    assert!(refusal.contains("human"), "{refusal}");
}

#[test]
fn what_is_no_toml_names_its_line() {
    let refusal = with_file("[server]\nurl = \n").unwrap_err();
    assert!(refusal.starts_with("FILE line 2 is no TOML: "), "{refusal}");
}

#[test]
fn file_that_is_not_there_is_named() {
    let sources = Sources {
        file: Some("/nowhere/crier.toml".into()),
        ..Sources::default()
    };
    let refusal = load(&sources).unwrap_err().to_string();
    assert!(
        refusal.starts_with("cannot read the configuration file /nowhere/crier.toml: "),
        "{refusal}"
    );
}

#[test]
fn lists_of_the_environment_are_comma_joined() {
    let loaded = with_environment("CRIER__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1").unwrap();
    assert_eq!(loaded.config.server.trusted_proxies, ["10.0.0.0/8", "127.0.0.1"]);
    let refusal = with_environment("CRIER__SERVER__TRUSTED_PROXIES", "proxy").unwrap_err();
    assert_eq!(
        refusal,
        "server.trusted_proxies (environment CRIER__SERVER__TRUSTED_PROXIES): proxy is neither an address nor a CIDR block such as 10.0.0.0/8"
    );
}

#[test]
fn what_may_be_dialled_is_judged_when_it_is_read() {
    let loaded = with_environment("CRIER__MEDIA__DIAL_ALLOW", "127.0.0.0/8:8000,[::1/128]:8000").unwrap();
    assert_eq!(
        loaded.config.media.dial_allow,
        ["127.0.0.0/8:8000", "[::1/128]:8000"]
    );
    let loaded = with_environment("CRIER__MEDIA__PORTS", "80,8443").unwrap();
    assert_eq!(loaded.config.media.ports, [80, 8_443]);
    for (key, value, why) in [
        (
            "DIAL_ALLOW",
            "10.0.0.1/8",
            "\"10.0.0.1/8\" has bits behind its prefix: write 10.0.0.0/8",
        ),
        (
            "NAT64_PREFIXES",
            "64:ff9b::/95",
            "\"64:ff9b::/95\" is no IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as 64:ff9b::/96",
        ),
        ("PORTS", "80,http", "expected a list"),
    ] {
        let variable = format!("CRIER__MEDIA__{key}");
        let refusal = with_environment(&variable, value).unwrap_err();
        let named = format!("media.{} (environment {variable}): ", key.to_lowercase());
        assert_eq!(refusal, format!("{named}{why}"));
    }
}

#[test]
fn secret_key_may_name_a_file_that_holds_it() {
    let (_folder, path) = file("sqlite:\n");
    let variable = "CRIER__SERVER__STORE_FILE";
    let loaded = with_environment(variable, &path.display().to_string()).unwrap();
    assert_eq!(loaded.config.server.store, "sqlite:");
    let refusal = with_environment(variable, "/nowhere").unwrap_err();
    assert!(
        refusal.starts_with("CRIER__SERVER__STORE_FILE names /nowhere, which cannot be read: "),
        "{refusal}"
    );
    let refusal = with_environment("CRIER__SERVER__URL_FILE", "/nowhere").unwrap_err();
    assert!(refusal.starts_with("unknown key server.url_file "), "{refusal}");
}

#[test]
fn any_pair_but_the_two_modes_is_refused_with_the_flag_to_add() {
    let pair = |store: &str, broker: &str| {
        let sources = Sources {
            flags: vec![
                flag("server.store", "--store", store),
                flag("server.broker", "--broker", broker),
            ],
            ..Sources::default()
        };
        load(&sources).map(|_| ()).map_err(|why| why.to_string())
    };
    assert_eq!(pair("sqlite:", "memory:"), Ok(()));
    for (store, broker, part) in [
        ("postgres://h/crier", "memory:", "add --broker redis://HOST"),
        ("sqlite:", "redis://h", "add --store postgres://HOST/NAME"),
        ("sqlite:", "rediss://h", "add --store postgres://HOST/NAME"),
        (
            "postgres://h/crier",
            "redis://h",
            "leave --store and --broker out",
        ),
        (
            "mysql://h",
            "memory:",
            "must be sqlite: or begin with postgres://",
        ),
        ("sqlite:", "nats://h", "must be memory: or begin with redis://"),
        ("sqlite:/elsewhere.db", "memory:", "name the folder with --data"),
    ] {
        let refusal = pair(store, broker).unwrap_err();
        assert!(refusal.contains(part), "{refusal}");
        assert!(refusal.contains("flag --"), "{refusal}");
    }
}

#[test]
fn bounds_that_cannot_work_are_refused_by_name() {
    for (name, value, part) in [
        ("CRIER__SERVER__LISTEN", "", "name at least one address"),
        ("CRIER__SERVER__HEAD_BYTES_MAX", "8191", "must be at least 8KiB"),
        ("CRIER__SERVER__PASSWORDS_RUNNING_MAX", "0", "must be at least 1"),
        ("CRIER__SERVER__BODY_RATE", "0", "must be at least 1"),
        ("CRIER__SERVER__URL", "ftp://host", "must be http:// or https://"),
        (
            "CRIER__STORE__READERS",
            "0",
            "store.readers (environment CRIER__STORE__READERS): must be at least 1",
        ),
    ] {
        let refusal = with_environment(name, value).unwrap_err();
        assert!(refusal.contains(part), "{name}: {refusal}");
    }
}

#[test]
fn an_address_without_a_port_and_a_number_out_of_its_bounds_are_named_before_anything_starts() {
    for (text, why) in [
        (
            "[server]\nlisten = [\"nonsense\"]\n",
            "server.listen (FILE line 2): \"nonsense\" is no HOST:PORT, such as 127.0.0.1:8420",
        ),
        (
            "[server]\nadmin_listen = \":8421\"\n",
            "server.admin_listen (FILE line 2): \":8421\" is no HOST:PORT, such as 127.0.0.1:8420",
        ),
        (
            "[live]\nring_items_max = -1\n",
            "live.ring_items_max (FILE line 2): must not be negative",
        ),
    ] {
        assert_eq!(with_file(text).unwrap_err(), why);
    }
}

#[test]
fn a_key_of_an_invented_section_is_likened_to_a_key_of_the_section_it_meant() {
    let why = with_file("[server.foo]\nurl_ = \"x\"\n").unwrap_err();
    assert!(why.ends_with("the nearest known key is server.url"), "{why}");
    let why = with_file("[server.foo]\nx = 1\n").unwrap_err();
    assert!(why.contains("the nearest known key is server."), "{why}");
}

#[test]
fn impossible_rankings_are_refused_at_the_start_with_the_key() {
    for (text, expected) in [
        (
            "[feed.ranking]\nslots_guaranteed = 0\n",
            "feed.ranking.slots_guaranteed (FILE line 2): must be at least 1",
        ),
        (
            "[feed.ranking]\nslots_guaranteed = 25\n",
            "feed.ranking.slots_guaranteed (FILE line 2): must be less than feed.ranking.slots, which is 25",
        ),
        (
            "[feed.ranking]\nslots = 5\n",
            "feed.ranking.slots_guaranteed (default): must be less than feed.ranking.slots, which is 5",
        ),
        (
            "[feed.ranking]\nbody = [0, 65536]\n",
            "feed.ranking.body (FILE line 2): 0 is no factor: factors are 1 to 1048575",
        ),
        (
            "[feed.ranking]\nkind = 1048576\n",
            "feed.ranking.kind (FILE line 2): 1048576 is no factor: factors are 1 to 1048575",
        ),
        (
            "[feed.ranking]\nkind = 1048575\npriority = [1, 1, 1, 1048575]\nslider = [1, 1, 1, 1048575]\n",
            "feed.ranking.slider (FILE line 4): makes the greatest possible score reach 2^44: lower a factor",
        ),
        (
            "[feed.ranking]\naffinity_min = -16\n",
            "feed.ranking.affinity_min (FILE line 2): makes the affinity factor 0; factors are 1 to 1048575",
        ),
        (
            "[feed.ranking]\nhalf_life = \"6h\"\nexpiry = \"30d\"\n",
            "feed.ranking.half_life (FILE line 2): is so short that the oldest story would weigh nothing: lengthen it or \
             shorten feed.ranking.expiry",
        ),
        (
            "[feed]\ncandidates_max = 0\n",
            "feed.candidates_max (FILE line 2): must be from 1 to 1000000",
        ),
    ] {
        assert_eq!(with_file(text).unwrap_err(), expected, "{text}");
    }
    let refused = with_file("[feed.ranking]\nquality = [1, 2]\n").unwrap_err();
    assert!(
        refused.starts_with("feed.ranking.quality (FILE line 2): "),
        "{refused}"
    );
    let refused = with_file("[feed.ranking]\ndecay = [65536]\n").unwrap_err();
    assert_eq!(
        refused,
        "feed.ranking.decay (FILE line 2): expected 64 numbers, found 1"
    );
    let loaded = with_environment("CRIER__FEED__RANKING__QUALITY_FROM", "-8,-7,-6,-5,-4,-3,-2,-1").unwrap();
    assert_eq!(
        loaded.config.feed.ranking.quality_from,
        [-8, -7, -6, -5, -4, -3, -2, -1]
    );
}

#[test]
fn values_that_contradict_each_other_are_refused_at_the_start_with_both_keys() {
    for (text, expected) in [
        (
            "[feed]\ncursor_ttl = \"25h\"\n",
            "feed.cursor_ttl (FILE line 2): must be at most 1d, for which the places of erased stories are kept so that no open \
             feed shifts",
        ),
        (
            "[feed]\ntext_keep = \"6d\"\n",
            "feed.text_keep (FILE line 2): must be at least feed.ranking.expiry, which is 7d: no story loses its text while it \
             competes",
        ),
        (
            "[feed]\ninsights_days_keep = \"13d\"\n",
            "feed.insights_hours_keep (default): must be at most feed.insights_days_keep, which is 13d",
        ),
        (
            "[media]\ncache_bytes_hard = \"512MiB\"\n",
            "media.cache_bytes_max (default): must be at most media.cache_bytes_hard, which is 512MiB",
        ),
        (
            "[accounts]\npassword_bytes_max = 7\n",
            "accounts.password_chars_min (default): must be at most accounts.password_bytes_max, which is 7",
        ),
        (
            "[calls]\ncall_bytes_max = \"256KiB\"\n",
            "calls.call_bytes_max (FILE line 2): must be at most calls.kept_bytes_max, which is 128KiB",
        ),
        (
            "[calls]\nexplained_max = 59\n",
            "calls.explained_per_app_max (default): must be at most calls.explained_max, which is 59",
        ),
        (
            "[server]\ndrain_least = \"46s\"\n",
            "server.drain_least (FILE line 2): must be at most live.stop_deadline, which is 45s",
        ),
        (
            "[server]\nconnections_max = 100\n[live]\nconnections_max = 101\n",
            "live.connections_max (FILE line 4): must be at most server.connections_max, which is 100",
        ),
        (
            "[site]\nform_bytes_max = \"1MiB\"\n",
            "site.form_bytes_max (FILE line 2): must be at most site.text_form_bytes_max, which is 256KiB",
        ),
        (
            "[site]\nlogin_failures_per_address_max = 9\n",
            "site.login_failures_per_name_and_address_max (default): must be at most site.login_failures_per_address_max, which is 9",
        ),
        (
            "[site]\nlogin_failures_per_name_max = 9\n",
            "site.login_failures_per_name_and_address_max (default): must be at most site.login_failures_per_name_max, which is 9",
        ),
    ] {
        assert_eq!(with_file(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn values_with_which_nothing_could_work_are_refused_by_name() {
    for (key, value, least) in [
        ("accounts.login_lasts", "\"59s\"", "1m"),
        ("calls.kept_max", "0", "1"),
        ("demo.sessions_max", "0", "1"),
        ("feed.cursor_ttl", "\"0s\"", "1s"),
        ("feed.live_per_user", "0", "1"),
        ("feed.reads_per_address", "0", "1"),
        ("hooks.requests_max", "0", "1"),
        ("live.recipient_rate", "0", "1"),
        ("media.decodes_max", "0", "1"),
        ("media.fetch_timeout", "\"0s\"", "1ms"),
        ("receipts.waiting_max", "0", "1"),
        ("server.admin_connections_max", "0", "1"),
        ("server.head_fields_max", "0", "1"),
        ("site.cookie_bytes_max", "\"1023\"", "1KiB"),
        ("site.fields_max", "31", "32"),
        ("site.login_counters_max", "2", "3"),
        ("store.change_keep", "\"23h\"", "1d"),
    ] {
        let (section, name) = key.split_once('.').unwrap();
        let refusal = with_file(&format!("[{section}]\n{name} = {value}\n")).unwrap_err();
        assert_eq!(refusal, format!("{key} (FILE line 2): must be at least {least}"));
    }
}

#[test]
fn the_default_page_says_what_each_section_holds_without_it() {
    let config = load(&Sources::default()).unwrap().config;
    assert_eq!(config.calls, crier_platform::call_log::CallLogConfig::default());
    assert_eq!(config.demo, crier_server::demo::DemoConfig::default());
    assert_eq!(
        config.hooks,
        crier_platform::accounts::hooks::HooksConfig::default()
    );
    assert_eq!(config.live, crier_live::config::LiveConfig::default());
    assert_eq!(config.media, crier_media::config::MediaConfig::default());
    assert_eq!(config.receipts, crier_live::config::ReceiptsConfig::default());
    assert_eq!(config.site, crier_server::site::SiteConfig::default());
}
