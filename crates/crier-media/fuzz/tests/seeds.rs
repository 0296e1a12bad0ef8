//! Every seed of every target, and some mutations, judged in every plain test run.

use crier_media_fuzz::{TARGETS, seeds};
use crier_proto_fuzz::driver;

#[test]
fn no_seed_and_no_early_mutation_breaks_an_invariant() {
    for (name, target) in TARGETS {
        let finding = driver::run(target, &seeds::of(name), 1, |executions| executions < 300);
        assert_eq!(finding.crash, None, "{name}");
    }
}
