//! Overrides as Home Assistant begins them: for how many minutes is set first, and kept here; a button then begins one.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;

use crate::control::Override;
use crate::homeassistant::{Minutes, Wish};
use crate::mqtt::{Arrival, Listening};
use crate::store::Store;

/// Commands with the wishes of Home Assistant's entities before them.
pub(super) fn with(
    listening: Option<Listening>,
    store: Option<&Store>,
    of: &str,
) -> (Option<Listening>, watch::Receiver<Minutes>) {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name = format!("homeassistant/minutes_{}.json", of.chars().map(plain).collect::<String>());
    match listening {
        Some(listening) => {
            let (listening, minutes) = before(listening, store.cloned(), name);
            (Some(listening), minutes)
        }
        None => (None, watch::channel(Minutes::default()).1),
    }
}

/// Takes wishes before the commands that they become. The minutes are kept in the store under `name`.
fn before(listening: Listening, store: Option<Store>, name: String) -> (Listening, watch::Receiver<Minutes>) {
    let kept: Option<Minutes> = store.as_ref().and_then(|store| store.load(&name).ok().flatten());
    let (sender, minutes) = watch::channel(kept.unwrap_or_default());
    let saving = Arc::new(Mutex::new(()));
    let Listening { wanted, take } = listening;
    let take = Arc::new(move |arrival: Arrival| match Wish::of(&arrival.name) {
        None => take(arrival),
        Some(Wish::Start(kind)) => {
            let minutes = sender.borrow().of(kind).to_string();
            take(Arrival { name: kind.name().to_owned(), payload: Bytes::from(minutes), ..arrival });
        }
        Some(Wish::Minutes(kind)) => {
            let Some(minutes) = wanted_minutes(&arrival.payload) else {
                let why = format!("{} must be 1 to {} minutes", arrival.name, Override::MOST_MINUTES);
                return arrival
                    .answer(json!({ "outcome": "refused", "reason": "invalid", "message": why }).to_string());
            };
            sender.send_modify(|all| *all = all.with(kind, minutes));
            arrival.answer(json!({ "outcome": "kept", "minutes": minutes }).to_string());
            keep(store.clone(), &saving, name.clone(), &sender);
        }
    });
    (Listening { wanted, take }, minutes)
}

fn wanted_minutes(payload: &[u8]) -> Option<u16> {
    let minutes = std::str::from_utf8(payload).ok()?.trim().parse::<f64>().ok()?;
    (minutes.fract() == 0.0 && (1.0..=f64::from(Override::MOST_MINUTES)).contains(&minutes)).then_some(minutes as u16)
}

/// On a thread of its own, since whoever takes messages must not wait; the newest is kept last.
fn keep(store: Option<Store>, saving: &Arc<Mutex<()>>, name: String, sender: &watch::Sender<Minutes>) {
    let Some(store) = store else { return };
    let (saving, newest) = (Arc::clone(saving), sender.subscribe());
    tokio::task::spawn_blocking(move || {
        let _one_at_a_time = saving.lock();
        let minutes = *newest.borrow();
        if let Err(error) = store.save(&name, &minutes) {
            tracing::warn!("data_dir: {error}; the minutes of overrides are forgotten at a restart");
        }
    });
}
