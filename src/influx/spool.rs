//! Lines that wait on the disk: numbered files, the oldest first, with a bound on all of them together.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::line::is_whole;

/// No file is longer, bytes, but by its last line.
const SEGMENT: u64 = 256 * 1024;
/// All of them together are no longer, bytes.
pub(super) const BOUND: u64 = 32 * 1024 * 1024;
/// What a file's name ends with.
const ENDING: &str = ".lines";

/// The files, by their numbers, and how long each is. Blocks.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    segments: BTreeMap<u64, u64>,
    bound: u64,
    opened: bool,
    /// So many lines were damaged, since that was asked for last.
    damaged: u64,
}

impl Spool {
    /// In this directory, which is made when it is needed.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, segments: BTreeMap::new(), bound: BOUND, opened: false, damaged: 0 }
    }

    #[cfg(test)]
    pub(super) fn bounded(directory: PathBuf, bound: u64) -> Self {
        Self { bound, ..Self::new(directory) }
    }

    /// Looks for what an earlier run left.
    pub(super) fn open(&mut self) -> io::Result<()> {
        if self.opened {
            return Ok(());
        }
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.opened = true;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(ENDING)?.parse().ok());
            let metadata = entry.metadata()?;
            // What is no file is somebody else's, and could hold up whoever reads it.
            if let (Some(number), true) = (number, metadata.is_file()) {
                self.segments.insert(number, metadata.len());
            }
        }
        self.opened = true;
        Ok(())
    }

    /// How long all of them are, bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.values().sum()
    }

    /// Adds lines behind all others; says how many of the oldest had to make room.
    pub(super) fn append(&mut self, lines: &[String]) -> io::Result<u64> {
        self.open()?;
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.directory)?;
        let mut left = lines;
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = left.iter().take_while(|line| {
                bytes += line.len() as u64;
                bytes <= SEGMENT
            });
            let (now, later) = left.split_at(fits.count().max(1));
            // A file of its own each time, so that one that was cut short by a crash costs no other.
            let number = self.segments.last_key_value().map_or(1, |(last, _)| last + 1);
            let mut options = fs::OpenOptions::new();
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.write(true).create(true).truncate(true).open(self.path(number))?;
            let text = now.concat();
            self.segments.insert(number, text.len() as u64);
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            left = later;
        }
        self.make_room()
    }

    fn make_room(&mut self) -> io::Result<u64> {
        let mut dropped = 0;
        while self.bytes() > self.bound && self.segments.len() > 1 {
            let Some((&oldest, _)) = self.segments.first_key_value() else { break };
            dropped += self.read(oldest)?.len() as u64;
            self.remove(oldest)?;
        }
        Ok(dropped)
    }

    /// The oldest file's number and lines. One that is cut short has no more than whole lines.
    pub(super) fn oldest(&mut self) -> io::Result<Option<(u64, VecDeque<String>)>> {
        self.open()?;
        while let Some((&number, _)) = self.segments.first_key_value() {
            let lines = self.read(number)?;
            if !lines.is_empty() {
                return Ok(Some((number, lines)));
            }
            self.remove(number)?;
        }
        Ok(None)
    }

    /// A file was sent.
    pub(super) fn remove(&mut self, number: u64) -> io::Result<()> {
        let removed = fs::remove_file(self.path(number));
        self.segments.remove(&number);
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// How many lines of the files were damaged, since this was asked last.
    pub(super) fn take_damaged(&mut self) -> u64 {
        std::mem::take(&mut self.damaged)
    }

    fn read(&mut self, number: u64) -> io::Result<VecDeque<String>> {
        let bytes = match fs::read(self.path(number)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        let (whole, damaged): (Vec<&str>, Vec<&str>) = text.split_inclusive('\n').partition(|line| is_whole(line));
        self.damaged += damaged.len() as u64;
        Ok(whole.into_iter().map(str::to_owned).collect())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:010}{ENDING}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 bytes each.
    fn lines(numbers: std::ops::Range<u32>) -> Vec<String> {
        let line = |number| format!("SD2227G101,tagKey=GivReal soc={number:044},pv_power=-1.5 1780660800\n");
        let lines: Vec<String> = numbers.map(line).collect();
        assert!(lines.iter().all(|line| line.len() == 100));
        lines
    }

    #[test]
    fn what_is_damaged_or_no_file_is_left_out_and_counted() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(directory.path().to_owned());
        spool.append(&lines(0..4)).unwrap();
        let path = spool.path(1);
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let mut bytes = fs::read(&path).unwrap();
        bytes[130] = b'\n';
        bytes[210] = 0xff;
        fs::write(&path, bytes).unwrap();
        fs::create_dir(directory.path().join("0000000000.lines")).unwrap();
        let mut spool = Spool::new(directory.path().to_owned());
        let (_, read) = spool.oldest().unwrap().unwrap();
        assert_eq!(read, [lines(0..1), lines(3..4)].concat());
        assert_eq!((spool.take_damaged(), spool.take_damaged()), (3, 0));
    }

    #[test]
    fn what_waits_comes_back_in_order_also_after_a_restart_and_the_oldest_make_room() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("influx");
        let mut spool = Spool::bounded(place.clone(), 1000);
        assert_eq!(spool.oldest().unwrap(), None);
        assert_eq!(spool.append(&lines(0..4)).unwrap(), 0);
        assert_eq!(spool.append(&lines(4..8)).unwrap(), 0);
        let mut spool = Spool::bounded(place.clone(), 1000);
        assert_eq!(spool.append(&lines(8..12)).unwrap(), 4, "1200 bytes are too many");
        let (first, read) = spool.oldest().unwrap().unwrap();
        assert_eq!(read, lines(4..8));
        spool.remove(first).unwrap();
        // A crash cut the last line short.
        let last = spool.path(3);
        fs::write(&last, &fs::read(&last).unwrap()[..350]).unwrap();
        let mut spool = Spool::bounded(place, 1000);
        let (second, read) = spool.oldest().unwrap().unwrap();
        assert_eq!(read, lines(8..11));
        spool.remove(second).unwrap();
        assert_eq!((spool.oldest().unwrap(), spool.bytes()), (None, 0));
    }

    #[test]
    fn much_at_a_time_is_several_files() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(directory.path().to_owned());
        spool.append(&lines(0..6000)).unwrap();
        assert_eq!(spool.segments.len(), 3);
        let mut all = VecDeque::new();
        while let Some((number, lines)) = spool.oldest().unwrap() {
            all.extend(lines);
            spool.remove(number).unwrap();
        }
        assert_eq!(all, lines(0..6000));
    }
}
