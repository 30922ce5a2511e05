use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::{Found, Otherwise, Plan, Verdict, verdict};
use crate::frame::{Bank, BlockKey};
use crate::inverter::link_resource;
use crate::link::{self, Counters, Kind, Patience};
use crate::lock::{LockManager, Owner};
use crate::plant::INVERTER;

/// So many addresses are asked at a time.
const AT_ONCE: usize = 64;
/// Whoever is there opens within this, a first packet that gets lost included.
const OPENING: Duration = Duration::from_secs(2);
/// So long a connection has to say goodbye.
const CLOSING: Duration = Duration::from_millis(500);

/// How it is searched.
#[derive(Clone, Debug)]
pub struct Search {
    /// The port that is knocked at; a dongle's is 8899.
    pub port: u16,
    /// What is spoken there.
    pub kind: Kind,
    /// How long one request waits for its reply.
    pub timeout: Duration,
    /// Locks that keep others off what is being asked.
    pub locks: Arc<dyn LockManager>,
}

/// Everybody who answers, in the order of addresses. Takes two seconds for 64 addresses at which nobody is.
pub async fn search(plan: &Plan, search: &Search) -> Vec<Found> {
    let owner = Owner::new("the search for inverters");
    let asking = plan.addresses().into_iter().map(|address| {
        let at = SocketAddr::new(IpAddr::V4(address), search.port);
        look(at, search, &owner)
    });
    let mut found: Vec<Found> =
        stream::iter(asking).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    found.sort_by_key(|found| found.at);
    found
}

/// Who is at this address; `None` where nobody opens.
async fn look(at: SocketAddr, search: &Search, owner: &Owner) -> Option<Found> {
    let resource = link_resource(&at.to_string());
    // Who has it is not disturbed: dongles have few connections.
    if let Ok(Some(holder)) = search.locks.holder(&resource).await {
        return Some(Found { at, verdict: Verdict::Taken { by: holder.to_string() } });
    }
    let knocked = link::knock(at, OPENING).await?;
    // Most addresses have nobody, and each lease leaves a file behind: it is taken of those that open.
    let verdict = match search.locks.acquire(&resource, owner, Some(Duration::ZERO)).await {
        Ok(_lease) => ask(&knocked, search).await,
        Err(error) => Verdict::Taken { by: format!("another program ({error})") },
    };
    Some(Found { at, verdict })
}

async fn ask(knocked: &link::Knocked, search: &Search) -> Verdict {
    let (counters, options) =
        (Arc::<Counters>::default(), link::Options { seed: fastrand::u64(..), ..Default::default() });
    let Ok(mut connection) = link::open(knocked, None, search.kind, &options, &counters).await else {
        return Verdict::NoInverter(Otherwise::Closes);
    };
    let key = BlockKey::new(INVERTER, Bank::Holding, 0, 60);
    let patience = Patience { deadline: search.timeout, retries: 2, pause: Duration::from_millis(500) };
    let answer = connection.reader.read(key, patience).await;
    connection.close(CLOSING).await;
    let counts = counters.snapshot();
    verdict(answer.as_ref(), counts.resyncs + counts.unknown > 0 && counts.replies == 0)
}
