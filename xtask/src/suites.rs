//! The suites of `cargo xtask test`, in the order they run: cheap and telling first.

use crate::run::Step;
use crate::test::Part;

/// Seconds of mutations for each fuzz target in every run.
const FUZZ_SECONDS: u32 = 60;
/// The fuzz targets, behind the program that holds each.
const FUZZ_TARGETS: [&str; 8] = [
    "fuzz pairs",
    "fuzz reading",
    "fuzz decimal",
    "fuzz markup",
    "fuzz callback",
    "fuzz render",
    "fuzz-media decode",
    "fuzz-media guard",
];

/// Fetches the client that the hash names, unbuilt but for its metadata, to where its test looks.
const MINIFB: &str = "python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --no-compile --upgrade --require-hashes --target target/period-clients \
    --requirement crates/crier-server/tests/period_clients/requirements.txt";

/// Fetches the foreign decoder that the hashes name to where its test looks.
const PILLOW: &str = "python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --no-compile --upgrade --require-hashes --only-binary=:all: --target target/foreign \
    --requirement crates/crier-media/tests/foreign/requirements.txt";

/// Commands that stand or fall together and what they need.
pub struct Suite {
    /// What people call it.
    pub name: &'static str,
    /// Parts without which it cannot run.
    pub needs: &'static [Part],
    /// Its commands; the first that fails ends the suite.
    pub steps: Vec<Step>,
}

/// All suites.
pub fn suites() -> Vec<Suite> {
    let suite = |name, needs, steps| Suite { name, needs, steps };
    vec![
        suite("house rules", &[], vec![Step::new("tidy", "cargo xtask tidy")]),
        suite(
            "format",
            &[],
            vec![Step::new("format", "cargo fmt --all --check")],
        ),
        suite(
            "lints",
            &[],
            vec![Step::new(
                "lints",
                "cargo clippy --workspace --all-targets --all-features -- -D warnings",
            )],
        ),
        suite(
            "tests that need nothing but Rust",
            &[],
            vec![Step::new(
                "unit, property, conformance, integration",
                "cargo test --workspace --quiet",
            )],
        ),
        suite(
            "schema of every XML answer",
            &[Part::Xmllint],
            vec![Step::new(
                "schema",
                "cargo test --quiet -p crier-proto --features parts --test schema",
            )],
        ),
        suite(
            "the Perl client of the period",
            &[Part::PerlClient],
            vec![Step::new(
                "perl",
                "cargo test --quiet -p crier-server --features parts --test period_clients perl::",
            )],
        ),
        suite(
            "the Python 2 client of the period",
            &[Part::Jython],
            vec![
                Step::new("minifb", MINIFB),
                Step::new(
                    "python",
                    "cargo test --quiet -p crier-server --features parts --test period_clients minifb::",
                ),
            ],
        ),
        suite(
            "other people's image decoders",
            &[Part::ImageTools, Part::Chromium],
            vec![
                Step::new("pillow", PILLOW),
                Step::new(
                    "foreign",
                    "cargo test --quiet -p crier-media --features parts --test foreign",
                ),
            ],
        ),
        suite(
            "a failing disk",
            &[Part::Strace],
            vec![Step::new(
                "faults",
                "cargo test --quiet -p crier-server --features parts --test faults",
            )],
        ),
        suite("fuzz", &[], vec![Step::new("fuzz", "cargo xtask fuzz")]),
        suite(
            "browser client",
            &[Part::Node],
            vec![
                Step::new("packages", "npm ci --no-audit --no-fund").below("clients/js"),
                Step::new("types and build", "npm run check").below("clients/js"),
                Step::new("client tests", "npm test").below("clients/js"),
            ],
        ),
        suite(
            "browsers",
            &[Part::Node, Part::Chromium, Part::PerlClient],
            vec![
                Step::new("the binary", "cargo build --quiet -p crier-server"),
                Step::new("packages", "npm ci --no-audit --no-fund").below("e2e"),
                Step::new("two people in Chromium", "npm test").below("e2e"),
            ],
        ),
        suite(
            "the long proofs, short form",
            &[],
            vec![Step::new("soak", "cargo xtask soak --quick")],
        ),
    ]
}

/// `cargo xtask fuzz [--seconds N]`: two targets at a time, since the machine has two cores.
pub fn fuzz_command(arguments: &[String]) -> Result<(), String> {
    let seconds = match arguments {
        [] => FUZZ_SECONDS,
        [flag, number] if flag == "--seconds" => number
            .parse()
            .map_err(|_| format!("--seconds {number}: not a number"))?,
        _ => return Err("cargo xtask fuzz [--seconds N]".to_owned()),
    };
    if Step::new(
        "fuzz targets",
        "cargo build --quiet --release -p crier-proto-fuzz -p crier-media-fuzz",
    )
    .run()
    .failed
        > 0
    {
        return Err("the fuzz targets do not build".to_owned());
    }
    let mut failed = Vec::new();
    for pair in FUZZ_TARGETS.chunks(2) {
        let runs: Vec<_> = pair
            .iter()
            .map(|target| {
                let line = format!("target/release/{target} --seconds {seconds} --seed 1");
                (
                    *target,
                    std::thread::spawn(move || Step::new("fuzz", &line).run().failed),
                )
            })
            .collect();
        for (target, run) in runs {
            if run.join().map_err(|_| format!("{target}: the runner died"))? > 0 {
                failed.push(target);
            }
        }
    }
    if failed.is_empty() {
        println!("{} passed, 0 failed", FUZZ_TARGETS.len());
        Ok(())
    } else {
        Err(format!("fuzz: {}", failed.join(", ")))
    }
}
