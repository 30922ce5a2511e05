use std::path::PathBuf;

use secrecy::SecretString;

/// The InfluxDB that is told what is read.
#[derive(Clone, Debug)]
pub struct InfluxSettings {
    /// Whether one is. Default false. If so, all but `ca_file` must be set.
    pub enabled: bool,
    /// Its `http://` or `https://` address. Default empty.
    pub url: String,
    /// What it knows this program by. Default empty.
    pub token: SecretString,
    /// The organisation that the bucket belongs to. Default empty.
    pub org: String,
    /// The bucket that is written to. Default empty.
    pub bucket: String,
    /// PEM file of the authority that signed its certificate, with `https://`. Without it the system's authorities are
    /// trusted.
    pub ca_file: Option<PathBuf>,
}

impl Default for InfluxSettings {
    /// None is told.
    fn default() -> Self {
        Self {
            enabled: false,
            url: String::new(),
            token: SecretString::from(String::new()),
            org: String::new(),
            bucket: String::new(),
            ca_file: None,
        }
    }
}
