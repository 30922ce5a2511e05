use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::client::write;
use super::*;
use crate::fleet::Standing;
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

const SOON: Duration = Duration::from_secs(10);
const QUICK: Pace = Pace {
    every: Duration::from_millis(10),
    within: Duration::from_millis(200),
    first_rest: Duration::from_millis(10),
    longest_rest: Duration::from_millis(40),
};

/// How a server answers a write.
#[derive(Clone, Copy, Debug)]
enum Face {
    Hangs,
    Answers(u16),
    /// It is busy for so many seconds.
    IsBusyFor(u64),
}

/// A server in InfluxDB's place: it answers with its faces one after the other, and then takes all but bad lines.
#[derive(Clone, Default)]
struct Server {
    faces: Arc<Mutex<VecDeque<Face>>>,
    taken: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn with(faces: &[Face]) -> Self {
        let server = Self::default();
        server.faces.lock().unwrap().extend(faces);
        server
    }

    fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let server = self.clone();
        let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let server = server.clone();
            async move { server.answer(&uri, &headers, &body).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() })
    }

    async fn answer(&self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
        let token = headers["authorization"].to_str().unwrap();
        self.asked.lock().unwrap().push(format!("{uri} {token}"));
        let face = self.faces.lock().unwrap().pop_front();
        let text = String::from_utf8(body.to_vec()).unwrap();
        match face {
            Some(Face::Hangs) => std::future::pending().await,
            Some(Face::Answers(status)) => {
                let said = r#"{"code":"unauthorized","message":"t0ken is wrong"}"#;
                (StatusCode::from_u16(status).unwrap(), said).into_response()
            }
            Some(Face::IsBusyFor(seconds)) => {
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
            }
            None if text.contains("soc=13,") => (StatusCode::BAD_REQUEST, "{}").into_response(),
            None if text.lines().count() > 100 => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            None => {
                self.taken.lock().unwrap().extend(text.lines().map(str::to_owned));
                StatusCode::NO_CONTENT.into_response()
            }
        }
    }

    /// The times of the lines that it has taken, as soon as they are so many.
    async fn times(&self, count: usize) -> Vec<i64> {
        let arrived = async {
            while self.taken.lock().unwrap().len() < count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = timeout(SOON, arrived).await;
        let taken = self.taken.lock().unwrap().clone();
        in_time.unwrap_or_else(|_| panic!("only {} lines came", taken.len()));
        taken.iter().map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
    }
}

/// What is read, and the task that sends it.
struct House {
    read: Snapshot,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    hold: watch::Sender<Hold>,
    counters: Arc<InfluxCounters>,
    shutdown: CancellationToken,
    keeping: JoinHandle<()>,
}

impl House {
    fn new(at: SocketAddr, directory: &TempDir) -> Self {
        let token = SecretString::from("t0ken");
        let target = Target::new(&format!("http://{at}"), "home", "solar", token, None).unwrap();
        let influx = Influx { pace: QUICK, ..Influx::new(target, directory.path().to_owned()) };
        let counters = influx.counters();
        let hold = watch::Sender::new(Hold { standing: Standing::Holding, ..Hold::default() });
        let (snapshots, shutdown) = (watch::Sender::new(None), CancellationToken::new());
        let role: RoleOf = Arc::new(|_| Role::Whole);
        let source = Source { snapshots: snapshots.subscribe(), hold: hold.subscribe(), role };
        let keeping = tokio::spawn(influx.keep(vec![source], shutdown.clone()));
        Self { read: snapshot(&plant_of(&hybrid())), snapshots, hold, counters, shutdown, keeping }
    }

