//! Ranking v1 as strangers see it: the worked example of its page, its promises over generated records, its extremes.

mod worked_example;
