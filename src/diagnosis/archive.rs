//! Many texts in one file: a compressed tape archive, which every system opens.

use std::io::{self, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;

/// No more is unpacked of somebody's archive, MiB: a text of zeros shrinks to nothing. Five minutes of the wire are less
/// than one.
const MOST_UNPACKED: u64 = 32;
/// No more texts are looked at.
const MOST_TEXTS: usize = 1000;

/// A text and what it is called in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// A file name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Text {
    /// A text of this name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// Whether these bytes are the beginning of a compressed archive.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The texts in one folder `folder`, compressed.
///
/// # Errors
/// A name that is too long.
pub fn pack(folder: &str, texts: &[Text], at: Timestamp) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for text in texts {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(at.as_second()).unwrap_or(0));
        archive.append_data(&mut header, Path::new(folder).join(&text.name), text.text.as_bytes())?;
    }
    archive.into_inner()?.finish()
}

/// The texts of an archive, by their names without folders. What is no text is read as one.
///
/// # Errors
/// It is damaged or too large, or two texts have the same name.
pub fn unpack(bytes: &[u8]) -> io::Result<Vec<Text>> {
    let mut unpacked = GzDecoder::new(bytes).take(MOST_UNPACKED << 20);
    let texts = texts_of(&mut unpacked);
    if unpacked.limit() == 0 {
        return Err(io::Error::other(format!("more than {MOST_UNPACKED} MiB are in it")));
    }
    texts
}

fn texts_of(unpacked: &mut impl Read) -> io::Result<Vec<Text>> {
    let mut texts: Vec<Text> = Vec::new();
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match entry.header().entry_type() {
            kind if kind.is_file() => {}
            kind if kind.is_dir() => continue,
            _ => return Err(io::Error::other(format!("{name:?} in it is no file"))),
        }
        if texts.iter().any(|text| text.name == name) {
            return Err(io::Error::other(format!("two files in it are called {name:?}")));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        texts.push(Text { name, text: String::from_utf8_lossy(&content).into_owned() });
        if texts.len() > MOST_TEXTS {
            return Err(io::Error::other(format!("more than {MOST_TEXTS} files are in it")));
        }
    }
    // The checksum comes last.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(texts)
}

/// Writes a file that only its owner reads, and that was not there before.
///
/// # Errors
/// It is there already, or cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create_private(path)?;
    file.write_all(content).and_then(|()| file.sync_all()).inspect_err(|_| {
        // A part of it helps nobody, and would be in the way of the next attempt.
        _ = std::fs::remove_file(path);
    })
}

/// Opens a new file that only its owner reads.
///
/// # Errors
/// It is there already, or cannot be made.
pub fn create_private(path: &Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let texts = [Text::new("about.txt", "givtcp\n"), Text::new("log.txt", "é".repeat(10_000))];
        let packed = pack("givtcp-diagnosis", &texts, Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_archive(&packed) && packed.len() < 1000);
        assert_eq!(unpack(&packed).unwrap(), texts);
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
        assert!(unpack(&packed[..packed.len() - 2]).is_err());
        assert!(unpack(b"\x1f\x8bnonsense").is_err());
    }

    #[test]
    fn what_is_too_large_or_named_twice_is_told() {
        let bomb = [Text::new("log.txt", " ".repeat((MOST_UNPACKED << 20) as usize))];
        let told = |texts: &[Text]| unpack(&pack("x", texts, Timestamp::UNIX_EPOCH).unwrap()).unwrap_err().to_string();
        assert_eq!(told(&bomb), "more than 32 MiB are in it");
        let twice = [Text::new("log.txt", "a"), Text::new("log.txt", "b")];
        assert_eq!(told(&twice), "two files in it are called \"log.txt\"");
    }

    #[test]
    fn it_is_its_owners_alone_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("diagnosis.tar.gz");
        write_private(&path, b"x").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(write_private(&path, b"y").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
