//! Random records of feeds, computed twice: as they were made, and as they were written and read again. What is printed depends on
//! the pages alone, so two builds that print the same have computed the same pages (feed 11.1, goal 15).

use crate::number;
use crier_platform::model::record_line::RecordLine;
use crier_proto::digest::{lower_hex, sha256};
use crier_testkit::records::{pages_of, random_record};

/// Records of one printed line.
const TOGETHER: u64 = 1_000;

/// `replay [--records N] [--seed N]`.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let records = number(arguments, "--records", 10_000)?;
    let seed = number(arguments, "--seed", 1)?;
    let (mut all, mut bytes) = ([0; 32], 0);
    println!("| records | bytes of pages | SHA-256 of all so far |");
    println!("|---|---|---|");
    for number in 0..records {
        let lines = random_record(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let pages = pages_of(&lines).map_err(|error| error.to_string())?;
        let written = lines.iter().map(serde_json::to_string);
        let read = written.map(|line| serde_json::from_str::<RecordLine>(&line?));
        let read: Vec<RecordLine> = read
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|error| error.to_string())?;
        if pages_of(&read).map_err(|error| error.to_string())? != pages {
            return Err(format!("record {number} of seed {seed} has two sets of pages"));
        }
        bytes += pages.len();
        all = sha256(&[&all, pages.as_bytes()]);
        if (number + 1) % TOGETHER == 0 || number + 1 == records {
            println!("| {} | {bytes} | {} |", number + 1, lower_hex(&all));
        }
    }
    Ok(())
}
