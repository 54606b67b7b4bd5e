//! Looking things up by the name a person typed: `-` and `_` are the same, case does not matter, and a miss names the
//! nearest of what there is, or all of it.

use messier_query::nearest;

use crate::error::Error;

/// A name as it is compared: lower case, `-` for `_`.
pub(crate) fn folded(name: &str) -> String {
    name.replace('_', "-").to_lowercase()
}

/// The first of `all` whose name is `name`. `what` says what they are, for the error (`"model"`), which writes their
/// names with `-`.
///
/// # Errors
/// [`Error::Unknown`] with the nearest names, or all of them where none is near.
pub(crate) fn find<'a, T: Copy>(
    what: &'static str,
    name: &str,
    all: &[T],
    name_of: impl Fn(T) -> &'a str,
) -> Result<T, Error> {
    let wanted = folded(name);
    let names: Vec<String> = all.iter().map(|&one| folded(name_of(one))).collect();
    if let Some(at) = names.iter().position(|known| *known == wanted) {
        return Ok(all[at]);
    }
    let near = nearest(&wanted, names.iter().map(String::as_str));
    Err(Error::Unknown {
        what,
        name: name.to_owned(),
        candidates: if near.is_empty() { names } else { near },
    })
}

/// As [`find`], for methods: the error writes their names as the language does, with `_`.
///
/// # Errors
/// As [`find`].
pub(crate) fn find_method<T: Copy>(
    what: &'static str,
    name: &str,
    all: &[T],
    name_of: impl Fn(T) -> &'static str,
) -> Result<T, Error> {
    find(what, name, all, name_of).map_err(|error| match error {
        Error::Unknown {
            what,
            name,
            candidates,
        } => Error::Unknown {
            what,
            name,
            candidates: candidates.iter().map(|one| one.replace('-', "_")).collect(),
        },
        other => other,
    })
}
