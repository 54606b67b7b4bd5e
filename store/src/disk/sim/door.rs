//! The simulated disk behind the door: each call changes what the program sees, and is pending until synced.

use std::io;

use arrow::buffer::Buffer;

use super::{Pending, SimDisk, reachable};
use crate::disk::{Disk, Lock, Sharing, Stat};

impl Disk for SimDisk {
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut state = self.state();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !reachable(&state.names, name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = state.synced.len();
        state.synced.push(Vec::new());
        state.change_names(Pending::Link {
            name: name.to_owned(),
            file: Some(file),
        });
        state.pending.push(Pending::Write {
            file,
            bytes: parts.concat(),
        });
        state.called();
        Ok(())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let file = state.file(name)?;
        state.pending.push(Pending::Write {
            file,
            bytes: bytes.to_vec(),
        });
        state.called();
        Ok(())
    }

    fn read(&self, name: &str, from: u64) -> io::Result<Vec<u8>> {
        let state = self.state();
        let bytes = state.bytes(state.file(name)?);
        let from = usize::try_from(from).map_or(bytes.len(), |from| from.min(bytes.len()));
        Ok(bytes[from..].to_vec())
    }

    fn map(&self, name: &str) -> io::Result<Buffer> {
        Ok(Buffer::from_slice_ref(self.read(name, 0)?))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let file = state.file(name)?;
        let bytes = state.bytes(file);
        state.synced[file] = bytes;
        state
            .pending
            .retain(|pending| !matches!(pending, Pending::Write { file: of, .. } if *of == file));
        state.called();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.file(from)?;
        state.change_names(Pending::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        state.called();
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        let mut lasting = std::mem::take(&mut state.lasting);
        state.pending.retain(|pending| {
            let due = pending.is_in(dir);
            if due {
                pending.apply(&mut lasting);
            }
            !due
        });
        state.lasting = lasting;
        state.called();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.file(name)?;
        state.change_names(Pending::Unlink {
            name: name.to_owned(),
        });
        state.called();
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let prefix = if dir.is_empty() {
            String::new()
        } else {
            format!("{dir}/")
        };
        let state = self.state();
        Ok(state
            .names
            .iter()
            .filter(|(name, file)| file.is_some() && reachable(&state.names, name))
            .filter_map(|(name, _)| name.strip_prefix(&prefix))
            .filter(|rest| !rest.is_empty() && !rest.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let state = self.state();
        let Ok(file) = state.file(name) else {
            return Ok(None);
        };
        let len = state.bytes(file).len() as u64;
        Ok(Some(Stat {
            len,
            file: file as u64,
            modified: 0,
        }))
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        let name = format!("{dir}/");
        if !dir.is_empty() && !state.names.contains_key(&name) {
            state.change_names(Pending::Link { name, file: None });
            state.called();
        }
        Ok(())
    }

    fn lock(&self, _: &str, _: Sharing) -> io::Result<Option<Box<dyn Lock>>> {
        Ok(Some(Box::new(Unlocked)))
    }
}

/// A simulated disk has one user.
#[derive(Debug)]
struct Unlocked;

impl Lock for Unlocked {
    fn change(&self, _: Sharing) -> io::Result<bool> {
        Ok(true)
    }
}
