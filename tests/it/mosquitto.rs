//! A real Mosquitto for a test: its own process, port and files, gone with the value; and `mosquitto_sub` to see what
//! arrives there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How a broker is set up.
#[derive(Clone, Default)]
pub struct Options {
    /// User and password that it asks for; anyone may connect without.
    pub password: Option<(&'static str, &'static str)>,
    /// Speak TLS with the certificates of [`Mosquitto::certificates`].
    pub tls: bool,
    /// Ask for a client certificate; with `tls`.
    pub client_certificate: bool,
    /// Lines of an access list.
    pub acl: Option<&'static str>,
    /// Further lines of its configuration.
    pub more: &'static str,
}

/// A running broker.
pub struct Mosquitto {
    dir: tempfile::TempDir,
    port: u16,
    options: Options,
    child: Child,
}

/// Files of a made-up authority.
pub struct Certificates {
    /// The authority that signed the others.
    pub ca: PathBuf,
    /// The client's certificate.
    pub client: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
}

impl Mosquitto {
    /// A broker that lets everyone in.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A broker with options.
    pub async fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if options.tls {
            make_certificates(dir.path());
        }
        for _ in 0..5 {
            let port = free_port().await;
            configure(dir.path(), port, &options).await;
            if let Some(child) = spawn(dir.path(), port).await {
                return Self { dir, port, options, child };
            }
        }
        panic!("mosquitto does not start: {}", std::fs::read_to_string(dir.path().join("log")).unwrap_or_default());
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The files of its authority; with `tls`.
    pub fn certificates(&self) -> Certificates {
        let file = |name| self.dir.path().join(name);
        Certificates { ca: file("ca.pem"), client: file("client.pem"), client_key: file("client.key") }
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same port; it remembers nothing.
    pub async fn start_again(&mut self) {
        self.start_again_with(self.options.clone()).await;
    }

    /// Starts it again on the same port with other options.
    pub async fn start_again_with(&mut self, options: Options) {
        self.options = options;
        configure(self.dir.path(), self.port, &self.options).await;
        self.child = spawn(self.dir.path(), self.port).await.expect("mosquitto starts again");
    }

    /// Stops its process where it is, until [`Self::thaw`].
    pub async fn freeze(&self) {
        self.signal("-STOP").await;
    }

    /// Lets a frozen process go on.
    pub async fn thaw(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("mosquitto runs").to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    /// Publishes with `mosquitto_pub`, MQTT 5, as the arguments say.
    pub async fn publish(&self, topic: &str, payload: &str, more: &[&str]) {
        let port = self.port.to_string();
        let mut command = Command::new("mosquitto_pub");
        command.args(["-V", "5", "-h", "localhost", "-p", &port, "-t", topic, "-m", payload]).args(more);
        assert!(command.status().await.expect("mosquitto_pub is installed").success());
    }

    /// A `mosquitto_pub` that publishes each line it is given.
    pub fn publisher(&self, topic: &str) -> Child {
        Command::new("mosquitto_pub")
            .args(["-h", "localhost", "-p", &self.port.to_string(), "-t", topic, "-l"])
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("mosquitto_pub is installed")
    }

    /// Subscribes to everything there is, and to all that comes.
    pub async fn observe(&self) -> Observer {
        // Its lines would wait in a buffer.
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "mosquitto_sub"]);
        // MQTT 3.1.1, since mosquitto_sub 2.0 ends with a protocol error when it gets much at quality of service 2 with 5.
        command.args(["-h", "localhost", "-p", &self.port.to_string(), "-V", "311", "-q", "2", "-t", "#"]);
        command.args(["-d", "-F", "=%r %q %t %p"]);
        if let Some((user, password)) = self.options.password {
            command.args(["-u", user, "-P", password]);
        }
        if self.options.tls {
            let files = self.certificates();
            command.arg("--cafile").arg(files.ca).arg("--cert").arg(files.client).arg("--key").arg(files.client_key);
        }
        Observer::start(command).await
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn configure(dir: &Path, port: u16, options: &Options) {
    let path = |name: &str| dir.join(name).display().to_string();
    // Started by root it would become another user, who cannot read the directory.
    let mut text = format!("user root\nlistener {port} 127.0.0.1\npersistence false\nmax_queued_messages 0\n");
    match options.password {
        Some((user, password)) => {
            let file = path("passwords");
            let made = Command::new("mosquitto_passwd").args(["-b", "-c", &file, user, password]).output().await;
            assert!(made.expect("mosquitto_passwd is installed").status.success());
            writeln!(text, "allow_anonymous false\npassword_file {file}").unwrap();
        }
        None => text.push_str("allow_anonymous true\n"),
    }
    text.push_str(options.more);
    if let Some(acl) = options.acl {
        std::fs::write(dir.join("acl"), acl).unwrap();
        writeln!(text, "acl_file {}", path("acl")).unwrap();
    }
    if options.tls {
        writeln!(text, "cafile {}\ncertfile {}\nkeyfile {}", path("ca.pem"), path("server.pem"), path("server.key"))
            .unwrap();
        writeln!(text, "require_certificate {}", options.client_certificate).unwrap();
    }
    std::fs::write(dir.join("conf"), text).unwrap();
}

/// None if it ended at once, as it does when its port was taken.
async fn spawn(dir: &Path, port: u16) -> Option<Child> {
    let program =
        ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].into_iter().find(|path| Path::new(path).exists());
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let mut child = Command::new(program.unwrap_or("mosquitto"))
        .arg("-c")
        .arg(dir.join("conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("mosquitto is installed (apt-get install mosquitto mosquitto-clients)");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some(child);
        }
        sleep(Duration::from_millis(10)).await;
    }
    None
}

fn make_certificates(dir: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "the test's authority");
    let ca = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    std::fs::write(dir.join("ca.pem"), ca.pem()).unwrap();
    for (name, names) in [("server", vec!["localhost".to_owned(), "127.0.0.1".to_owned()]), ("client", Vec::new())] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let signed = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(dir.join(format!("{name}.pem")), signed.pem()).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// One message as it arrived.
#[derive(Clone, Debug)]
pub struct Message {
    /// Whether the broker had kept it from before.
    pub stale: bool,
    /// Its quality of service.
    pub qos: u8,
    pub topic: String,
    pub payload: String,
    pub at: Instant,
}

/// What `mosquitto_sub` shows.
pub struct Observer {
    messages: Arc<Mutex<Vec<Message>>>,
    _child: Child,
}

impl Observer {
    async fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("mosquitto_sub is installed (apt-get install mosquitto-clients)");
        let messages = Arc::<Mutex<Vec<Message>>>::default();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let subscribed = async {
            while !lines.next_line().await.unwrap().expect("mosquitto_sub connects").starts_with("Subscribed") {}
        };
        timeout(Duration::from_secs(10), subscribed).await.expect("mosquitto_sub subscribes");
        tokio::spawn(collect(lines, Arc::clone(&messages)));
        Self { messages, _child: child }
    }

