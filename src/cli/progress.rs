//! Progress of long work: a bar on stderr, only where a person looks at it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::Progress;

/// How often a bar is drawn, per second.
const DRAWS_PER_SECOND: u8 = 10;

/// A bar. Invisible unless stderr is a terminal; gone when dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Counts records.
    pub(super) fn records(title: &'static str) -> Self {
        Self::new(title, "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}", None)
    }

    /// Counts the bytes of a file; with an unknown length only how many there were.
    pub(super) fn bytes(title: String, length: Option<u64>) -> Self {
        let template = match length {
            Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {eta}",
            None => "{msg} {spinner} {bytes} {bytes_per_sec}",
        };
        Self::new(title, template, length)
    }

    fn new(title: impl Into<std::borrow::Cow<'static, str>>, template: &str, length: Option<u64>) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(length, target).with_message(title);
        // The templates are constants; a wrong one falls back to the default look.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self(bar)
    }

    /// So many of so many. Work that is done at once is never seen.
    pub(super) fn show(&self, progress: Progress) {
        if progress.done < progress.total {
            self.0.set_length(progress.total);
            self.0.set_position(progress.done);
        }
    }

    /// So many more.
    pub(super) fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// Takes the bar away; whoever still holds it draws nothing that lasts.
    pub(super) fn hide(&self) {
        self.0.finish_and_clear();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// A line above the bar.
    pub(super) fn line(&self, text: &str) {
        if self.0.is_hidden() {
            super::failure::eprint_line(text);
        } else {
            self.0.println(text);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
