//! The long proofs, and their short forms for every run: kill −9 under load, idle pages by the thousand.

use crate::run::Step;

/// `cargo xtask soak [--quick]`.
pub fn command(arguments: &[String]) -> Result<(), String> {
    let quick = match arguments {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err("cargo xtask soak [--quick]".to_owned()),
    };
    let (kills, pages, seconds) = if quick {
        ("20", "1000", "20")
    } else {
        ("200", "10000", "300")
    };
    let profile = if quick { "" } else { " --release" };
    let steps = [
        Step::new(
            "binaries",
            &format!("cargo build --quiet{profile} -p crier-server -p bench"),
        ),
        Step::new(
            "kill -9 under load",
            &format!("cargo run --quiet{profile} -p bench -- kill --kills {kills} --seed 1"),
        ),
        Step::new(
            "idle pages",
            &format!("cargo run --quiet{profile} -p bench -- idle --pages {pages} --seconds {seconds}"),
        ),
    ];
    let failed: Vec<&str> = steps
        .iter()
        .filter(|step| step.run().failed > 0)
        .map(|step| step.name)
        .collect();
    if failed.is_empty() {
        println!("2 passed, 0 failed");
        Ok(())
    } else {
        Err(format!("soak: {}", failed.join(", ")))
    }
}
