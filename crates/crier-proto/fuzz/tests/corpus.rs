//! Every seed of every target, and a few thousand mutations, judged in every plain test run.

use crier_proto_fuzz::{TARGETS, driver};

#[test]
fn no_seed_and_no_early_mutation_breaks_an_invariant() {
    for (name, target) in TARGETS {
        let seeds = driver::corpus(&driver::corpus_folder(name)).unwrap();
        let finding = driver::run(target, &seeds, 1, |executions| executions < 2_000);
        assert_eq!(finding.crash, None, "{name}");
    }
}
