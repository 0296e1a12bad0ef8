//! What the binary says of itself: completions, the manual page, the version.

use super::Ended;
use super::failed;
use super::output::{Output, say_bytes};

/// `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "crier", &mut script);
        say_bytes(&script);
        Ok(0)
    }
}

/// Prints the manual page.
pub fn man() -> Ended {
    let mut page = Vec::new();
    clap_mangen::Man::new(super::command())
        .render(&mut page)
        .map_err(failed)?;
    say_bytes(&page);
    Ok(0)
}

/// `version`.
#[derive(Debug, clap::Args)]
pub struct Version {
    #[command(flatten)]
    output: Output,
}

impl Version {
    /// Runs the command.
    pub fn run(self) -> Ended {
        self.output.row(&vec![
            ("name", "crier".into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ]);
        Ok(0)
    }
}
