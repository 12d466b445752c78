//! The file: records one behind the other, the last of a key holds.
//!
//! ```text
//! magic · record · record · …
//! record: checksum of the rest (u32) · until, in ms since 1970, 0 for good (u64) · length of the value, or GONE (u32)
//!         · length of the key (u16) · key · value           all numbers little-endian
//! ```
//!
//! In memory are the keys, and where their values are. A record at the end that is not whole is where the program was stopped: it
//! was never answered to anybody, and is cut off when the file is opened. One with whole records behind it is damage: what is
//! whole holds, and the file as it was is kept beside, `NAME.kv.damaged`. When most of the file is past, what holds is written
//! beside it and put in its place.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, Read, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

const MAGIC: &[u8] = b"tollgate kv 1\n";
/// Octets of a record before its key.
pub(super) const HEAD: usize = 4 + 8 + 4 + 2;
/// In place of a value's length: there is none any more.
const GONE: u32 = u32::MAX;
/// How many octets are summed up, at the most, in the search for what is whole behind a damage: values can look like records.
const SEARCHED: u64 = 256 << 20;
/// Octets that are past before a file is rewritten, whatever else it holds.
const SLACK: u64 = 1 << 20;

/// An open file of records.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    end: u64,
    values: HashMap<Box<str>, Place>,
    /// Octets of the records that hold, as the quota counts them.
    live: u64,
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    len: u32,
    until: Option<u64>,
}

impl Place {
    fn is_over(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A record, as it was read.
struct Record {
    key: String,
    place: Option<Place>,
    size: u64,
}

impl Log {
    /// Opens a file, which is made where there is none. `now`: in milliseconds since 1970.
    pub(super) fn open(path: &Path, now: u64) -> io::Result<Self> {
        if !path.exists() {
            super::make_folder(path.parent().unwrap_or(Path::new("")))?;
            write_whole(path, [])?;
        }
        let file = File::options().read(true).write(true).open(path)?;
        let mut log = Self { path: path.to_owned(), file, end: 0, values: HashMap::new(), live: 0 };
        log.load(now)?;
        Ok(log)
    }

    fn load(&mut self, now: u64) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut from = BufReader::with_capacity(256 << 10, self.file.try_clone()?);
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic).map_err(|_| not_ours())?;
        if magic != MAGIC {
            return Err(not_ours());
        }
        self.end = MAGIC.len() as u64;
        while let Some(record) = read(&mut from, self.end)? {
            self.end += record.size;
            self.note(&record.key, record.place.filter(|place| !place.is_over(now)));
        }
        if self.end < length { self.mend(length, now) } else { Ok(()) }
    }

    /// Makes the file whole again behind its last whole record.
    fn mend(&mut self, length: u64, now: u64) -> io::Result<()> {
        let (path, octets) = (self.path.display(), length - self.end);
        let found = self.behind(length)?;
        if found.is_empty() {
            tracing::warn!(%path, octets, "a record of what a plugin keeps was not written to its end");
            return self.file.set_len(self.end);
        }
        let copy = self.path.with_extension("kv.damaged");
        fs::copy(&self.path, &copy)?;
        let (copy, records) = (copy.display(), found.len());
        tracing::error!(%path, at = self.end, records, %copy, "what a plugin keeps was damaged; what is whole behind that holds");
        for record in found {
            self.note(&record.key, record.place.filter(|place| !place.is_over(now)));
        }
        self.rewrite(now)
    }

    /// Returns the whole records behind one that is not.
    fn behind(&self, length: u64) -> io::Result<Vec<Record>> {
        let mut octets = vec![0; usize::try_from(length - self.end).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut octets, self.end)?;
        let (mut found, mut at, mut searched) = (Vec::new(), 1, 0);
        while at < octets.len() && searched < SEARCHED {
            let size = plausible_size(&octets[at..]);
            searched += size.unwrap_or(0) as u64;
            let record = size.map(|_| read(&mut &octets[at..], self.end + at as u64)).transpose()?.flatten();
            at += record.as_ref().map_or(1, |record| record.size as usize);
            found.extend(record);
        }
        Ok(found)
    }

