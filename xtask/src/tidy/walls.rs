//! The walls between crates and the curtains inside them, as `walls.toml` states them.

use crate::scan::{Role, Source};
use crate::tree;
use toml::{Table, Value};

fn walls() -> Result<Table, String> {
    tree::read("walls.toml")?
        .parse::<Table>()
        .map_err(|error| format!("walls.toml: {error}"))
}

fn section<'table>(table: &'table Table, name: &str) -> Result<&'table Table, String> {
    table
        .get(name)
        .and_then(Value::as_table)
        .ok_or_else(|| format!("walls.toml: no section {name}"))
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn dependencies(room: &str) -> Result<Vec<String>, String> {
    let file = format!("crates/{room}/Cargo.toml");
    let manifest = tree::read(&file)?
        .parse::<Table>()
        .map_err(|error| format!("{file}: {error}"))?;
    let names = manifest.get("dependencies").and_then(Value::as_table);
    Ok(names
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default())
}

fn rooms() -> Result<Vec<String>, String> {
    let files = tree::files()?;
    let manifests = files
        .iter()
        .filter_map(|file| file.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"));
    Ok(manifests
        .filter(|room| !room.contains('/'))
        .map(str::to_owned)
        .collect())
}

/// Our crates may import what `[arrows]` lists for them.
pub fn arrows(_: &[Source]) -> Result<Vec<String>, String> {
    let walls = walls()?;
    let arrows = section(&walls, "arrows")?;
    let mut broken = Vec::new();
    for room in rooms()? {
        let allowed = arrows.get(&room).map(texts).unwrap_or_default();
        for name in dependencies(&room)?
            .into_iter()
            .filter(|name| name.starts_with("crier-"))
        {
            if !allowed.contains(&name) {
                broken.push(format!("{room} imports {name}"));
            }
        }
    }
    Ok(broken)
}

/// An outside crate listed in `[wrappers]` is a direct dependency of its rooms only; `[closed]` lists are complete.
pub fn wrappers(_: &[Source]) -> Result<Vec<String>, String> {
    let walls = walls()?;
    let wrappers = section(&walls, "wrappers")?;
    let closed = section(&walls, "closed")?;
    let mut broken = Vec::new();
    for room in rooms()? {
        let names = dependencies(&room)?;
        for name in &names {
            if wrappers
                .get(name)
                .is_some_and(|rooms| !texts(rooms).contains(&room))
            {
                broken.push(format!("{room} uses {name}, which belongs to another room"));
            }
        }
        if let Some(list) = closed.get(&room).map(texts) {
            let extra = names.iter().filter(|name| !list.contains(name));
            broken.extend(extra.map(|name| format!("{room} uses {name}: its list is closed")));
        }
    }
    Ok(broken)
}

/// A `use` line that `[[curtain]]` forbids.
pub fn curtains(sources: &[Source]) -> Result<Vec<String>, String> {
    let walls = walls()?;
    let curtains = walls
        .get("curtain")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut broken = Vec::new();
    for curtain in &curtains {
        let text = |key: &str| {
            curtain
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let list = |key: &str| curtain.get(key).map(texts).unwrap_or_default();
        let (behind, never, except, reason) = (list("behind"), list("never"), list("except"), text("reason"));
        for source in sources.iter().filter(|source| source.role == Role::Code) {
            let hidden = behind.iter().any(|path| source.file.starts_with(path.as_str()))
                && !except.iter().any(|path| source.file.starts_with(path.as_str()));
            if !hidden {
                continue;
            }
            for (number, line) in source.code_text().lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                if let Some(name) = never.iter().find(|name| code.contains(name.as_str())) {
                    broken.push(format!("{}:{}: {name}: {reason}", source.file, number + 1));
                }
            }
        }
    }
    Ok(broken)
}

/// Floating-point types are no part of the wire's or the rules' arithmetic. A JSON reader has to name the type of what it meets.
pub fn floats(sources: &[Source]) -> Result<Vec<String>, String> {
    let rooms = ["crier-proto", "crier-platform"];
    let mut broken = Vec::new();
    for source in sources
        .iter()
        .filter(|source| source.role == Role::Code && rooms.contains(&source.room.as_str()))
    {
        for (number, line) in source.code_text().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("fn visit_f64") {
                continue;
            }
            let words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if words.clone().any(|word| word == "f64" || word == "f32") {
                broken.push(format!("{}:{}", source.file, number + 1));
            }
        }
    }
    Ok(broken)
}

/// `cargo run` has one binary to choose: the default members have no other than the server's.
pub fn one_binary(_: &[Source]) -> Result<Vec<String>, String> {
    let manifest = tree::read("Cargo.toml")?
        .parse::<Table>()
        .map_err(|error| format!("Cargo.toml: {error}"))?;
    let members = section(&manifest, "workspace")?
        .get("default-members")
        .map(texts)
        .unwrap_or_default();
    let files = tree::files()?;
    let has_binary = |member: &&String| {
        let own = tree::read(&format!("{member}/Cargo.toml")).unwrap_or_default();
        files.contains(&format!("{member}/src/main.rs")) || own.contains("[[bin]]")
    };
    let others = members
        .iter()
        .filter(has_binary)
        .filter(|member| *member != "crates/crier-server");
    Ok(others
        .map(|member| format!("{member} has a binary and is a default member"))
        .collect())
}
