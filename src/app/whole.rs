//! The tasks that see all inverters at once. When the list of inverters changes they are begun anew, and the inverters go
//! on meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::common::Common;
use super::company::Company;
use super::member::Member;
use super::passing::{self, Taking};
use super::tasks::finish;
use super::{MINUTE, share, shelf, web};
use crate::diagnosis::{self, Diagnosis};
use crate::history::{History, Source};
use crate::influx::{self, Influx};
use crate::settings::Settings;

/// They get this long to end.
const ENDING: Duration = Duration::from_millis(1500);

/// Tasks of one kind that end together.
#[derive(Debug, Default)]
pub(super) struct Round {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Round {
    /// Begins a task of this kind; it is given what ends it.
    pub(super) fn spawn<T: Future<Output = ()> + Send + 'static>(&mut self, make: impl FnOnce(CancellationToken) -> T) {
        self.tasks.spawn(make(self.stop.clone()));
    }

    pub(super) async fn end(&mut self) {
        self.stop.cancel();
        finish(&mut self.tasks, ENDING).await;
        *self = Self::default();
    }

    /// Shares the inverters with other processes.
    pub(super) fn share(&mut self, common: &Common, settings: &Settings, members: &[Member]) {
        let (group, stop) = (common.members.subscribe(), self.stop.clone());
        let places = members.iter().map(Member::to_share).collect();
        let sharing = share::keep(places, group, stop.clone());
        let Some(redis) = common.shelf.clone() else {
            self.tasks.spawn(sharing);
            return;
        };
        let takings = members.iter().map(|each| Taking { hold: each.hold(), orders: each.orders.clone() }).collect();
        self.tasks.spawn(passing::serve(redis.clone(), takings, stop.clone()));
        let company = Company::new(redis, settings, common.store.clone(), common.members.clone(), common.alone.clone());
        self.tasks.spawn(company.keep(sharing, stop));
    }

    /// Serves them over HTTP.
    pub(super) fn serve(
        &mut self,
        common: &Common,
        settings: &Settings,
        members: &[Member],
        beside: web::Beside,
        restart: &CancellationToken,
    ) {
        let oldest = oldest(settings);
        let left = |each: &Member| Some(shelf::elsewhere(common.shelf.clone()?, each.hold(), oldest));
        let elsewhere = members.iter().map(left).collect();
        let web = web::of(common, settings, members, elsewhere, beside, restart);
        self.tasks.spawn(web::serve(web, self.stop.clone()));
    }

    /// Tells an InfluxDB of them.
    pub(super) fn feed(&mut self, common: &Common, members: &[Member], influx: Influx) {
        let sources = members.iter().map(|member| {
            let (place, roles) = (member.place, common.roles.clone());
            let role: influx::RoleOf = Arc::new(move |serial| roles.of(place, serial));
            let Source { snapshots, hold } = member.source();
            influx::Source { snapshots, hold, role }
        });
        self.spawn(|stop| influx.keep(sources.collect(), stop));
    }

    /// Keeps their history.
    pub(super) fn remember(&mut self, members: &[Member], history: Option<History>) {
        if let Some(history) = history {
            self.tasks.spawn(history.keep(members.iter().map(Member::source).collect(), self.stop.clone()));
        }
    }
}

/// What others left may be so old: three polls, or a minute.
pub(super) fn oldest(settings: &Settings) -> Duration {
    (settings.poll.every * 3).max(MINUTE)
}

/// What programs on this machine are answered from.
pub(super) fn known(members: &[Member]) -> Arc<[super::answers::Known]> {
    members.iter().map(Member::known).collect()
}

/// What is looked at to find out what is wrong.
pub(super) fn diagnosis(common: &Common, settings: &Settings, members: &[Member], since: Instant) -> Diagnosis {
    diagnosis::remember(settings);
    Diagnosis {
        settings: settings.clone(),
        inverters: members.iter().map(Member::to_diagnose).collect(),
        clock: Arc::clone(&common.clock),
        since,
    }
}
