//! Progress on the terminal: a bar for each thing that is read, one for what is applied. Written to standard error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sync::{OnProgress, Progress};

/// The bars of one run.
pub(crate) struct Watch {
    bars: MultiProgress,
    by_name: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Watch {
    /// Bars that appear as there is something to show; nothing is drawn where standard error is no terminal.
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self {
            bars: MultiProgress::new(),
            by_name: Mutex::default(),
        })
    }

    /// What a run calls.
    pub(crate) fn on_progress(self: &Arc<Self>) -> OnProgress {
        let watch = Arc::clone(self);
        Arc::new(move |progress| watch.show(progress))
    }

    /// Removes the bars.
    pub(crate) fn finish(&self) {
        let bars =
            std::mem::take(&mut *self.by_name.lock().unwrap_or_else(PoisonError::into_inner));
        bars.values().for_each(ProgressBar::finish_and_clear);
    }

    fn show(&self, progress: Progress<'_>) {
        let (name, done, total) = match progress {
            Progress::Reading { what, done, total } => (format!("reading {what}"), done, total),
            Progress::Applying { done, total } => ("applying".to_owned(), done, total),
        };
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = by_name.entry(name.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix:>18} {wide_bar} {pos}/{len}");
            let bar = ProgressBar::new(0).with_prefix(name);
            self.bars.add(
                style
                    .map(|style| bar.clone().with_style(style))
                    .unwrap_or(bar),
            )
        });
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    }
}
