//! What new settings ask for, while the program runs: only what they concern is disturbed.

use futures::future::join_all;

use super::made::{session_settings, time_zone};
use super::member::{Member, name};
use super::{App, alike, commands, made};
use crate::settings::{InForce, InverterSettings, Settings, ShownFault};

/// What becomes of an inverter that runs.
enum Becomes {
    /// It goes on, and so does what is told of it.
    Same,
    /// It is polled on, and what is told of it begins anew.
    ToldAnew,
    /// Its tasks begin anew.
    Anew,
    /// It is named no more.
    Gone,
}

impl App {
    /// Takes new settings. What cannot be changed while the program runs stays as it was, and that is said.
    ///
    /// # Errors
    /// As [`Self::start`]: what of the settings cannot be used after all. Nothing has changed then.
    pub async fn reload(&mut self, wanted: &Settings) -> anyhow::Result<()> {
        let mut wanted = wanted.clone();
        let waiting = alike::hold_back(&self.settings, &mut wanted);
        time_zone(&wanted)?;
        made::influx(&wanted)?;
        let session = wanted.mqtt.enabled.then(|| session_settings(&wanted, &self.common.events)).transpose()?;
        for each in &wanted.inverters {
            self.common.locks_of(each, &wanted)?;
        }
        let now = std::mem::replace(&mut self.settings, wanted.clone());
        let (mut kept, mut gone, mut anew) = (Vec::new(), Vec::new(), Vec::new());
        for (index, member) in std::mem::take(&mut self.members).into_iter().enumerate() {
            match becomes(&now, index, &wanted) {
                Becomes::Same => kept.push((index, member, false)),
                Becomes::ToldAnew => kept.push((index, member, true)),
                Becomes::Anew => anew.push(member),
                Becomes::Gone => gone.push(member),
            }
        }
        let is_other_list = !gone.is_empty() || !anew.is_empty() || kept.len() != wanted.inverters.len();
        for member in &gone {
            tracing::info!("{} is in the settings no more: what was begun on it is undone first", member.vitals.name);
        }
        let common = &self.common;
        let leaving = join_all(gone.into_iter().map(|member| member.remove(common)));
        let passing = join_all(anew.into_iter().map(|member| member.make_way(common)));
        tokio::join!(leaving, passing);
        let mut begun = Ok(());
        let mut members = Vec::new();
        for (index, each) in wanted.inverters.iter().enumerate() {
            let was =
                kept.iter().position(|(was, ..)| now.inverters.get(*was).is_some_and(|was| alike::is_same(was, each)));
            if let Some(at) = was {
                let (_, mut member, is_told_anew) = kept.swap_remove(at);
                member.sit(&self.common, index, each);
                if is_told_anew {
                    member.publish_anew(&self.common, &wanted, index, session.as_ref()).await;
                }
                members.push(member);
                continue;
            }
            match Member::start(&mut self.common, &wanted, index, each, session.as_ref()) {
                Ok(member) => members.push(member),
                // It was tried above, so that this is rare.
                Err(error) => {
                    self.settings.inverters.retain(|other| !alike::is_same(other, each));
                    begun = Err(error.context(format!("{} cannot be polled", name(each))));
                }
            }
        }
        self.members = members;
        self.settle(&now, is_other_list).await;
        self.show(&now, waiting);
        begun
    }

    /// Begins anew what sees all inverters, where it sees others now.
    async fn settle(&mut self, now: &Settings, is_other_list: bool) {
        self.list();
        if is_other_list {
            tokio::join!(self.sharing.end(), self.remembering.end(), self.feeding.end(), self.web.end());
            self.begin_rounds();
        } else if !alike::serves(now, &self.settings) {
            tokio::join!(self.feeding.end(), self.web.end());
            self.feed();
            self.serve();
        }
        let is_told_otherwise = is_other_list || !alike::tells((now, 0), (&self.settings, 0));
        if is_told_otherwise && let Some(departed) = &mut self.departed {
            departed.end().await;
            if let Err(error) = self.take_back_departed() {
                tracing::error!("{error:#}");
            }
        }
        if is_other_list && let Some(left) = &mut self.left {
            left.end().await;
            if let Err(error) = self.undo_left() {
                tracing::error!("{error:#}");
            }
        }
    }

    /// Says what is in force now.
    fn show(&mut self, now: &Settings, waiting: Vec<String>) {
        let mut shown = InForce::of(&self.settings);
        for waits in &waiting {
            if !self.common.in_force.borrow().waiting.contains(waits) {
                tracing::warn!("{waits}");
            }
        }
        if !alike::tells((now, 0), (&self.settings, 0)) {
            commands::warn_of_open_broker(&self.settings);
        }
        shown.waiting = waiting;
        let names: Vec<&str> = self.members.iter().map(|member| member.vitals.name.as_str()).collect();
        let changed = alike::changed(now, &self.settings);
        let changed = if changed.is_empty() { String::new() } else { format!("; changed: {}", changed.join(", ")) };
        let every = self.settings.poll.every;
        tracing::info!("the settings are in force: {} every {every:?}{changed}", names.join(", "));
        self.common.in_force.send_replace(shown);
    }

    /// What of these settings would be in force.
    pub(super) fn possible(&self, wanted: &Settings) -> Settings {
        let mut wanted = wanted.clone();
        alike::hold_back(&self.settings, &mut wanted);
        wanted
    }

    /// Shows what is wrong with settings, which are not in force therefore; those before are, and nothing else changes.
    pub fn refuse(&self, faults: Vec<ShownFault>) {
        self.common.in_force.send_if_modified(|shown| {
            let is_new = shown.faults != faults;
            if is_new {
                for fault in &faults {
                    tracing::error!("{}", fault.message);
                }
                if !faults.is_empty() {
                    tracing::warn!("the settings are not taken: those before stay in force until this is mended");
                }
                shown.faults = faults;
            }
            is_new
        });
    }

    /// The settings that are in force.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// What becomes of the inverter at this index of the settings of now.
fn becomes(now: &Settings, index: usize, wanted: &Settings) -> Becomes {
    let Some(old) = now.inverters.get(index) else { return Becomes::Gone };
    let found = wanted.inverters.iter().enumerate().find(|(_, each)| alike::is_same(old, each));
    let Some((place, each)): Option<(usize, &InverterSettings)> = found else { return Becomes::Gone };
    if !alike::polls((now, old), (wanted, each)) {
        Becomes::Anew
    } else if !alike::tells((now, index), (wanted, place)) {
        Becomes::ToldAnew
    } else {
        Becomes::Same
    }
}
