//! From snapshots to the broker: one session an inverter, named by its serial.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::announcer::Announcer;
use super::roles::Roles;
use super::succession::Succession;
use super::{Snapshots, Taken};
use crate::catalogue::{self, Layout, Leaf, Smoother, Tree};
use crate::frame::Serial;
use crate::mqtt::{self, SessionSettings};
use crate::settings::{InForce, Smoothing};

/// Where it is told what is wrong with settings that are not in force.
const FAULTS: &str = "Settings/Faults";
/// Topics that are taken back at the broker, once a session.
type LeftOut = Arc<[Arc<str>]>;
/// So long it takes at most until the broker has what Home Assistant is to forget.
const FORGETTING: Duration = Duration::from_millis(800);

/// What the session publishes now.
type Newest = Option<Arc<Tree>>;

/// What is published of one inverter, and what it takes to say so.
pub(super) struct Source {
    /// Its place in the settings.
    pub place: usize,
    pub snapshots: Snapshots,
    /// Whether the registers are published too.
    pub raw: bool,
    pub smoothing: Smoothing,
    pub taken: Taken,
    pub roles: Roles,
    pub succession: Succession,
    /// What Home Assistant is told of it.
    pub announcer: Announcer,
    /// What is wrong with settings that are not in force.
    pub in_force: watch::Receiver<InForce>,
    /// Cancelled where Home Assistant is to forget it, and it is published no more.
    pub withdrawn: CancellationToken,
}

/// Publishes one inverter's snapshots until `shutdown`: in a session for as long as this process has the inverter. At
/// its end it is `offline`, unless another process goes on.
pub(super) async fn run(mut source: Source, settings: SessionSettings, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let (trees, newest) = watch::channel(None);
        let ending = CancellationToken::new();
        let session = mqtt::run(settings.clone(), newest, ending.clone());
        let following = async {
            let withdrawn = source.withdrawn.clone();
            let following = withdrawn.run_until_cancelled(follow(&mut source, &trees));
            let followed = shutdown.run_until_cancelled(following).await.flatten();
            if withdrawn.is_cancelled() {
                withdraw(&mut source, &trees).await;
                shutdown.cancelled().await;
            }
            if let Some(Followed::ToTheEnd) = followed {
                say_offline(&trees);
                shutdown.cancelled().await;
            }
            if trees.borrow().is_some() && source.succession.has_come().await {
                trees.send_replace(None);
            }
            // The session says goodbye; it ends when it has, or when there is nobody to say it to.
            ending.cancel();
        };
        tokio::join!(session, following);
    }
}

/// Home Assistant forgets an inverter that the settings name no more.
async fn withdraw(source: &mut Source, trees: &watch::Sender<Newest>) {
    let notices = source.announcer.withdraw().await;
    trees.send_if_modified(|newest| match newest {
        Some(tree) => {
            let tree = Arc::make_mut(tree);
            (tree.online, tree.notices) = (false, notices);
            tree.leaves.retain(|leaf| *leaf.path != *FAULTS);
            true
        }
        None => false,
    });
    tokio::time::sleep(FORGETTING).await;
}

/// How following an inverter ended.
enum Followed {
    /// It is not this process' any more.
    Left,
    /// Its task has ended.
    ToTheEnd,
}

async fn follow(source: &mut Source, trees: &watch::Sender<Newest>) -> Followed {
    let Source { place, snapshots, raw, smoothing, taken, roles, announcer, in_force, .. } = source;
    let faults: Arc<str> = FAULTS.into();
    let place = *place;
    let mut layout = Layout::new(*raw);
    let mut smoother = Smoother::new(*smoothing);
    let mut refused = None;
    let mut said = None;
    let mut left_out = None;
    let mut changes = roles.changes();
    loop {
        tokio::select! {
            biased;
            changed = snapshots.changed() => if changed.is_err() { return Followed::ToTheEnd },
            Ok(()) = changes.changed() => {}
            () = announcer.changed() => {}
            Ok(()) = in_force.changed() => {}
        }
        let newest = snapshots.borrow_and_update().clone();
        let Some(snapshot) = newest else {
            if trees.borrow().is_some() {
                return Followed::Left;
            }
            continue;
        };
        let serial = snapshot.identity.serial;
        if take(serial, place, taken) {
            refused = None;
            roles.learn(place, &snapshot);
            let leader = roles.leader(place, serial);
            if said != leader {
                say_led(roles, place, serial, leader);
                said = leader;
            }
            let role = roles.of(place, serial);
            let mut tree = layout.tree_as(role, &snapshot);
            if let Some(at) = snapshot.stats.last_updated {
                smoother.smooth(&mut tree, at, snapshot.stats.cycles);
            }
            let led_by = roles.controller_of(place)(serial);
            announcer.announce(&layout, &snapshot, role, led_by, &mut tree).await;
            tree.left_out = and(&mut left_out, &tree.left_out, &faults);
            if let Some(text) = in_force.borrow_and_update().faults_as_json() {
                tree.leaves.push(Leaf { path: Arc::clone(&faults), payload: catalogue::Payload::Text(text.into()) });
            }
            trees.send_replace(Some(Arc::new(tree)));
        } else if refused != Some(serial) {
            refused = Some(serial);
            say_offline(trees);
            tracing::error!(
                "{} is an inverter that another entry reaches too; it is published once, remove one: {serial}",
                roles.named(place)
            );
        }
    }
}

