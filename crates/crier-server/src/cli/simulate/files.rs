//! The files of `--out`: report, rows, plots.

use super::super::Failure;
use super::report::{COLUMNS, Report};
use super::{plots, wrong};
use crier_platform::feed::simulate::tally::{Tally, ViewRow};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const VIEW_COLUMNS: &str =
    "seed,user,at_ms,candidates,active,slots,guaranteed,apps_shown,cut,longest_wait,clicks,hides\n";

/// `views.csv`, written while the simulation runs.
pub(super) struct ViewsFile {
    out: BufWriter<File>,
    /// The first fault; what comes after it is not written.
    fault: Option<std::io::Error>,
}

impl ViewsFile {
    /// Makes the folder and begins the file.
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("views.csv");
        let file = std::fs::create_dir_all(folder).and_then(|()| File::create(&path));
        let file = file.map_err(|why| wrong(format!("cannot write {}: {why}", path.display())))?;
        let mut views = Self {
            out: BufWriter::new(file),
            fault: None,
        };
        views.fault = views.out.write_all(VIEW_COLUMNS.as_bytes()).err();
        Ok(views)
    }

    pub(super) fn add(&mut self, row: &ViewRow) {
        if self.fault.is_some() {
            return;
        }
        let written = writeln!(
            self.out,
            "{},{},{},{},{},{},{},{},{},{},{},{}",
            row.seed,
            row.user,
            row.at.0,
            row.candidates,
            row.active,
            row.slots,
            row.guaranteed,
            row.apps_shown,
            row.cut,
            row.longest_wait,
            row.clicks,
            row.hides
        );
        self.fault = written.err();
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let fault = self.fault.take().or(self.out.flush().err());
        fault.map_or(Ok(()), |why| Err(wrong(format!("cannot write views.csv: {why}"))))
    }
}

/// A cell of a CSV: in quotes when it must be.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn apps_csv(report: &Report) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for app in &report.apps {
        text += &app.cells().map(|text| cell(&text)).join(",");
        text.push('\n');
    }
    text
}

/// Everything but `views.csv`.
pub(super) fn write_all(folder: &Path, report: &Report, tally: &Tally) -> Result<(), Failure> {
    for (name, text) in [
        ("report.json", report.json() + "\n"),
        ("apps.csv", apps_csv(report)),
        ("share.svg", plots::share(tally)),
        ("starvation.svg", plots::starvation(tally)),
        ("buckets.svg", plots::buckets(tally)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .map_err(|why| wrong(format!("cannot write {}: {why}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_with_a_comma_stays_one_cell() {
        assert_eq!(super::cell("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(super::cell("plain"), "plain");
    }
}
