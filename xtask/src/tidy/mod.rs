//! `cargo xtask tidy`: the walls, the marks and the house rules as a test. Each rule looks at the tree and says what breaks it.

mod config;
mod conformance;
mod fresh;
mod marks;
mod walls;
mod words;

use crate::scan::{self, Source};

/// A rule: what it is called, and what breaks it, one line for each place.
type Rule = (&'static str, fn(&[Source]) -> Result<Vec<String>, String>);

const RULES: [Rule; 16] = [
    ("crates import inward only", walls::arrows),
    ("outside crates stay in their rooms", walls::wrappers),
    ("curtains inside crates hold", walls::curtains),
    ("cargo run starts crier", walls::one_binary),
    ("floats stay out of proto and platform", walls::floats),
    ("every file has a module head", marks::heads),
    ("files and functions keep their length", marks::lengths),
    ("no unwrap, and every expect names its invariant", marks::panics),
    ("public items are documented", marks::docs),
    (
        "nothing is left to do, commented out or allowed",
        words::leftovers,
    ),
    ("no test is ignored, sleeps or tries again", words::tests),
    ("the project speaks of itself alone", words::outsiders),
    ("every configuration key has its comment", config::comments),
    (
        "every row of docs/guide/bounds.md names a test that exists",
        config::bounds,
    ),
    (
        "every row of docs/conformance.md names a test that exists",
        conformance::rows,
    ),
    (
        "the built browser client is as fresh as its source",
        fresh::client,
    ),
];

/// Runs every rule.
pub fn command() -> Result<(), String> {
    let sources = scan::sources()?;
    let mut broken = 0;
    for (name, rule) in RULES {
        let places = rule(&sources)?;
        if !places.is_empty() {
            broken += 1;
            eprintln!("tidy: {name}");
            places.iter().for_each(|place| eprintln!("  {place}"));
        }
    }
    println!("{} passed, {broken} failed", RULES.len() - broken);
    if broken > 0 {
        Err("the tree is not tidy".to_owned())
    } else {
        Ok(())
    }
}
