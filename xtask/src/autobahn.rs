//! An independent suite of the WebSocket protocol, the Autobahn test suite, against the echo that only tests build (live 4.7).
//!
//! The suite runs under Python 2.7 alone, which Debian no longer has: where its program `wstest` is not on the path, or named by
//! `WSTEST`, this says so and how to get it. Cases above our 65,536 bytes a message, and compression, which we never negotiate, are
//! left out by name.

use crate::run::Step;
use crate::tree;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const WITHOUT: &str = "wstest was not found. It is the program of the Python package autobahntestsuite 0.8.2, which needs Python 2.7: \
make a virtual environment with that Python, `pip install autobahntestsuite==0.8.2` in it, and name its program by WSTEST=…/bin/wstest";
/// Over 65,536 bytes a message (live 4.1), and compression (live 4.13).
const LEFT_OUT: [&str; 16] = [
    "9.1.2", "9.1.3", "9.1.4", "9.1.5", "9.1.6", "9.2.2", "9.2.3", "9.2.4", "9.2.5", "9.2.6", "9.3.*",
    "9.4.*", "9.5.*", "9.6.*", "12.*", "13.*",
];
/// Verdicts of the suite that are no failure.
const GOOD: [&str; 3] = ["OK", "NON-STRICT", "INFORMATIONAL"];

struct Echo(Child);

impl Drop for Echo {
    fn drop(&mut self) {
        // Nobody may be left behind.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `cargo xtask autobahn`.
pub fn command() -> Result<(), String> {
    let wstest = std::env::var("WSTEST").unwrap_or_else(|_| "wstest".to_owned());
    let found = Command::new(&wstest)
        .arg("--help")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        return Err(WITHOUT.to_owned());
    }
    let build = Step::new(
        "the binary with its echo",
        "cargo build --quiet -p crier-server --features echo --target-dir target/echo",
    );
    if build.run().failed > 0 {
        return Err("the binary with its echo does not build".to_owned());
    }
    let folder = std::env::temp_dir().join(format!("crier-autobahn-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let judged = run(&wstest, &folder);
    // A folder that stays behind is untidy, not wrong.
    let _ = std::fs::remove_dir_all(&folder);
    judged
}

fn run(wstest: &str, folder: &Path) -> Result<(), String> {
    let mut child = Command::new(tree::root().join("target/echo/debug/crier"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(folder.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("crier serve: {error}"))?;
    let out = child.stdout.take();
    let _echo = Echo(child);
    let mut line = String::new();
    BufReader::new(out.ok_or("stdout was piped")?)
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    let address = line.trim().strip_prefix("crier ready on http://");
    let address = address.ok_or_else(|| format!("crier serve did not get ready: {line:?}"))?;
    let reports = folder.join("reports");
    let spec = json!({
        "outdir": reports,
        "servers": [{"agent": "crier", "url": format!("ws://{address}/live/echo")}],
        "cases": ["*"],
        "exclude-cases": LEFT_OUT,
        "exclude-agent-cases": {},
    });
    let file = folder.join("spec.json");
    std::fs::write(&file, spec.to_string()).map_err(|error| error.to_string())?;
    let ran = Command::new(wstest)
        .args(["-m", "fuzzingclient", "-s"])
        .arg(&file)
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("{wstest}: {error}"))?;
    if !ran.success() {
        return Err(format!("{wstest}: {ran}"));
    }
    let text = std::fs::read_to_string(reports.join("index.json")).map_err(|error| error.to_string())?;
    let index: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    judge(&index)
}

/// Prints how many cases got which verdict; an error when one failed, or none ran.
fn judge(index: &Value) -> Result<(), String> {
    let cases = index.get("crier").and_then(Value::as_object);
    let cases = cases.ok_or("the suite reports no case")?;
    let (mut verdicts, mut failed) = (BTreeMap::new(), 0);
    for (name, case) in cases {
        let verdict = |field: &str| {
            case.get(field)
                .and_then(Value::as_str)
                .unwrap_or("none")
                .to_owned()
        };
        let (behaviour, closing) = (verdict("behavior"), verdict("behaviorClose"));
        let good = [&behaviour, &closing]
            .iter()
            .all(|word| GOOD.contains(&word.as_str()));
        if behaviour != "OK" || !good {
            println!("  case {name}: {behaviour}, closing {closing}");
        }
        failed += u64::from(!good);
        *verdicts.entry(behaviour).or_insert(0_u64) += 1;
    }
    for (verdict, count) in &verdicts {
        println!("  {verdict:<14} {count:>4}");
    }
    println!("{} passed, {failed} failed", cases.len() as u64 - failed);
    if failed > 0 || cases.is_empty() {
        Err(format!("{failed} of {} cases failed", cases.len()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::judge;
    use serde_json::json;

    #[test]
    fn a_case_that_fails_or_closes_wrongly_fails_the_suite_and_so_does_a_suite_without_cases() {
        let case = |behaviour: &str, closing: &str| json!({"behavior": behaviour, "behaviorClose": closing});
        let good = json!({"crier": {"1.1": case("OK", "OK"), "6.4.3": case("NON-STRICT", "OK")}});
        assert_eq!(judge(&good), Ok(()));
        for bad in [case("FAILED", "OK"), case("OK", "WRONG CODE"), json!({})] {
            assert!(judge(&json!({"crier": {"1.1": case("OK", "OK"), "2.1": bad}})).is_err());
        }
        assert!(judge(&json!({"crier": {}})).is_err() && judge(&json!({})).is_err());
    }
}
