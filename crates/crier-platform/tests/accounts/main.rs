//! People, applications, acceptances, logins and feeds over the real books in memory; what delivery is told is recorded.

mod apps;
mod feed;
mod harness;
mod logins;
mod people;
mod sessions;
mod terms;