    pub(super) fn get(&self, now: u64, key: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(place) = self.values.get(key).filter(|place| !place.is_over(now)) else { return Ok(None) };
        let mut value = vec![0; place.len as usize];
        self.file.read_exact_at(&mut value, place.at)?;
        Ok(Some(value))
    }

    /// Returns whether a value would fit into so many octets, in place of the one that its key has. Those whose time is over make
    /// room.
    pub(super) fn has_room(&mut self, now: u64, key: &str, value: &[u8], quota: u64) -> bool {
        let wanted = cost(key, value.len() as u64);
        let fits = |log: &Self| {
            let held = log.values.get(key).map_or(0, |place| cost(key, place.len.into()));
            log.live - held + wanted <= quota
        };
        if !fits(self) {
            let live = &mut self.live;
            self.values.retain(|key, place| {
                let stays = !place.is_over(now);
                *live -= if stays { 0 } else { cost(key, place.len.into()) };
                stays
            });
        }
        fits(self)
    }

    pub(super) fn set(&mut self, now: u64, key: &str, value: &[u8], until: Option<u64>) -> io::Result<()> {
        let at = self.end + (HEAD + key.len()) as u64;
        self.append(&record(key, Some(value), until))?;
        self.note(key, Some(Place { at, len: value.len() as u32, until }));
        self.tidy(now)
    }

    /// Returns whether there was a value.
    pub(super) fn delete(&mut self, now: u64, key: &str) -> io::Result<bool> {
        let Some(place) = self.values.get(key).copied() else { return Ok(false) };
        self.append(&record(key, None, None))?;
        self.note(key, None);
        self.tidy(now)?;
        Ok(!place.is_over(now))
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all_at(record, self.end)?;
        self.file.sync_data()?;
        self.end += record.len() as u64;
        Ok(())
    }

    /// Notes where the value of a key is from now on, if anywhere.
    fn note(&mut self, key: &str, place: Option<Place>) {
        let before = match place {
            Some(place) => {
                self.live += cost(key, place.len.into());
                self.values.insert(key.into(), place)
            }
            None => self.values.remove(key),
        };
        self.live -= before.map_or(0, |place| cost(key, place.len.into()));
    }

    /// Writes the file anew where most of it is past.
    fn tidy(&mut self, now: u64) -> io::Result<()> {
        if self.end <= 2 * self.live + SLACK { Ok(()) } else { self.rewrite(now) }
    }

    /// Writes what holds beside the file, and puts it in its place.
    fn rewrite(&mut self, now: u64) -> io::Result<()> {
        let mut records = Vec::with_capacity(self.values.len());
        for (key, place) in self.values.iter().filter(|(_, place)| !place.is_over(now)) {
            let mut value = vec![0; place.len as usize];
            self.file.read_exact_at(&mut value, place.at)?;
            records.push(record(key, Some(&value), place.until));
        }
        write_whole(&self.path, records)?;
        *self = Self::open(&self.path, now)?;
        Ok(())
    }
}

/// What a value takes, as the quota counts it.
fn cost(key: &str, value: u64) -> u64 {
    (HEAD + key.len()) as u64 + value
}

/// Returns a record as octets.
fn record(key: &str, value: Option<&[u8]>, until: Option<u64>) -> Vec<u8> {
    let mut octets = vec![0; 4];
    octets.extend(until.unwrap_or(0).to_le_bytes());
    octets.extend(value.map_or(GONE, |value| value.len() as u32).to_le_bytes());
    octets.extend((key.len() as u16).to_le_bytes());
    octets.extend(key.as_bytes());
    octets.extend(value.unwrap_or_default());
    let checksum = crc32c::crc32c(&octets[4..]);
    octets[..4].copy_from_slice(&checksum.to_le_bytes());
    octets
}

