//! The bounds that the edges keep, each under the name by which it is counted: its configuration key, where it has one.

macro_rules! bounds {
    ($($(#[$doc:meta])* $bound:ident => $name:literal,)+) => {
        /// A bound that was met. `crier_server_overflow_total` counts it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bound {
            $($(#[$doc])* $bound,)+
        }

        impl Bound {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bound,)+];

            /// The label's value.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$bound => $name,)+ }
            }
        }
    };
}

bounds! {
    /// Connections at once: one more was closed.
    Connections => "server.connections_max",
    /// Connections of the admin listener at once: one more was closed.
    AdminConnections => "server.admin_connections_max",
    /// Callers waiting for a password hash: one more was refused.
    PasswordsWaiting => "server.passwords_waiting_max",
    /// Bytes of a call's body, which the wire fixes (protocol 3.10): 413.
    RequestBodyBytes => "request_body_bytes",
    /// Applications of one developer: no further one was made.
    AppsPerDeveloper => "accounts.apps_per_developer_max",
    /// Test people of one developer: no further one was made.
    TestPeople => "accounts.test_people_max",
    /// Images waiting for their turn: one more is tried again later.
    DecodesWaiting => "media.decodes_waiting_max",
    /// Bytes of a form: refused.
    FormBytes => "site.form_bytes_max",
    /// Bytes of a form with texts: refused.
    TextFormBytes => "site.text_form_bytes_max",
    /// Fields of a query or a form: refused.
    Fields => "site.fields_max",
    /// Bytes of a line of cookies: it was not read.
    CookieBytes => "site.cookie_bytes_max",
    /// Characters of a private feed's label: refused.
    LabelChars => "site.label_chars_max",
    /// Applications named to somebody who has accepted none: the others were left out.
    OfferedApps => "site.offered_apps_max",
    /// Boxes of an open feed page that are waited for: those beyond stay as they are.
    WaitingPictures => "site.waiting_pictures_max",
    /// Wrong passwords of one name from one address: the next try waits.
    LoginFailuresPerNameAndAddress => "site.login_failures_per_name_and_address_max",
    /// Wrong passwords from one address: the next try waits.
    LoginFailuresPerAddress => "site.login_failures_per_address_max",
    /// Wrong passwords of one name: the next try waits.
    LoginFailuresPerName => "site.login_failures_per_name_max",
    /// Counters of wrong passwords: the one whose window ends first was forgotten.
    LoginCounters => "site.login_counters_max",
    /// Counters of reads: the one whose window ends first was forgotten.
    ReadCounters => "site.read_counters_max",
    /// Connections to the demo's applications: one more waits to be accepted.
    DemoConnections => "demo.connections_max",
    /// Sessions of the demo's game: the oldest was forgotten.
    DemoSessions => "demo.sessions_max",
}
