//! The program itself, as its users start it: a process with a settings file and a directory of its own, gone with the
//! value.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

const BINARY: &str = env!("CARGO_BIN_EXE_givtcp");

/// Settings as a test wants them: small times, and one line an inverter.
#[derive(Clone)]
pub struct Settings {
    /// The items of `inverters`.
    pub inverters: Vec<String>,
    /// What stands below `poll`.
    pub poll: &'static str,
    /// What stands below `link`.
    pub link: &'static str,
    /// What stands below `mqtt`.
    pub mqtt: String,
    /// What stands below `locks`.
    pub locks: &'static str,
    /// What stands below `redis`.
    pub redis: String,
    /// What stands below `http`. Where it listens is a port of its own on 127.0.0.1; the log says which.
    pub http: String,
    /// What stands below `control`.
    pub control: &'static str,
    /// Which entities Home Assistant is told of.
    pub entities: &'static str,
    /// The log's level.
    pub log: &'static str,
}

impl Settings {
    /// For a broker on 127.0.0.1.
    pub fn new(broker: u16) -> Self {
        Self {
            inverters: Vec::new(),
            poll: "every: 5s",
            link: "gap: 20ms, jitter: 0s, timeout: 500ms, connect_timeout: 1s, backoff_max: 1s",
            mqtt: format!("host: 127.0.0.1, port: {broker}"),
            locks: "backend: auto",
            redis: String::new(),
            http: String::new(),
            control: "enabled: true",
            entities: "native",
            log: "info",
        }
    }

    /// With one more dongle on 127.0.0.1.
    pub fn dongle(mut self, port: u16) -> Self {
        self.inverters.push(format!("host: 127.0.0.1, port: {port}"));
        self
    }

    /// As a file has it.
    pub fn text(&self) -> String {
        let inverters: Vec<String> = self.inverters.iter().map(|each| format!("  - {{ {each} }}\n")).collect();
        let inverters = inverters.concat();
        let Self { poll, link, mqtt, locks, redis, http, control, entities, log, .. } = self;
        format!(
            "inverters:\n{inverters}poll: {{ {poll} }}\nlink: {{ {link} }}\nmqtt: {{ {mqtt} }}\nlocks: {{ {locks} }}\n\
             redis: {{ {redis} }}\nhttp: {{ {http} }}\ncontrol: {{ {control} }}\n\
             homeassistant: {{ entities: \"{entities}\" }}\nlog: {{ level: \"{log}\", repeats: true, serials: true }}\n"
        )
    }
}

/// A running process of the program.
pub struct Program {
    child: Child,
    dir: Arc<tempfile::TempDir>,
    begun: Instant,
    log: Lines,
    said: Lines,
}