    /// All that arrived until now.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that arrived since `begin` messages had, as `topic payload`.
    pub fn since(&self, begin: usize) -> Vec<String> {
        self.messages().iter().skip(begin).map(|message| format!("{} {}", message.topic, message.payload)).collect()
    }

    /// The last payload of each topic; a topic with an empty one is gone.
    pub fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        for message in self.messages() {
            if message.payload.is_empty() {
                state.remove(&message.topic);
            } else {
                state.insert(message.topic, message.payload);
            }
        }
        state
    }

    /// Waits until a topic holds a payload.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn wait_for(&self, topic: &str, payload: &str, within: Duration) {
        self.wait_until(within, &format!("{topic} is {payload:?}"), |observer| {
            observer
                .messages()
                .iter()
                .rev()
                .find(|message| message.topic == topic)
                .is_some_and(|m| m.payload == payload)
        })
        .await;
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn wait_until(&self, within: Duration, what: &str, so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !so(self) {
            let newest = || self.since(self.messages().len().saturating_sub(10));
            assert!(begun.elapsed() < within, "not within {within:?}: {what}; the newest are {:#?}", newest());
            sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn collect(
    mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    messages: Arc<Mutex<Vec<Message>>>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let Some(line) = line.strip_prefix('=') else { continue };
        let mut parts = line.splitn(4, ' ');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (stale, qos) = (part() == "1", part().parse().unwrap_or_default());
        let message = Message { stale, qos, topic: part(), payload: part(), at: Instant::now() };
        messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}