    /// A poll at this second, with this state of charge.
    async fn polls(&mut self, second: i64, soc: i64) {
        self.read.stats.last_updated = Some(Timestamp::from_second(second).unwrap());
        self.read.power.soc = Some(soc);
        self.snapshots.send_replace(Some(Arc::new(self.read.clone())));
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    async fn stops(self) -> InfluxCounts {
        self.shutdown.cancel();
        timeout(SOON, self.keeping).await.expect("it ends").unwrap();
        self.counters.snapshot()
    }
}

async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn whatever_a_server_does_first_everything_arrives_once_and_in_order() {
    let (at, directory) = (free().await, tempfile::tempdir().unwrap());
    let mut house = House::new(at, &directory);
    for second in 0..20 {
        house.polls(1000 + second, 50).await;
    }
    // The same poll told twice is one, and what another process has is told by that.
    house.polls(1019, 51).await;
    house.hold.send_modify(|hold| hold.standing = Standing::Waiting);
    house.polls(1500, 50).await;
    house.hold.send_modify(|hold| hold.standing = Standing::Holding);
    // Nobody listens.
    while house.counters.snapshot().failures < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let server =
        Server::with(&[Face::Hangs, Face::Answers(401), Face::Answers(503), Face::Answers(404), Face::Answers(500)]);
    let serving = server.serve(TcpListener::bind(at).await.unwrap());
    let times = server.times(20).await;
    assert_eq!(times, (1000..1020).collect::<Vec<_>>());
    // One that it does not take costs no other.
    for (second, soc) in [(2000, 50), (2001, 13), (2002, 50)] {
        house.polls(second, soc).await;
    }
    let times = server.times(22).await;
    assert_eq!(times[20..], [2000, 2002]);
    let asked = server.asked.lock().unwrap()[0].clone();
    assert_eq!(asked, "/api/v2/write?org=home&bucket=solar&precision=s Token t0ken");
    let counts = house.stops().await;
    assert_eq!((counts.written, counts.rejected, counts.dropped), (22, 1, 0));
    assert!(counts.failures >= 7, "{counts:?}");
    serving.abort();
}

#[tokio::test]
async fn what_was_too_long_for_a_while_is_sent_in_ever_larger_parts_again() {
    let (at, directory) = (free().await, tempfile::tempdir().unwrap());
    let mut house = House::new(at, &directory);
    for second in 0..200 {
        house.polls(1000 + second, 50).await;
    }
    let server = Server::with(&[Face::Answers(413); 12]);
    let serving = server.serve(TcpListener::bind(at).await.unwrap());
    assert_eq!(server.times(200).await, (1000..1200).collect::<Vec<_>>());
    let asked = server.asked.lock().unwrap().len();
    assert!(asked < 40, "{asked} requests");
    assert_eq!(house.stops().await.rejected, 0);
    serving.abort();
}

#[tokio::test]
async fn a_server_that_is_busy_is_left_alone_for_as_long_as_it_asks() {
    let (at, directory) = (free().await, tempfile::tempdir().unwrap());
    let mut house = House::new(at, &directory);
    let server = Server::with(&[Face::IsBusyFor(1)]);
    let serving = server.serve(TcpListener::bind(at).await.unwrap());
    house.polls(1000, 50).await;
    while house.counters.snapshot().failures == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    assert_eq!(server.times(1).await, [1000]);
    assert!(begun.elapsed() > Duration::from_millis(950), "{:?}", begun.elapsed());
    assert_eq!((house.stops().await.failures, server.asked.lock().unwrap().len()), (1, 2));
    serving.abort();
}

#[tokio::test]
async fn what_could_not_be_sent_waits_on_the_disk_for_the_next_run() {
    let (at, directory) = (free().await, tempfile::tempdir().unwrap());
    let mut house = House::new(at, &directory);
    for second in 0..150 {
        house.polls(1000 + second, 50).await;
    }
    assert_eq!(house.stops().await.written, 0);
    let mut house = House::new(at, &directory);
    for second in 150..160 {
        house.polls(1000 + second, 50).await;
    }
    let server = Server::default();
    let serving = server.serve(TcpListener::bind(at).await.unwrap());
    // More than a hundred lines at a time are too many for it.
    assert_eq!(server.times(160).await, (1000..1160).collect::<Vec<_>>());
    house.stops().await;
    assert_eq!(std::fs::read_dir(directory.path().join("influx")).unwrap().count(), 0);
    serving.abort();
}

#[tokio::test]
async fn what_is_on_its_way_when_the_program_stops_is_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = Server::with(&[Face::Hangs]);
    let serving = server.serve(listener);
    let mut house = House::new(at, &directory);
    house.polls(1000, 50).await;
    while server.asked.lock().unwrap().is_empty() {
        sleep(Duration::from_millis(2)).await;
    }
    house.stops().await;
    let house = House::new(at, &directory);
    assert_eq!(server.times(1).await, [1000]);
    house.stops().await;
    serving.abort();
}

#[tokio::test]
async fn tls_is_spoken_and_an_unknown_authority_is_refused() {
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut heard = vec![0; 4096];
            _ = stream.read(&mut heard).await;
            _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for (name, text, is_known) in [("ca.pem", made.cert.pem(), true), ("other.pem", other.cert.pem(), false)] {
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        let target = Target::new(&url, "home", "solar", SecretString::from("t0ken"), Some(&file)).unwrap();
        let written = write(&target, "a b=1 1\n".to_owned(), SOON).await;
        assert_eq!(written.is_ok(), is_known, "{written:?}");
    }
    serving.abort();
}
