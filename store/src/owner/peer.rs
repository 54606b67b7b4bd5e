//! Where the socket is, and whether the process at its other end belongs to the same person.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The socket's name in the store's directory.
const SOCKET: &str = "owner.sock";
/// The shortest limit on the length of a socket's path among the systems there are, less its end mark.
const MAX_PATH: usize = 103;

/// The path of the socket of the store in `dir`: in the store, or, where that is too long for a socket, under a number
/// made from it in a directory of this user's that nobody else may enter.
///
/// # Errors
/// Where that directory cannot be made, or belongs to somebody else.
pub fn socket_path(dir: &Path) -> io::Result<PathBuf> {
    let inside = dir.join(SOCKET);
    if inside.as_os_str().len() <= MAX_PATH {
        return Ok(inside);
    }
    let own = std::env::temp_dir().join(format!("messier-{}", user()));
    match std::fs::DirBuilder::new().mode(0o700).create(&own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = std::fs::symlink_metadata(&own)?;
    if !found.is_dir() || found.uid() != user() || found.mode() & 0o077 != 0 {
        let why = format!("{} is not a directory of this user's alone", own.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let name = dir.canonicalize()?;
    let name = name.as_os_str().as_encoded_bytes();
    // Two checksums in two directions: a collision only makes two stores share a place to talk, and the lock decides.
    let forward = crc32fast::hash(name);
    let backward = crc32fast::hash(&name.iter().rev().copied().collect::<Vec<_>>());
    Ok(own.join(format!("{forward:08x}{backward:08x}.sock")))
}

/// Whether the other end is a process of this user's.
pub fn is_ours(stream: &UnixStream) -> bool {
    peer_user(stream).is_none_or(|peer| peer == user())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer_user(stream: &UnixStream) -> Option<u32> {
    // A peer whose user cannot be told is no one of ours.
    Some(rustix::net::sockopt::socket_peercred(stream).map_or(u32::MAX, |peer| peer.uid.as_raw()))
}

/// Elsewhere the socket's mode is what keeps others out.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn peer_user(_: &UnixStream) -> Option<u32> {
    None
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(socket_path(dir.path()).unwrap(), dir.path().join(SOCKET));
        let long = dir.path().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        let path = socket_path(&long).unwrap();
        assert!(path.as_os_str().len() <= MAX_PATH, "{}", path.display());
        assert_eq!(socket_path(&long).unwrap(), path);
    }

    #[test]
    fn we_are_ours() {
        let (one, _two) = UnixStream::pair().unwrap();
        assert!(is_ours(&one));
    }
}
