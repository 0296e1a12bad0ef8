//! Figures of one application: the first 200 have a value of their own, all others share `other` (live section 13).

use super::counts::{Counts, Labels, counter};
use super::labels::Ending;
use crate::shards::lock;
use crier_proto::ids::AppId;
use prometheus_client::encoding::MetricEncoder;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Applications that are told apart.
const APPS_MAX: usize = 200;

/// What is counted for one application, or for all that share `other`.
#[derive(Debug, Default)]
pub(crate) struct AppFigures {
    ended: Counts<Ending>,
    no_handler: AtomicU64,
}

impl AppFigures {
    /// A message has left its mailbox.
    pub(crate) fn ended(&self, ending: Ending) {
        self.ended.add(ending);
    }

    /// A message found no handler at its commit.
    pub(crate) fn no_handler(&self) {
        self.no_handler.fetch_add(1, Ordering::Relaxed);
    }
}

/// The figures of all applications that have had a mailbox. They stay when the mailboxes have gone: a counter never falls.
#[derive(Debug, Default)]
pub(super) struct PerApp {
    known: Mutex<BTreeMap<AppId, Arc<AppFigures>>>,
    other: Arc<AppFigures>,
}

impl PerApp {
    /// Where this application's messages are counted. Asked once for each of its mailboxes, not for each message.
    pub(super) fn of(&self, app: AppId) -> Arc<AppFigures> {
        let mut known = lock(&self.known);
        if let Some(figures) = known.get(&app) {
            return Arc::clone(figures);
        }
        if known.len() >= APPS_MAX {
            return Arc::clone(&self.other);
        }
        let figures = Arc::<AppFigures>::default();
        known.insert(app, Arc::clone(&figures));
        figures
    }

    pub(super) fn show_ended(&self, out: &mut MetricEncoder<'_>) -> fmt::Result {
        for (app, figures) in self.each() {
            figures.ended.show(out, |ending| {
                vec![("app", app.clone()), ("state", ending.as_str().to_owned())]
            })?;
        }
        Ok(())
    }

    pub(super) fn show_no_handler(&self, out: &mut MetricEncoder<'_>) -> fmt::Result {
        for (app, figures) in self.each() {
            let labels: Labels = vec![("app", app)];
            counter(out, &labels, figures.no_handler.load(Ordering::Relaxed))?;
        }
        Ok(())
    }

    /// All endings of all applications.
    pub(super) fn endings(&self) -> u64 {
        let of = |figures: &AppFigures| {
            Ending::ALL
                .iter()
                .map(|ending| figures.ended.get(*ending))
                .sum::<u64>()
        };
        self.each().iter().map(|(_, figures)| of(figures)).sum()
    }

    /// Every value of the label with its figures; `other` only once somebody shares it.
    fn each(&self) -> Vec<(String, Arc<AppFigures>)> {
        let known = lock(&self.known);
        let mut each: Vec<_> = known
            .iter()
            .map(|(app, figures)| (app.get().to_string(), Arc::clone(figures)))
            .collect();
        if known.len() >= APPS_MAX {
            each.push(("other".to_owned(), Arc::clone(&self.other)));
        }
        each
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_201st_application_is_counted_as_other_and_the_first_stay_themselves() {
        let apps = PerApp::default();
        for number in 1..=202 {
            let app = AppId::new(number).expect("a positive number is an application id");
            apps.of(app).ended(Ending::Expired);
        }
        let names: Vec<String> = apps.each().into_iter().map(|(name, _)| name).collect();
        assert_eq!((names.len(), names[0].as_str()), (201, "1"));
        assert_eq!(names.last().map(String::as_str), Some("other"));
        assert_eq!(apps.other.ended.get(Ending::Expired), 2);
        assert_eq!(apps.endings(), 202);
    }
}
