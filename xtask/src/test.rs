//! `cargo xtask test`: makes a fresh Debian machine that has only Rust able to run every suite, and runs them.
//!
//! With `CI` set a part that cannot be had is an error before the first test. On a laptop nothing is installed: what can run
//! runs, each suite that could not is named with the command that would provide its part, and the exit status is 3.

use crate::run::Counts;
use crate::suites::{Suite, suites};
use std::process::{Command, ExitCode, Stdio};

/// Something that tests need and a fresh machine lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Debian's browser.
    Chromium,
    /// Debian's readers of images, and pip, which fetches one more.
    ImageTools,
    /// Python 2 for the unmodified period client minifb, and pip, which fetches that.
    Jython,
    /// Node 20 or newer, with npm.
    Node,
    /// The unmodified period client WWW::Facebook::API.
    PerlClient,
    /// What lets the disk fail under the binary.
    Strace,
    /// The schema validator.
    Xmllint,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Chromium,
        Self::ImageTools,
        Self::Jython,
        Self::Node,
        Self::PerlClient,
        Self::Strace,
        Self::Xmllint,
    ];

    /// What `--without` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::ImageTools => "image-tools",
            Self::Jython => "jython",
            Self::Node => "node",
            Self::PerlClient => "perl-client",
            Self::Strace => "strace",
            Self::Xmllint => "xmllint",
        }
    }

    /// Debian's packages that provide it.
    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "fonts-liberation"],
            Self::ImageTools => &["libjpeg-turbo-progs", "netpbm", "python3-pip"],
            Self::Jython => &["jython", "python3-pip"],
            Self::Node => &["nodejs", "npm"],
            Self::PerlClient => &["libwww-facebook-api-perl"],
            Self::Strace => &["strace"],
            Self::Xmllint => &["libxml2-utils"],
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Chromium => answers("chromium", &["--version"]),
            Self::ImageTools => {
                answers("djpeg", &["-version"])
                    && answers("pngtopam", &["-version"])
                    && answers("python3", &["-m", "pip", "--version"])
            }
            Self::Jython => {
                answers("jython", &["--version"]) && answers("python3", &["-m", "pip", "--version"])
            }
            Self::Node => node_major().is_some_and(|major| major >= 20) && answers("npm", &["--version"]),
            Self::PerlClient => answers("perl", &["-MWWW::Facebook::API", "-e", "1"]),
            Self::Strace => answers("strace", &["--version"]),
            Self::Xmllint => answers("xmllint", &["--version"]),
        }
    }
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let quiet = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()
}

fn node_major() -> Option<u32> {
    output("node", &["--version"])?
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn may_install() -> bool {
    let is_root = output("id", &["-u"]).is_some_and(|uid| uid.trim() == "0");
    is_root && std::path::Path::new("/etc/debian_version").exists() && answers("apt-get", &["--version"])
}

/// Installs exactly the packages of the missing parts; what the installer said on failure.
fn install(parts: &[Part]) -> Result<(), String> {
    let packages: Vec<&str> = parts.iter().flat_map(|part| part.packages()).copied().collect();
    println!("installing {}", packages.join(" "));
    let steps: [&[&str]; 2] = [
        &["update", "-q"],
        &["install", "-q", "-y", "--no-install-recommends"],
    ];
    for (step, names) in steps.iter().zip([&[][..], &packages[..]]) {
        let installer = Command::new("apt-get")
            .args(*step)
            .args(names)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("apt-get: {error}"))?;
        if !installer.status.success() {
            let said = String::from_utf8(installer.stderr).unwrap_or_default();
            return Err(format!(
                "apt-get {} {}: {}",
                step.join(" "),
                names.join(" "),
                said.trim()
            ));
        }
    }
    Ok(())
}

/// Runs the command; the arguments after `test`.
pub fn command(arguments: &[String]) -> ExitCode {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let accepted: Vec<&str> = arguments
        .windows(2)
        .filter(|pair| pair[0] == "--without")
        .map(|pair| pair[1].as_str())
        .collect();
    if let Some(unknown) = accepted
        .iter()
        .find(|name| !Part::ALL.iter().any(|part| part.name() == **name))
    {
        let known: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
        eprintln!(
            "--without {unknown}: no such part; parts are {}",
            known.join(", ")
        );
        return ExitCode::from(2);
    }
    let missing = |accepted: &[&str]| -> Vec<Part> {
        Part::ALL
            .into_iter()
            .filter(|part| !accepted.contains(&part.name()) && !part.is_there())
            .collect()
    };
    let mut lacking = missing(&accepted);
    if !lacking.is_empty() && may_install() {
        let outcome = install(&lacking);
        lacking = missing(&accepted);
        if let (Err(said), true) = (&outcome, !lacking.is_empty()) {
            eprintln!("{said}");
        }
    }
    if ci && !lacking.is_empty() {
        for part in &lacking {
            eprintln!(
                "part {} cannot be had: Debian packages {}",
                part.name(),
                part.packages().join(" ")
            );
        }
        return ExitCode::FAILURE;
    }
    run_suites(&lacking, &accepted)
}

fn run_suites(lacking: &[Part], accepted: &[&str]) -> ExitCode {
    let (ready, waiting): (Vec<Suite>, Vec<Suite>) = suites().into_iter().partition(|suite| {
        suite
            .needs
            .iter()
            .all(|part| !lacking.contains(part) && !accepted.contains(&part.name()))
    });
    let mut counts = Counts::default();
    let mut failed: Vec<&str> = Vec::new();
    for suite in &ready {
        let mut own = Counts::default();
        for step in &suite.steps {
            own.add(step.run());
            if own.failed > 0 {
                break;
            }
        }
        if own.failed > 0 {
            failed.push(suite.name);
        }
        counts.add(own);
    }
    println!();
    for name in &failed {
        println!("failed: {name}");
    }
    let mut not_run = false;
    for suite in &waiting {
        let parts: Vec<Part> = suite
            .needs
            .iter()
            .copied()
            .filter(|part| lacking.contains(part))
            .collect();
        not_run |= !parts.is_empty();
        for part in suite
            .needs
            .iter()
            .filter(|part| lacking.contains(part) || accepted.contains(&part.name()))
        {
            println!(
                "not run: {} needs {}; apt-get install -y --no-install-recommends {}",
                suite.name,
                part.name(),
                part.packages().join(" ")
            );
        }
    }
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.failed > 0 {
        ExitCode::FAILURE
    } else if not_run {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}
