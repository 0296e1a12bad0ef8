//! What commands print: for people, or with `--json` one object a line.
//!
//! Promise: a closed pipe ends the printing and not the process.

use serde_json::Value;
use std::io::Write;

/// One line on standard output.
pub fn say(line: &str) {
    // Whoever closed the pipe has read enough.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Bytes on standard output as they are.
pub fn say_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // As above.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// One line on standard error.
pub fn complain(line: &str) {
    // There is nobody left to tell.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The fields of one object, in the order they are printed.
pub type Row = Vec<(&'static str, Value)>;

/// The form that a command prints in.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Output {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints one object.
    pub fn row(self, row: &Row) {
        say(&if self.json {
            json_line(row)
        } else {
            for_people(row)
        });
    }

    /// Prints a finding of three fields, name, whether it is well, what it says: for people `name: what it says`.
    pub fn check(self, row: &Row) {
        let texts: Vec<String> = row.iter().map(|(_, value)| plain(value)).collect();
        match (self.json, texts.as_slice()) {
            (false, [name, _, says]) => say(&format!("{name}: {says}")),
            _ => say(&json_line(row)),
        }
    }

    /// Prints several objects: as JSON lines, or for people the first `columns` fields of each on a line of its own.
    pub fn rows(self, rows: &[Row], columns: usize) {
        for row in rows {
            say(&if self.json {
                json_line(row)
            } else {
                on_one_line(row, columns)
            });
        }
    }
}

fn json_line(row: &Row) -> String {
    let fields: Vec<String> = row
        .iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(*name)))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn for_people(row: &Row) -> String {
    let width = row.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = row
        .iter()
        .map(|(name, value)| format!("{name:width$}  {}", plain(value)).trim_end().to_owned())
        .collect();
    lines.join("\n")
}

fn on_one_line(row: &Row, columns: usize) -> String {
    let fields: Vec<String> = row.iter().take(columns).map(|(_, value)| plain(value)).collect();
    fields.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_the_order_of_fields_and_people_get_columns() {
        let row: Row = vec![("uid", 7.into()), ("name", "a \"b\"".into())];
        assert_eq!(json_line(&row), r#"{"uid":7,"name":"a \"b\""}"#);
        assert_eq!(for_people(&row), "uid   7\nname  a \"b\"");
        assert_eq!(on_one_line(&row, 2), "7  a \"b\"");
    }
}
