//! One sample after the other from `samples.json`, or from a folder `samples` of one file each, without holding all.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::exchange::files::{io_problem, problem};

/// Where the samples of an export are.
#[derive(Debug)]
pub(super) enum Samples {
    /// `{"samples": [...]}`
    File(PathBuf),
    /// Files with one sample each, by name.
    Folder(PathBuf, Vec<PathBuf>),
}

impl Samples {
    /// Finds them in the folder of an export.
    pub fn of(folder: &Path) -> Result<Samples, Error> {
        let dir = folder.join("samples");
        if !dir.is_dir() {
            return Ok(Samples::File(folder.join("samples.json")));
        }
        let failed = |e: std::io::Error| io_problem(&dir, "be read", &e);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
        files.sort();
        Ok(Samples::Folder(dir, files))
    }

    /// The file or folder, for messages.
    pub fn path(&self) -> &Path {
        match self {
            Samples::File(path) | Samples::Folder(path, _) => path,
        }
    }

    /// Hands every sample to `each`, with its number from 0; stops at the first error.
    pub fn read(
        &self,
        each: &mut dyn FnMut(usize, Map<String, Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Samples::File(path) => {
                let mut stopped = None;
                let mut walk = Walk {
                    each,
                    at: 0,
                    stopped: &mut stopped,
                    found: false,
                };
                let mut json = serde_json::Deserializer::from_reader(open(path)?);
                let read = json.deserialize_map(Document(&mut walk));
                let found = walk.found;
                if let Some(error) = stopped {
                    return Err(error);
                }
                read.and_then(|()| json.end())
                    .map_err(|e| broken(path, &e))?;
                if !found {
                    return Err(problem(path, "there is no list \"samples\" in it"));
                }
                Ok(())
            }
            Samples::Folder(_, files) => {
                for (at, path) in files.iter().enumerate() {
                    let sample =
                        serde_json::from_reader(open(path)?).map_err(|e| broken(path, &e))?;
                    each(at, sample)?;
                }
                Ok(())
            }
        }
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Error> {
    let file = File::open(path).map_err(|e| io_problem(path, "be opened", &e))?;
    Ok(BufReader::with_capacity(1 << 18, file))
}

/// What is wrong with a JSON file.
pub(super) fn broken(path: &Path, error: &serde_json::Error) -> Error {
    if error.is_io() {
        return problem(path, format!("cannot be read: {error}"));
    }
    if error.is_eof() {
        return problem(path, format!("the file is cut off: {error}"));
    }
    problem(path, format!("this is not what FiftyOne writes: {error}"))
}

struct Walk<'a> {
    each: &'a mut dyn FnMut(usize, Map<String, Value>) -> Result<(), Error>,
    at: usize,
    stopped: &'a mut Option<Error>,
    found: bool,
}

struct Document<'a, 'b>(&'a mut Walk<'b>);

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the list \"samples\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "samples" {
                self.0.found = true;
                map.next_value_seed(List(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct List<'a, 'b>(&'a mut Walk<'b>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(sample) = list.next_element::<Map<String, Value>>()? {
            if let Err(error) = (self.0.each)(self.0.at, sample) {
                *self.0.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
            self.0.at += 1;
        }
        Ok(())
    }
}
