//! What TLS is spoken with: whom to trust, and what to show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

/// Why TLS cannot be set up; each names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or what stands in it is damaged.
    #[error("{what} cannot be read, it must be a PEM file that givtcp may read: {}: {why}", path.display())]
    Unreadable {
        /// Which of the files.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file holds none of what it is for.
    #[error("{what} has no `{wanted}` section: {}", path.display())]
    Empty {
        /// Which of the files.
        what: &'static str,
        /// What is missing.
        wanted: &'static str,
        /// Where it is.
        path: PathBuf,
    },
    /// A certificate that cannot be trusted because it cannot be read.
    #[error("{what} has a damaged certificate: {}: {why}", path.display())]
    DamagedCa {
        /// Which of the files.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What rustls says of it.
        why: rustls::Error,
    },
    /// Certificate without key, or the other way round.
    #[error("mqtt.tls.cert_file and mqtt.tls.key_file must both be set, or neither: {} is missing", .0)]
    HalfAnIdentity(&'static str),
    /// The key is not the certificate's, or of a kind that is not known.
    #[error("mqtt.tls.key_file does not go with mqtt.tls.cert_file: {}: {why}", key.display())]
    WrongKey {
        /// Where the key is.
        key: PathBuf,
        /// What rustls says of it.
        why: rustls::Error,
    },
    /// The machine has no certificates that it trusts.
    #[error(
        "this machine has no certificate authorities to trust, install ca-certificates or set mqtt.tls.ca_file: {0}"
    )]
    NoSystemRoots(String),
    /// The cryptography offers no version of TLS.
    #[error("tls cannot be set up: {0}")]
    Provider(rustls::Error),
}

/// TLS 1.2 and 1.3 with ring. Trusts the authorities in `ca_file`, or the machine's when there is none; shows the
/// client certificate if one is given.
///
/// Reads files: call it while starting, not from a session.
pub fn tls_config(
    ca_file: Option<&Path>,
    cert_file: Option<&Path>,
    key_file: Option<&Path>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match ca_file {
        Some(path) => file_roots("mqtt.tls.ca_file", path)?,
        None => system_roots()?,
    };
    let builder = trusting(roots)?;
    let config = match (cert_file, key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates("mqtt.tls.cert_file", cert)?, private_key(key)?)
            .map_err(|why| TlsError::WrongKey { key: key.to_owned(), why })?,
        (Some(_), None) => return Err(TlsError::HalfAnIdentity("mqtt.tls.key_file")),
        (None, Some(_)) => return Err(TlsError::HalfAnIdentity("mqtt.tls.cert_file")),
    };
    Ok(Arc::new(config))
}

/// As [`tls_config`], for whoever trusts the authorities in a file alone and shows nothing; `what` is the setting that
/// names the file.
///
/// # Errors
/// The file cannot be read, or holds no certificates.
pub fn tls_trusting(what: &'static str, ca_file: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    Ok(Arc::new(trusting(file_roots(what, ca_file)?)?.with_no_client_auth()))
}

fn trusting(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Provider)?;
    Ok(builder.with_root_certificates(roots))
}

fn file_roots(what: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(what, path)? {
        roots.add(certificate).map_err(|why| TlsError::DamagedCa { what, path: path.to_owned(), why })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    if good == 0 {
        let why = found.errors.first().map_or("none found".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemRoots(why));
    }
    Ok(roots)
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(what, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(TlsError::Empty { what, wanted: "BEGIN CERTIFICATE", path: path.to_owned() })
        }
        Ok(found) => Ok(found),
        Err(why) => Err(unreadable(what, path, &why)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    const WHAT: &str = "mqtt.tls.key_file";
    PrivateKeyDer::from_pem_slice(&read(WHAT, path)?).map_err(|why| match why {
        pem::Error::NoItemsFound => TlsError::Empty { what: WHAT, wanted: "BEGIN PRIVATE KEY", path: path.to_owned() },
        why => unreadable(WHAT, path, &why),
    })
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|why| unreadable(what, path, &why))
}

fn unreadable(what: &'static str, path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::Unreadable { what, path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn put(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }

        /// The error, with the directory's name taken out.
        fn error(&self, ca: Option<&Path>, cert: Option<&Path>, key: Option<&Path>) -> String {
            let text = tls_config(ca, cert, key).unwrap_err().to_string();
            text.replace(&self.0.path().display().to_string(), "")
        }
    }

    fn identity() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_certificate_and_its_key_are_taken() {
        let files = Files::new();
        let (cert, key) = identity();
        let (cert, key) = (files.put("cert.pem", &cert), files.put("key.pem", &key));
        assert!(tls_config(Some(&cert), Some(&cert), Some(&key)).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file() {
        let files = Files::new();
        let (cert, key) = identity();
        let (ca, key) = (files.put("ca.pem", &cert), files.put("key.pem", &key));
        let other = files.put("other.pem", &identity().1);
        let empty = files.put("empty.pem", "hello");
        let cut = files.put("cut.pem", &cert[..cert.len() / 2]);
        let der = files.put("der.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let missing = files.0.path().join("missing.pem");
        assert_eq!(
            files.error(Some(&missing), None, None),
            "mqtt.tls.ca_file cannot be read, it must be a PEM file that givtcp may read: /missing.pem: No such file or \
             directory (os error 2)"
        );
        assert_eq!(
            files.error(Some(&empty), None, None),
            "mqtt.tls.ca_file has no `BEGIN CERTIFICATE` section: /empty.pem"
        );
        assert!(files.error(Some(&cut), None, None).starts_with("mqtt.tls.ca_file cannot be read"));
        assert!(
            files.error(Some(&der), None, None).starts_with("mqtt.tls.ca_file has a damaged certificate: /der.pem")
        );
        assert_eq!(
            files.error(Some(&ca), Some(&ca), None),
            "mqtt.tls.cert_file and mqtt.tls.key_file must both be set, or neither: mqtt.tls.key_file is missing"
        );
        assert_eq!(
            files.error(Some(&ca), Some(&ca), Some(&ca)),
            "mqtt.tls.key_file has no `BEGIN PRIVATE KEY` section: /ca.pem"
        );
        assert!(
            files
                .error(Some(&ca), Some(&ca), Some(&other))
                .starts_with("mqtt.tls.key_file does not go with mqtt.tls.cert_file: /other.pem")
        );
        assert!(tls_config(Some(&ca), Some(&ca), Some(&key)).is_ok());
    }
}
