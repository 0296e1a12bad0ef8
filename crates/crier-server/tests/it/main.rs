//! The server from outside: a real socket on a free port, or the binary itself.

mod cli;
mod config;
mod rest;
