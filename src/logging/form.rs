//! What a line looks like.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::repeats::{Repeats, Times};
use crate::clock::{Clock, SystemClock};
use crate::diagnosis::recent;
use crate::frame::replace_serials;
use crate::settings::{LogFormat, LogSettings};

/// How lines are written.
#[derive(Debug)]
pub(super) struct Form {
    ansi: bool,
    json: AtomicBool,
    /// Serial numbers are written whole at every level.
    serials: AtomicBool,
    /// Every line is written, however often it comes.
    all: AtomicBool,
    repeats: Mutex<Repeats>,
}

/// What the subscriber asks for the text of an event.
pub(super) struct Lines(pub(super) Arc<Form>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut body = String::new();
        let inner = Writer::new(&mut body);
        if self.0.is_json() {
            let format = Format::default().json().flatten_event(true).without_time();
            format.with_current_span(false).with_span_list(false).format_event(ctx, inner, event)?;
        } else {
            let format = Format::default().without_time().with_target(false).with_ansi(self.0.ansi);
            format.format_event(ctx, inner, event)?;
        }
        match self.0.line(*event.metadata().level(), &body, Instant::now()) {
            Some(line) => writer.write_str(&line),
            None => Ok(()),
        }
    }
}

impl Form {
    pub(super) fn new(settings: &LogSettings, ansi: bool) -> Self {
        let new = AtomicBool::new;
        let (json, serials, all) = (new(false), new(false), new(false));
        let form = Self { ansi, json, serials, all, repeats: Mutex::default() };
        form.set(settings);
        form
    }

    pub(super) fn set(&self, settings: &LogSettings) {
        self.json.store(settings.format == LogFormat::Json, Ordering::Relaxed);
        self.serials.store(settings.serials, Ordering::Relaxed);
        self.all.store(settings.repeats, Ordering::Relaxed);
    }

    fn is_json(&self) -> bool {
        self.json.load(Ordering::Relaxed)
    }

    /// An event's line, from its text without the time; `None` if it is only counted.
    pub(super) fn line(&self, level: Level, body: &str, now: Instant) -> Option<String> {
        let body = body.trim_end().replace('\n', "\\n");
        // Who looks at details wants each of them.
        let is_counted = level <= Level::INFO && !self.all.load(Ordering::Relaxed);
        let times = if is_counted { self.repeats().take(level, &body, now)? } else { Times::default() };
        Some(self.write(level, &body, times))
    }

    /// A line of level `info` that is told whatever is logged.
    pub(super) fn told(&self, what: &str) -> String {
        if self.is_json() {
            let fields = serde_json::json!({ "level": "INFO", "message": what, "target": module_path!() });
            return self.write(Level::INFO, &fields.to_string(), Times::default());
        }
        self.write(Level::INFO, &format!(" INFO {what}"), Times::default())
    }

    /// The lines that were counted and are due to be told.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        let due = self.repeats().due(now);
        due.into_iter().map(|(level, body, times)| self.write(level, &body, times)).collect()
    }

    /// The lines that were counted and not told yet.
    pub(super) fn all_counted(&self, now: Instant) -> Vec<String> {
        let counted = self.repeats().all_counted(now);
        counted.into_iter().map(|(level, body, times)| self.write(level, &body, times)).collect()
    }

    fn repeats(&self) -> std::sync::MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole line. What is kept for a diagnosis has the serial numbers: it gives them other names.
    fn write(&self, level: Level, body: &str, times: Times) -> String {
        let time = SystemClock.now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let line = match body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(fields) if self.is_json() => format!("{{\"timestamp\":\"{time}\",{fields}{}}}\n", times.as_field()),
            _ if self.ansi => format!("\u{1b}[2m{time}\u{1b}[0m {body}{times}\n"),
            _ => format!("{time} {body}{times}\n"),
        };
        recent::keep(&line);
        if level >= Level::DEBUG || self.serials.load(Ordering::Relaxed) {
            return line;
        }
        replace_serials(&line, |word, _| format!("{}...{}", &word[..2], &word[7..]))
    }
}
