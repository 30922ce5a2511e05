//! A real Redis for a test: its own process, port and files, gone with the value.

#![allow(dead_code, reason = "the tests beside the code use a part of it, the others another")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How a server is set up.
#[derive(Clone, Default)]
pub struct Options {
    /// The password that it asks for; anyone may come in without.
    pub password: Option<&'static str>,
    /// A line of an access list, as `user poller on >secret ~givtcp:* &givtcp:* +@all`.
    pub acl: Option<&'static str>,
    /// Speak only TLS on its port, with the certificate of [`Redis::ca`].
    pub tls: bool,
    /// Further lines of its settings.
    pub lines: &'static str,
}

/// A running server. Tests reach it by its socket too, whatever it asks for on its port.
pub struct Redis {
    dir: tempfile::TempDir,
    port: u16,
    options: Options,
    child: Child,
}

impl Redis {
    /// A server that lets everyone in and keeps nothing.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A server with options.
    pub async fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if options.tls {
            make_certificates(dir.path());
        }
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
            if let Some(child) = spawn(dir.path(), port, &options).await {
                return Self { dir, port, options, child };
            }
        }
        panic!("redis-server does not start: {}", std::fs::read_to_string(dir.path().join("log")).unwrap_or_default());
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, without a password.
    pub fn url(&self) -> String {
        if self.options.tls {
            format!("rediss://localhost:{}", self.port)
        } else {
            format!("redis://127.0.0.1:{}", self.port)
        }
    }

    /// Its address with what stands before the host, as `user:password`.
    pub fn url_as(&self, login: &str) -> String {
        self.url().replace("://", &format!("://{login}@"))
    }

    /// Its other address.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// The authority that signed its certificate; with `tls`.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same port; it remembers nothing, unless its options say so.
    pub async fn start_again(&mut self) {
        self.start_again_with(self.options.clone()).await;
    }

    /// Starts it again on the same port with other options.
    pub async fn start_again_with(&mut self, options: Options) {
        self.options = options;
        let begun = Instant::now();
        // A connection that a client has just made to the port from itself may be in the way for a moment.
        while begun.elapsed() < Duration::from_secs(5) {
            if let Some(child) = spawn(self.dir.path(), self.port, &self.options).await {
                self.child = child;
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not start again");
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
        let id = self.child.id().expect("redis-server runs").to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    /// What `redis-cli` answers.
    pub async fn cli(&self, args: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.arg("-s").arg(self.socket());
        if let Some(password) = self.options.password {
            command.args(["--no-auth-warning", "-a", password]);
        }
        let output = command.args(args).output().await.expect("redis-cli is installed (apt-get install redis-tools)");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// None if it ended at once, as it does when its port was taken.
async fn spawn(dir: &Path, port: u16, options: &Options) -> Option<Child> {
    let path = |name: &str| dir.join(name).display().to_string();
    let mut text =
        format!("bind 127.0.0.1\nunixsocket {}\nsave \"\"\nappendonly no\ndir {}\n", path("socket"), dir.display());
    let network = if options.tls {
        format!(
            "port 0\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no",
            path("server.pem"),
            path("server.key"),
            path("ca.pem")
        )
    } else {
        format!("port {port}")
    };
    writeln!(text, "{network}").unwrap();
    if let Some(password) = options.password {
        writeln!(text, "requirepass {password}").unwrap();
    }
    if let Some(acl) = options.acl {
        writeln!(text, "{acl}").unwrap();
    }
    text.push_str(options.lines);
    std::fs::write(dir.join("conf"), text).unwrap();
    _ = std::fs::remove_file(dir.join("socket"));
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let mut child = Command::new("redis-server")
        .arg(dir.join("conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("redis-server is installed (apt-get install redis-server)");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        // The socket is the last that it opens.
        if UnixStream::connect(dir.join("socket")).await.is_ok() {
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
    let key = KeyPair::generate().unwrap();
    let signed = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(dir.join("server.pem"), signed.pem()).unwrap();
    std::fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
}