/// What a process wrote so far.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let all = Self::default();
        let kept = all.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                kept.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        all
    }

    fn get(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The command, in an environment that holds nothing of the machine's.
fn command(dir: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir.path())
        .env("TMPDIR", dir.path())
        .env("TZ", "Europe/London")
        .env("GIVTCP_DATA_DIR", dir.path().join("data"))
        .env("GIVTCP_HTTP__LISTEN", "127.0.0.1:0")
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the program to its end, with these files beside it.
pub async fn once(files: &[(&str, &str)], args: &[&str], within: Duration) -> Output {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    timeout(within, command(&dir, args).output()).await.expect("it ends in time").unwrap()
}

/// Runs the program to its end in the directory of another one.
pub async fn once_in(dir: &tempfile::TempDir, args: &[&str], within: Duration) -> Output {
    timeout(within, command(dir, args).output()).await.expect("it ends in time").unwrap()
}

impl Program {
    /// `givtcp run` with these settings.
    pub fn run(settings: &Settings) -> Self {
        Self::run_in(Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    /// The same in the directory of another one that has ended.
    pub fn run_in(dir: Arc<tempfile::TempDir>, settings: &Settings) -> Self {
        std::fs::write(dir.path().join("givtcp.yaml"), settings.text()).unwrap();
        Self::spawn(dir, &["run", "--config", "givtcp.yaml"])
    }

    /// As [`Program::run`], once `prepare` has put into the data directory what is to lie there.
    pub fn run_with(settings: &Settings, prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("givtcp.yaml"), settings.text()).unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        prepare(&data);
        Self::spawn(Arc::new(dir), &["run", "--config", "givtcp.yaml"])
    }

    /// `givtcp` with these arguments.
    pub fn start(args: &[&str]) -> Self {
        Self::spawn(Arc::new(tempfile::tempdir().unwrap()), args)
    }

    /// A second `givtcp run` with the same settings and directories.
    pub fn another(&self) -> Self {
        Self::spawn(Arc::clone(&self.dir), &["run", "--config", "givtcp.yaml"])
    }

    /// As [`Program::run_in`], with more in its environment.
    pub fn run_told(dir: Arc<tempfile::TempDir>, settings: &Settings, told: &[(&str, String)]) -> Self {
        std::fs::write(dir.path().join("givtcp.yaml"), settings.text()).unwrap();
        Self::spawn_told(dir, &["run", "--config", "givtcp.yaml"], told)
    }

    /// `givtcp` with these arguments, in this directory, with more in its environment.
    pub fn start_told(dir: Arc<tempfile::TempDir>, args: &[&str], told: &[(&str, String)]) -> Self {
        Self::spawn_told(dir, args, told)
    }

    fn spawn(dir: Arc<tempfile::TempDir>, args: &[&str]) -> Self {
        Self::spawn_told(dir, args, &[])
    }

    fn spawn_told(dir: Arc<tempfile::TempDir>, args: &[&str], told: &[(&str, String)]) -> Self {
        let begun = Instant::now();
        let mut child = command(&dir, args).envs(told.iter().cloned()).spawn().unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        let said = Lines::of(child.stdout.take().unwrap());
        Self { child, dir, begun, log, said }
    }

    /// Runs the program once more, in the same environment and directories, to its end.
    pub async fn beside(&self, args: &[&str], within: Duration) -> Output {
        timeout(within, command(&self.dir, args).output()).await.expect("it ends in time").unwrap()
    }

    /// As [`Program::beside`], with more in its environment.
    pub async fn beside_told(&self, args: &[&str], told: &[(&str, String)], within: Duration) -> Output {
        let mut command = command(&self.dir, args);
        timeout(within, command.envs(told.iter().cloned()).output()).await.expect("it ends in time").unwrap()
    }

    /// How long ago it was started.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What it logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.get()
    }

    /// Those lines of the log that hold `part`.
    pub fn log_with(&self, part: &str) -> Vec<String> {
        self.log().into_iter().filter(|line| line.contains(part)).collect()
    }

    /// Warnings and errors that it logged so far.
    pub fn complaints(&self) -> Vec<String> {
        self.log().into_iter().filter(|line| line.contains(" WARN ") || line.contains("ERROR")).collect()
    }

    /// Waits for a line on standard output that holds `part`.
    pub async fn says(&self, part: &str, within: Duration) -> String {
        self.line(&self.said, part, within).await
    }

    /// Waits for a line in the log that holds `part`.
    pub async fn logs(&self, part: &str, within: Duration) -> String {
        self.line(&self.log, part, within).await
    }

    async fn line(&self, lines: &Lines, part: &str, within: Duration) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = lines.get().into_iter().find(|line| line.contains(part)) {
                return line;
            }
            assert!(begun.elapsed() < within, "no {part:?} within {within:?}: {:#?} {:#?}", lines.get(), self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends it a signal, by name.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
    }

    /// Waits for its end.
    pub async fn ends(&mut self, within: Duration) -> ExitStatus {
        let ended = timeout(within, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it goes on after {within:?}: {:#?}", self.log())).unwrap()
    }

    /// Sends a signal and asserts that it ends as it should: with 0, within 2 s.
    pub async fn stops_on(&mut self, signal: &str) -> Duration {
        let begun = Instant::now();
        self.signal(signal).await;
        let status = self.ends(Duration::from_secs(2)).await;
        let took = begun.elapsed();
        assert_eq!(status.code(), Some(0), "{:#?}", self.log());
        assert!(self.log_with("panicked").is_empty(), "{:#?}", self.log());
        took
    }

    /// The number of its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// What it keeps across restarts, by its name below the data directory.
    pub fn kept(&self, name: &str) -> Option<givtcp::plant::Memory> {
        let store = givtcp::store::Store::open(self.data()).unwrap();
        store.load(name).unwrap()
    }

    /// Its directory, for another one.
    pub fn directory(self) -> Arc<tempfile::TempDir> {
        self.dir
    }

    /// What lies in its directory for temporary files.
    pub fn left_behind(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}
