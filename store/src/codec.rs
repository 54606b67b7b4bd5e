//! How values become bytes: a version byte, then bincode. The only file that knows bincode.
//!
//! bincode has ended as a project, so it stays behind two functions; the version byte before each value lets a later
//! version read what this one wrote after changing the encoding.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Serialize, de::DeserializeOwned};

/// The version written before each value.
pub const VERSION: u8 = 1;

/// No value is larger than this when decoded (a guard against lengths made up by damage).
const LIMIT: usize = 1 << 30;

/// Why bytes are not a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// Written by a newer version.
    Newer(u8),
    /// Not what was written.
    Damaged(String),
}

fn config() -> Configuration<LittleEndian, Fixint, Limit<LIMIT>> {
    bincode::config::standard()
        .with_fixed_int_encoding()
        .with_limit::<LIMIT>()
}

/// The bytes of `value`: the version byte, then fixed-width little-endian bincode.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    let mut bytes = vec![VERSION];
    bincode::serde::encode_into_std_write(value, &mut bytes, config())
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The value that `bytes` encode; every byte must belong to it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
    let (version, body) = bytes
        .split_first()
        .ok_or_else(|| Undecodable::Damaged("it is empty".into()))?;
    if *version > VERSION {
        return Err(Undecodable::Newer(*version));
    }
    if *version != VERSION {
        return Err(Undecodable::Damaged(format!(
            "its version byte is {version}"
        )));
    }
    let (value, used) = bincode::serde::decode_from_slice(body, config())
        .map_err(|error| Undecodable::Damaged(error.to_string()))?;
    if used != body.len() {
        return Err(Undecodable::Damaged(format!(
            "{} bytes are left over",
            body.len() - used
        )));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_and_nothing_else_is_taken_for_one() {
        let bytes = encode(&("trip".to_string(), 7u64)).unwrap();
        assert_eq!(
            decode::<(String, u64)>(&bytes).unwrap(),
            ("trip".to_string(), 7)
        );
        assert!(decode::<(String, u64)>(&bytes[..bytes.len() - 1]).is_err());
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(decode::<(String, u64)>(&longer).is_err());
        let mut newer = bytes;
        newer[0] = VERSION + 1;
        assert_eq!(
            decode::<(String, u64)>(&newer),
            Err(Undecodable::Newer(VERSION + 1))
        );
    }

    #[test]
    fn a_made_up_length_allocates_nothing() {
        let mut bytes = encode(&"trip".to_string()).unwrap();
        bytes[1..9].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(decode::<String>(&bytes).is_err());
    }
}
