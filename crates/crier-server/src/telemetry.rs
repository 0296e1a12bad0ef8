//! The log: human text on a terminal, JSON lines otherwise, on standard error; secrets never reach it.
//!
//! Promise: a field whose name says that it holds a secret is written as `…`, whoever logs it. A pipe that nobody reads loses
//! lines and never makes the server wait. Knows nothing of what is logged.

use crate::sections::{LogFormat, LogLevel};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt::{self, Write};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// Last parts of field names that are never written.
const SECRET_FIELDS: [&str; 9] = [
    "sig",
    "secret",
    "password",
    "ticket",
    "token",
    "cookie",
    "session_key",
    "text",
    "data",
];

/// Starts logging for the whole process, and sends panics there too. Several servers in one process keep the first one's log.
pub fn start(format: LogFormat, level: LogLevel) {
    let human = match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let started = tracing::subscriber::set_global_default(subscriber(human, level, || {
        Unwaiting(std::io::stderr().lock())
    }))
    .is_ok();
    if started {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "a task failed: {panic}");
        }));
    }
}

fn subscriber<W>(human: bool, level: LogLevel, writer: W) -> impl Subscriber
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(filter)
        .with_writer(writer)
        .event_format(Lines { human })
        .finish()
}

/// Writes a line when it can be taken at once, and drops it otherwise: a server whose log nobody reads goes on serving.
struct Unwaiting<W>(W);

impl<W: io::Write + AsFd> io::Write for Unwaiting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut wanted = [PollFd::new(&self.0, PollFlags::OUT)];
        let is_ready = poll(&mut wanted, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
        if is_ready {
            // A log whose reader has gone is nobody's to hear of.
            let _ = self.0.write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One event, one line.
struct Lines {
    human: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let level = event.metadata().level();
        let mut fields = Fields::default();
        event.record(&mut fields);
        if self.human {
            write!(out, "{time} {level:>5} {}", fields.sentence)?;
            for (name, value) in &fields.others {
                write!(out, " {name}={value}")?;
            }
        } else {
            let target = event.metadata().target();
            write!(
                out,
                "{{\"time\":{},\"level\":\"{level}\",\"target\":{}",
                quoted(&time),
                quoted(target)
            )?;
            write!(out, ",\"message\":{}", quoted(&fields.sentence))?;
            for (name, value) in &fields.others {
                write!(out, ",{}:{value}", quoted(name))?;
            }
            out.write_char('}')?;
        }
        writeln!(out)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The fields of an event, each value as JSON.
#[derive(Default)]
struct Fields {
    sentence: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: impl FnOnce() -> String) {
        let last = field.name().rsplit('.').next().unwrap_or_default();
        let shown = if SECRET_FIELDS.contains(&last) {
            "\"…\"".to_owned()
        } else {
            value()
        };
        self.others.push((field.name(), shown));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing into a text cannot fail.
            let _ = write!(self.sentence, "{value:?}");
        } else {
            self.add(field, || quoted(&format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.sentence.push_str(value);
        } else {
            self.add(field, || quoted(value));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, || value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, || value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, || value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(human: bool, level: LogLevel) -> String {
        let page = Page::default();
        let writer = page.clone();
        tracing::subscriber::with_default(subscriber(human, level, move || writer.clone()), || {
            tracing::info!(request.id = %"ab", error.code = 104, app.secret = "hush", "one \"call\"");
            tracing::debug!("not at info");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_pipe_that_nobody_reads_loses_lines_and_never_waits() {
        let (reader, writer) = io::pipe().unwrap();
        let mut log = Unwaiting(writer);
        let line = [b'x'; 512];
        for _ in 0..10_000 {
            assert_eq!(io::Write::write(&mut log, &line).unwrap(), 512);
        }
        drop(log);
        let kept = io::Read::bytes(reader).count();
        assert!(kept > 0 && kept < 10_000 * 512, "{kept}");
    }

    #[test]
    fn a_json_line_holds_every_field_and_no_secret() {
        let text = logged(false, LogLevel::Info);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "one \"call\"");
        assert_eq!(line["request.id"], "ab");
        assert_eq!(line["error.code"], 104);
        assert_eq!(line["app.secret"], "…");
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains("hush"));
    }

    #[test]
    fn a_human_line_reads_alone_and_holds_no_secret() {
        let text = logged(true, LogLevel::Debug);
        assert!(
            text.contains(" INFO one \"call\" request.id=\"ab\" error.code=104 app.secret=\"…\"\n"),
            "{text}"
        );
        assert!(text.contains("DEBUG not at info\n"), "{text}");
    }
}