/// Returns the size of the record that octets may begin with; nothing where they cannot.
fn plausible_size(octets: &[u8]) -> Option<usize> {
    let head = octets.get(..HEAD)?;
    let (len, key_len) = (u32::from_le_bytes(part(head, 12)), usize::from(u16::from_le_bytes(part(head, 16))));
    let value_len = if len == GONE { 0 } else { len as usize };
    let size = HEAD + key_len + value_len;
    let is_plausible = (1..=super::LONGEST_KEY).contains(&key_len) && value_len <= super::LONGEST_VALUE;
    (is_plausible && size <= octets.len()).then_some(size)
}

/// Reads the record that begins at `at`; nothing where there is no whole one.
fn read(from: &mut impl Read, at: u64) -> io::Result<Option<Record>> {
    let mut octets = vec![0; HEAD];
    if !fill(from, &mut octets)? {
        return Ok(None);
    }
    let until = u64::from_le_bytes(part(&octets, 4));
    let len = u32::from_le_bytes(part(&octets, 12));
    let key_len = usize::from(u16::from_le_bytes(part(&octets, 16)));
    let value_len = if len == GONE { 0 } else { len as usize };
    if value_len > super::LONGEST_VALUE || key_len > super::LONGEST_KEY {
        return Ok(None);
    }
    octets.resize(HEAD + key_len + value_len, 0);
    let whole =
        fill(from, &mut octets[HEAD..])? && u32::from_le_bytes(part(&octets, 0)) == crc32c::crc32c(&octets[4..]);
    let key = String::from_utf8(octets[HEAD..HEAD + key_len].to_vec());
    let place = Place { at: at + (HEAD + key_len) as u64, len, until: Some(until).filter(|until| *until > 0) };
    let place = Some(place).filter(|_| len != GONE);
    Ok(key.ok().filter(|_| whole).map(|key| Record { key, place, size: octets.len() as u64 }))
}

/// Returns octets of a head as an array.
fn part<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    octets[at..at + N].try_into().expect("a head is as long as its parts")
}

/// Reads so many octets; `false` where the file ends before.
fn fill(from: &mut impl Read, octets: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(octets) {
        Ok(()) => Ok(true),
        Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(reason) => Err(reason),
    }
}

