//! The long proofs, and their short forms for every run: kill −9 under load, exactly once under chaos, pages by the
//! thousand that are cut, drained, slow or idle, a feed's guarantee under a flood, records that two builds compute,
//! forbidden addresses, hostile images. Their last words are one table.

use crate::run::Step;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const TWO_BUILDS: &str = "ten thousand records by two builds";
const OTHER_CASES: &str = "property tests from ten other seeds";

/// What people call each proof, its long form as a program and its arguments, and its short form if it has one.
const SCENARIOS: [(&str, &str, Option<&str>); 12] = [
    (
        "kill -9 under load",
        "run -p bench -- kill --kills 200 --seed 1",
        Some("run -p bench -- kill --kills 20 --seed 1"),
    ),
    (
        "exactly once, or a gap",
        "run -p bench -- exact --messages 1000000 --seed 1",
        Some("run -p bench -- exact --messages 3000 --users 20 --rate 500 --restarts 3 --grace 2 --seed 1"),
    ),
    (
        "all pages cut at once",
        "run -p bench -- resume --pages 15000",
        Some("run -p bench -- resume --pages 300 --seconds 1"),
    ),
    ("slow readers", "run -p bench -- slow --pages 300", None),
    (
        "SIGTERM under pages",
        "run -p bench -- drain --pages 15000",
        Some("run -p bench -- drain --pages 300"),
    ),
    (
        "a withdrawal",
        "run -p bench -- withdraw --pages 15000",
        Some("run -p bench -- withdraw --pages 300"),
    ),
    (
        "idle pages",
        "run -p bench -- idle --pages 10000 --seconds 300",
        Some("run -p bench -- idle --pages 1000 --seconds 20"),
    ),
    (
        "the guarantee under a flood",
        "run -p crier-server -- simulate --population flood --seeds 1000",
        Some("run -p crier-server -- simulate --population flood --seeds 50"),
    ),
    (
        "kill -9 while feeds are read",
        "run -p bench -- views --kills 100 --seed 1",
        Some("run -p bench -- views --kills 5 --seed 1"),
    ),
    ("a full feed", "run -p bench -- feed", None),
    (
        "thirty thousand forbidden addresses",
        "test -p crier-media --test fetching forbidden:: -- --nocapture",
        Some("test -p crier-media --test fetching forbidden:: -- --nocapture"),
    ),
    ("hostile images", "run -p bench -- pictures --hostile", None),
];

/// `cargo xtask soak [--quick]`.
pub fn command(arguments: &[String]) -> Result<(), String> {
    let quick = match arguments {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err("cargo xtask soak [--quick]".to_owned()),
    };
    let profile = if quick { "" } else { " --release" };
    let build = format!("cargo build --quiet{profile} -p crier-server -p bench");
    if Step::new("binaries", &build).run().failed > 0 {
        return Err("soak: the binaries do not build".to_owned());
    }
    let mut table = Vec::new();
    for (name, long, short) in SCENARIOS {
        let Some(words) = (if quick { short } else { Some(long) }) else {
            continue;
        };
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        eprintln!("soak: {name}");
        let begun = Instant::now();
        let failed = Step::new(name, &format!("cargo {verb} --quiet{profile} {rest}"))
            .run()
            .failed;
        table.push((name, failed == 0, begun.elapsed().as_secs()));
    }
    if !quick {
        eprintln!("soak: {TWO_BUILDS}");
        let begun = Instant::now();
        let same = two_builds();
        if let Err(why) = &same {
            println!("{why}");
        }
        table.push((TWO_BUILDS, same.is_ok(), begun.elapsed().as_secs()));
        eprintln!("soak: {OTHER_CASES}");
        let begun = Instant::now();
        let passed = other_cases();
        table.push((OTHER_CASES, passed, begun.elapsed().as_secs()));
    }
    println!("\n| proof | seconds | |\n|---|---|---|");
    for (name, passed, seconds) in &table {
        println!(
            "| {name} | {seconds} | {} |",
            if *passed { "passed" } else { "FAILED" }
        );
    }
    let failed: Vec<&str> = table.iter().filter(|row| !row.1).map(|row| row.0).collect();
    if failed.is_empty() {
        println!("{} passed, 0 failed", table.len());
        Ok(())
    } else {
        Err(format!("soak: {}", failed.join(", ")))
    }
}

/// Ten thousand random records, computed by a build without optimisation and by the released one: the same digests (feed 11.1, goal 15).
fn two_builds() -> Result<(), String> {
    let words = "-p bench -- replay --records 10000 --seed 1";
    let pages = ["", " --release"].map(|profile| {
        let output = Command::new("cargo")
            .args(format!("run --quiet{profile} {words}").split_whitespace())
            .current_dir(crate::tree::root())
            .output()
            .map_err(|error| error.to_string())?;
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        print!("{table}");
        if output.status.success() {
            Ok(table)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    });
    let [debug, release] = pages;
    if debug? == release? {
        Ok(())
    } else {
        Err("the two builds computed different pages".to_owned())
    }
}

/// Every other run draws the cases of property tests from one seed, so that it repeats: here is where others are drawn. The line of a
/// step shows its seed.
fn other_cases() -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let crates = "-p crier-proto -p crier-media -p crier-platform -p crier-store";
    (1..=10).all(|nth| {
        let seed = now.as_secs() + nth;
        let line = format!("env PROPTEST_RNG_SEED={seed} cargo test --quiet --release {crates}");
        Step::new(OTHER_CASES, &line).run().failed == 0
    })
}
