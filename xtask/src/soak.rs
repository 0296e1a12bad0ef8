//! The long proofs, and their short forms for every run: kill −9 under load, exactly once under chaos, pages by the
//! thousand that are cut, drained, slow or idle, a feed's guarantee under a flood.

use crate::run::Step;

/// What people call each proof, its long form as a program and its arguments, and its short form if it has one.
const SCENARIOS: [(&str, &str, Option<&str>); 8] = [
    (
        "kill -9 under load",
        "bench -- kill --kills 200 --seed 1",
        Some("bench -- kill --kills 20 --seed 1"),
    ),
    (
        "exactly once, or a gap",
        "bench -- exact --messages 1000000 --seed 1",
        Some("bench -- exact --messages 3000 --users 20 --rate 500 --restarts 3 --grace 2 --seed 1"),
    ),
    (
        "all pages cut at once",
        "bench -- resume --pages 15000",
        Some("bench -- resume --pages 300 --seconds 1"),
    ),
    ("slow readers", "bench -- slow --pages 300", None),
    (
        "SIGTERM under pages",
        "bench -- drain --pages 15000",
        Some("bench -- drain --pages 300"),
    ),
    (
        "a withdrawal",
        "bench -- withdraw --pages 15000",
        Some("bench -- withdraw --pages 300"),
    ),
    (
        "idle pages",
        "bench -- idle --pages 10000 --seconds 300",
        Some("bench -- idle --pages 1000 --seconds 20"),
    ),
    (
        "the guarantee under a flood",
        "crier-server -- simulate --population flood --seeds 1000",
        Some("crier-server -- simulate --population flood --seeds 50"),
    ),
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
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, long, short) in SCENARIOS {
        let Some(words) = (if quick { short } else { Some(long) }) else {
            continue;
        };
        let run = format!("cargo run --quiet{profile} -p {words}");
        if Step::new(name, &run).run().failed > 0 {
            failed.push(name);
        } else {
            passed += 1;
        }
    }
    if failed.is_empty() {
        println!("{passed} passed, 0 failed");
        Ok(())
    } else {
        Err(format!("soak: {}", failed.join(", ")))
    }
}
