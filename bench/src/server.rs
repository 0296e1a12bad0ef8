//! The built binary as a child process: started on free ports, asked by its own command line, ended by its own id.

use rustix::process::{Pid, Signal};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The `crier` that was built beside this program.
pub fn binary() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let beside = own.with_file_name("crier");
    if beside.exists() {
        Ok(beside)
    } else {
        Err(format!("{} is not built", beside.display()))
    }
}

/// A folder that vanishes when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A fresh folder below the system's temporary one.
    pub fn fresh(name: &str) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("crier-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind is untidy, not wrong.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The file beside the data folder that holds what all servers of this run said.
fn log(data: &Path) -> Result<std::fs::File, String> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).append(true).open(data.with_extension("log"));
    file.map_err(|error| error.to_string())
}

/// Where nothing else runs, one runtime thread serves (live 14.1).
pub const ONE_WORKER: (&str, &str) = ("TOKIO_WORKER_THREADS", "1");
const SERVERS_CORE: &str = "0";
const DRIVERS_CORE: &str = "1";

/// Keeps a process, with all its threads, on one core.
fn pin(id: u32, core: &str) -> Result<(), String> {
    let done = Command::new("taskset")
        .args(["-a", "-cp", core, &id.to_string()])
        .stdout(Stdio::null())
        .status();
    if done.is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(format!("taskset cannot pin process {id}"))
    }
}

/// A server's process has the one core, this process and those that it starts from now on have the other (live 14.1).
pub fn keep_apart(server: u32) -> Result<(), String> {
    pin(server, SERVERS_CORE)?;
    pin(std::process::id(), DRIVERS_CORE)
}

/// Connections that no listener of this machine had a place for since it started: each comes again a second later.
pub fn turned_away_by_kernel() -> Result<u64, String> {
    let text = std::fs::read_to_string("/proc/net/netstat").map_err(|error| error.to_string())?;
    let mut rows = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let names = rows.next().unwrap_or_default().split_whitespace();
    let values = rows.next().unwrap_or_default().split_whitespace();
    let mut both = names.zip(values);
    let (_, drops) = both
        .find(|(name, _)| *name == "ListenDrops")
        .ok_or("no ListenDrops")?;
    drops.parse().map_err(|_| format!("ListenDrops {drops}"))
}

/// Where a server listens that will be started there again. Nobody else has to do with this address of the loopback network, so
/// that its port is given to nobody meanwhile.
pub const TO_COME_BACK_TO: &str = "127.0.9.1:0";

/// A running `crier serve`.
pub struct Server {
    child: Child,
    /// Where it answers, `127.0.0.1:port`.
    pub address: String,
}

impl Server {
    /// Starts it on this data folder and waits until it says that it is ready.
    pub fn start(data: &Path, environment: &[(&str, &str)]) -> Result<Self, String> {
        Self::start_at("127.0.0.1:0", data, environment)
    }

    /// Starts it where an earlier one was, so that its pages find it: at first at `TO_COME_BACK_TO`.
    pub fn start_at(listen: &str, data: &Path, environment: &[(&str, &str)]) -> Result<Self, String> {
        let mut child = Command::new(binary()?)
            .args([
                "serve",
                "--listen",
                listen,
                "--admin-listen",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log(data)?)
            .spawn()
            .map_err(|error| format!("crier serve: {error}"))?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("stdout was piped")?;
        BufReader::new(out)
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        let address = line
            .trim()
            .strip_prefix("crier ready on http://")
            .map(str::to_owned);
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("crier serve did not get ready: {line:?}"));
        };
        Ok(Self { child, address })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9.
    pub fn kill(mut self) -> Result<(), String> {
        self.child
            .kill()
            .and_then(|()| self.child.wait().map(|_| ()))
            .map_err(|error| error.to_string())
    }

    /// SIGTERM; gives the exit code and the time to the exit, in milliseconds.
    pub fn stop(mut self) -> Result<(Option<i32>, u128), String> {
        let began = Instant::now();
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or("a process has an id")?;
        rustix::process::kill_process(id, Signal::TERM).map_err(|error| error.to_string())?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        Ok((status.code(), began.elapsed().as_millis()))
    }

    /// Proportional set size in bytes.
    pub fn memory(&self) -> Result<u64, String> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id()))
            .map_err(|error| error.to_string())?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Pss:"))
            .ok_or("no Pss line")?;
        let kib: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .trim()
            .parse()
            .map_err(|_| format!("Pss {line}"))?;
        Ok(kib * 1024)
    }

    /// CPU time of all its threads so far, in microseconds.
    pub fn cpu_us(id: u32) -> Result<u64, String> {
        let mut total = 0u64;
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).map_err(|error| error.to_string())?;
        for task in tasks.flatten() {
            if let Ok(line) = std::fs::read_to_string(task.path().join("schedstat")) {
                total += line
                    .split_whitespace()
                    .next()
                    .and_then(|ns| ns.parse::<u64>().ok())
                    .unwrap_or(0);
            }
        }
        Ok(total / 1000)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `kill`; otherwise nobody may be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one administrative command and gives its JSON lines.
pub fn ask(data: &Path, words: &[&str]) -> Result<Vec<serde_json::Value>, String> {
    let output = Command::new(binary()?)
        .args(words)
        .args(["--data".as_ref(), data.as_os_str()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = String::from_utf8(output.stderr).unwrap_or_default();
        return Err(format!("crier {}: {}", words.join(" "), said.trim()));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}")))
        .collect()
}

/// One text field of the first line of an answer.
pub fn field(lines: &[serde_json::Value], name: &str) -> Result<String, String> {
    let value = lines
        .first()
        .and_then(|line| line.get(name))
        .ok_or_else(|| format!("no field {name}"))?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
