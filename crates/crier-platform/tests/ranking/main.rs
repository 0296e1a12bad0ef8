//! Ranking v1 as strangers see it: the worked example of its page, its promises over generated records, its extremes.

mod extremes;
mod index;
mod properties;
mod replayed;
mod simulated;
mod slow;
mod worked_example;
mod world;