/// These topics and one more: what stands there may be of an earlier session. They are the same as long as the topics are.
fn and(known: &mut Option<(LeftOut, LeftOut)>, topics: &LeftOut, more: &Arc<str>) -> LeftOut {
    match known {
        Some((of, all)) if Arc::ptr_eq(of, topics) => Arc::clone(all),
        _ => {
            let all: LeftOut = topics.iter().chain([more]).cloned().collect();
            Arc::clone(&known.insert((Arc::clone(topics), all)).1)
        }
    }
}

fn say_led(roles: &Roles, place: usize, serial: Serial, leader: Option<usize>) {
    let led = roles.named(place);
    match leader.map(|leader| roles.named(leader)) {
        Some(leader) => {
            tracing::info!("{led} is led by {leader}, which has its totals; its batteries are published: {serial}");
        }
        None => tracing::info!("{led} is led by no other any more: {serial}"),
    }
}

/// What was published from here is no longer watched.
fn say_offline(trees: &watch::Sender<Newest>) {
    trees.send_if_modified(|newest| match newest {
        Some(tree) if tree.online => {
            Arc::make_mut(tree).online = false;
            true
        }
        _ => false,
    });
}

/// Whether this inverter is published from here. A place has one serial at a time: what it had before is free, so that
/// two inverters that have swapped their addresses find each their own again.
fn take(serial: Serial, place: usize, taken: &Taken) -> bool {
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    taken.retain(|known, owner| *owner != place || *known == serial);
    *taken.entry(serial).or_insert(place) == place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::announcer::Found;
    use crate::app::roles::Memory;
    use crate::homeassistant::Minutes;
    use crate::inverter::Hold;
    use crate::plant::tests::fixture::{filled_plant, hybrid, plant_of, snapshot};
    use crate::settings::{Entities, Settings};

    fn alone() -> Succession {
        let locks = Arc::new(crate::lock::LocalLockManager::new(Arc::new(crate::clock::SystemClock)));
        Succession { locks, hold: watch::channel(Hold::default()).1, members: watch::channel(1).1 }
    }

    /// Home Assistant is told nothing.
    fn silent() -> Announcer {
        let mut settings = Settings::default();
        settings.homeassistant.entities = Entities::Off;
        Announcer::new(&settings, 0, Found::default(), watch::channel(Minutes::default()).1, None)
    }

    fn sections(tree: &Tree) -> std::collections::BTreeSet<String> {
        tree.leaves.iter().map(|leaf| leaf.path.split('/').next().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn an_inverter_that_turns_out_to_be_led_takes_its_totals_back() {
        let roles = Roles::of_two(&Memory::default());
        let (sender, snapshots) = watch::channel(None);
        let (trees, mut newest) = watch::channel(None);
        let mut source = Source {
            place: 0,
            snapshots,
            raw: true,
            smoothing: Smoothing::None,
            taken: Taken::default(),
            roles: roles.clone(),
            succession: alone(),
            announcer: silent(),
            in_force: watch::channel(InForce::default()).1,
            withdrawn: CancellationToken::new(),
        };
        let following = tokio::spawn(async move { follow(&mut source, &trees).await });
        let child = snapshot(&plant_of(&hybrid()));
        let serial = child.identity.serial;
        sender.send_replace(Some(Arc::new(child)));
        let whole = newest.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        assert!(sections(&whole).is_superset(&["Power", "Energy", "Control"].map(str::to_owned).into()));
        roles.leads(1, "GW2414G001".parse().unwrap(), vec![serial], false);
        let led = newest.wait_for(|tree| tree.as_ref().is_some_and(|tree| tree.leaves.len() < whole.leaves.len()));
        let led = led.await.unwrap().clone().unwrap();
        let left = ["Battery_Details", "Stats", "raw", &serial.to_string()].map(str::to_owned);
        assert_eq!(sections(&led), left.into());
        drop(sender);
        following.await.unwrap();
    }

    #[tokio::test]
    async fn a_gateway_says_whom_it_leads() {
        let roles = Roles::of_two(&Memory::default());
        let gateway = snapshot(&plant_of(&filled_plant(0x7001, 612)));
        let child = gateway.led()[0];
        let (sender, snapshots) = watch::channel(None);
        let (trees, mut newest) = watch::channel(None);
        let taken = Taken::default();
        let (smoothing, succession) = (Smoothing::High, alone());
        let mut source = Source {
            place: 0,
            snapshots,
            raw: false,
            smoothing,
            taken,
            roles: roles.clone(),
            succession,
            announcer: silent(),
            in_force: watch::channel(InForce::default()).1,
            withdrawn: CancellationToken::new(),
        };
        let following = tokio::spawn(async move { follow(&mut source, &trees).await });
        sender.send_replace(Some(Arc::new(gateway)));
        newest.wait_for(Option::is_some).await.unwrap();
        assert!(roles.of(1, child).is_read_only());
        drop(sender);
        following.await.unwrap();
    }

    #[test]
    fn two_inverters_that_swap_addresses_are_published_again() {
        let (one, two) = ("SD2227G101".parse().unwrap(), "SD2228G101".parse().unwrap());
        let taken = Taken::default();
        assert!(take(one, 0, &taken) && take(two, 1, &taken));
        assert!(!take(two, 0, &taken), "still the other's");
        assert!(take(one, 1, &taken) && take(two, 0, &taken));
        assert!(!take(one, 0, &taken));
    }
}
