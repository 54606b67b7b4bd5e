//! The store a command works on, opened at the first need: `messier help` touches no disk.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use messier_engine::Session;

use crate::args::Globals;
use crate::failure::{Exit, Failure, Report};
use crate::output::Terminal;

/// A store's directory and, once somebody asked, the session with it.
#[derive(Default)]
pub struct House {
    dir: PathBuf,
    session: Mutex<Option<Session>>,
}

impl House {
    /// The house at a directory; nothing is opened yet.
    pub fn at(dir: impl Into<PathBuf>) -> House {
        House {
            dir: dir.into(),
            session: Mutex::new(None),
        }
    }

    /// The store's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The session, opened now if it is not yet.
    pub fn session(&self) -> Result<Session, Failure> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match &*session {
            Some(open) => Ok(open.clone()),
            None => Ok(session.insert(Session::open(&self.dir)?).clone()),
        }
    }
}

/// Where the datasets are: `--store`, else `$MESSIER_STORE`, else the platform's data directory.
pub fn directory(globals: &Globals, terminal: &Terminal) -> Result<PathBuf, Failure> {
    let from_env = std::env::var_os("MESSIER_STORE")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from);
    match globals.store.clone().or(from_env) {
        Some(dir) => Ok(terminal.path(dir)),
        None => dirs::data_dir()
            .map(|dir| dir.join("messier"))
            .ok_or_else(|| {
                Report::new(
                    Exit::Request,
                    "no-store",
                    "This account has no data directory to keep datasets in.",
                )
                .hint("give one with --store DIR, or set MESSIER_STORE")
                .into()
            }),
    }
}