/// Writes a file beside its place and puts it there: a reader finds the old one or the new one, and both are whole.
fn write_whole(path: &Path, records: impl IntoIterator<Item = Vec<u8>>) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file =
        io::BufWriter::new(fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?);
    file.write_all(MAGIC)?;
    for record in records {
        file.write_all(&record)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(draft, path)?;
    // The name is on the disk when the folder is.
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn not_ours() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is none of this program's; move it away")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn open(folder: &tempfile::TempDir, now: u64) -> Log {
        Log::open(&folder.path().join("p.kv"), now).unwrap()
    }

    #[test]
    fn a_value_is_there_until_its_time_is_over_whenever_the_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder, 0);
        log.set(0, "k", b"v", Some(100)).unwrap();

        let found =
            [log.get(99, "k"), log.get(100, "k"), open(&folder, 99).get(99, "k"), open(&folder, 100).get(100, "k")];

        assert_eq!(found.map(Result::unwrap), [Some(b"v".to_vec()), None, Some(b"v".to_vec()), None]);
    }

    #[test]
    fn a_record_that_was_cut_or_changed_ends_the_file_and_what_is_before_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.kv");
        let mut log = open(&folder, 0);
        log.set(0, "a", b"first", None).unwrap();
        let whole = log.end as usize;
        log.set(0, "a", b"second", None).unwrap();
        let octets = fs::read(&path).unwrap();

        let cuts = (whole..octets.len()).map(|end| octets[..end].to_vec());
        let changes = (whole..octets.len()).map(|place| {
            let mut octets = octets.clone();
            octets[place] ^= 0x55;
            octets
        });
        for damaged in cuts.chain(changes) {
            fs::write(&path, damaged).unwrap();
            let log = open(&folder, 0);

            let found = (log.get(0, "a").unwrap(), log.end, fs::metadata(&path).unwrap().len());

            assert_eq!(found, (Some(b"first".to_vec()), whole as u64, whole as u64));
        }
    }

    #[test]
    fn what_is_whole_behind_a_damage_holds_and_the_file_as_it_was_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.kv");
        let mut log = open(&folder, 0);
        log.set(0, "a", b"first", None).unwrap();
        let from = log.end as usize;
        log.set(0, "b", b"second", None).unwrap();
        let to = log.end as usize;
        log.set(0, "c", b"third", None).unwrap();
        log.delete(0, "a").unwrap();
        let octets = fs::read(&path).unwrap();
        for place in from..to {
            let mut damaged = octets.clone();
            damaged[place] ^= 0x55;
            fs::write(&path, &damaged).unwrap();

            let log = open(&folder, 0);

            let found = ["a", "b", "c"].map(|key| log.get(0, key).unwrap());
            assert_eq!(found, [None, None, Some(b"third".to_vec())], "{place}");
            assert_eq!(fs::read(folder.path().join("p.kv.damaged")).unwrap(), damaged);
            assert_eq!(open(&folder, 0).get(0, "c").unwrap(), Some(b"third".to_vec()));
        }
    }

    #[test]
    fn the_quota_counts_what_holds_and_what_is_over_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder, 0);
        let quota = 3 * cost("a", 100);
        for (key, until) in [("a", None), ("b", Some(50)), ("c", None)] {
            assert!(log.has_room(0, key, &[0; 100], quota));
            log.set(0, key, &[0; 100], until).unwrap();
        }

        let room = [
            log.has_room(0, "d", &[0; 1], quota),
            log.has_room(0, "a", &[0; 100], quota),
            log.has_room(0, "a", &[0; 101], quota),
            log.has_room(50, "d", &[0; 100], quota),
        ];

        assert_eq!((room, log.live), ([false, true, false, true], 2 * cost("a", 100)));
    }

    #[test]
    fn a_file_that_is_mostly_past_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder, 0);
        log.set(0, "kept", b"v", None).unwrap();
        let largest = (0..40).map(|n| {
            log.set(0, "k", &[n; 60_000], None).unwrap();
            log.end
        });
        let largest = largest.max().unwrap();

        let found = (log.get(0, "kept").unwrap(), log.get(0, "k").unwrap());

        assert_eq!(found, (Some(b"v".to_vec()), Some(vec![39; 60_000])));
        assert!(largest < SLACK + 200_000 && log.end < largest, "{largest}");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set(u8, Vec<u8>, Option<u64>),
        Delete(u8),
        Reopen,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Whatever is done, and however often it is opened anew, a file is a map in which values have an end.
        #[test]
        fn a_file_is_a_map_that_forgets(
            steps in proptest::collection::vec(
                (0_u64..30, prop_oneof![
                    4 => (0_u8..6, proptest::collection::vec(any::<u8>(), 0..9), proptest::option::of(1_u64..60))
                        .prop_map(|(key, value, time)| Step::Set(key, value, time)),
                    1 => (0_u8..6).prop_map(Step::Delete),
                    1 => Just(Step::Reopen),
                ]),
                1..40,
            ),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (mut log, mut model, mut now) = (open(&folder, 0), BTreeMap::new(), 1);
            for (pause, step) in steps {
                now += pause;
                model.retain(|_, (_, until): &mut (Vec<u8>, Option<u64>)| until.is_none_or(|until| now < until));
                match step {
                    Step::Set(key, value, time) => {
                        let until = time.map(|time| now + time);
                        log.set(now, &key.to_string(), &value, until).unwrap();
                        model.insert(key, (value, until));
                    }
                    Step::Delete(key) => {
                        let was = model.remove(&key).is_some();
                        prop_assert_eq!(log.delete(now, &key.to_string()).unwrap(), was);
                    }
                    Step::Reopen => log = open(&folder, now),
                }
                for key in 0..6 {
                    let expected = model.get(&key).map(|(value, _)| value.clone());
                    prop_assert_eq!(log.get(now, &key.to_string()).unwrap(), expected);
                }
            }
        }
    }
}
