//! The binary `crier`: everything it does stands in the library, so that tests can do it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(crier_server::cli::main())
}
