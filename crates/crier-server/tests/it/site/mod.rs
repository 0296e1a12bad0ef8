//! The pages for people, from outside: a browser without script on a real socket.

mod administration;
mod app_pages;
mod app_ways;
mod attacks;
mod bounds;
pub(crate) mod browser;
mod calls;
mod canvas;
mod console;
mod credentials;
mod explained;
mod feed;
mod forms;
mod insights;
mod live;
mod logins;
mod settings;
pub(crate) mod stage;
mod targets;
mod test_mode;
mod trials;
