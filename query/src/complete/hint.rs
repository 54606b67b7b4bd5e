//! The line that says how the call at the cursor is used.

use super::context::{Callee, Context};
use super::{CompletionEnv, parameters};
use crate::signature::Arg;

/// How a call is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// `limit(n)`: the name and all parameters with their defaults.
    pub usage: String,
    /// The bytes of `usage` that are the parameter at the cursor.
    pub current: Option<std::ops::Range<usize>>,
    /// What that parameter is, or what the call does.
    pub doc: String,
}

impl Hint {
    /// The usage with the current parameter between `before` and `after`.
    pub fn marked(&self, before: &str, after: &str) -> String {
        match &self.current {
            Some(at) => format!(
                "{}{before}{}{after}{}",
                &self.usage[..at.start],
                &self.usage[at.clone()],
                &self.usage[at.end..]
            ),
            None => self.usage.clone(),
        }
    }
}

/// How the innermost call around byte `cursor` is used; `None` outside of calls that are known.
pub fn hint(text: &str, cursor: usize, env: &CompletionEnv<'_>) -> Option<Hint> {
    let context = Context::at(text, cursor);
    let level = context
        .levels
        .iter()
        .rev()
        .find(|level| level.callee != Callee::None)?;
    match &level.callee {
        Callee::Field => {
            return Some(plain(
                "F(\"field\")",
                "The field of that name; `F()` is the current element, `F(\"$a.b\")` the sample's own field.",
            ));
        }
        Callee::View => return Some(plain("view(\"name\")", "The saved view of that name.")),
        _ => {}
    }
    let (signature, params) = parameters(level, env)?;
    let current = match &level.keyword {
        Some(name) => params.iter().position(|param| param.name == name),
        None if params.is_empty() => None,
        None => Some(level.position.min(params.len() - 1))
            .filter(|at| *at == level.position || params[*at].is_list()),
    };
    let mut usage = format!("{}(", signature.name);
    let mut place = None;
    for (at, param) in params.iter().enumerate() {
        if at > 0 {
            usage.push_str(", ");
        }
        let start = usage.len();
        usage.push_str(param.name);
        match param.default.arg() {
            None => {}
            Some(Arg::Null) => usage.push_str("=None"),
            Some(arg) => usage.push_str(&format!("={arg}")),
        }
        if current == Some(at) {
            place = Some(start..usage.len());
        }
    }
    usage.push(')');
    let doc = current.map_or_else(
        || signature.summary.to_owned(),
        |at| {
            format!(
                "{}: {} ({})",
                params[at].name,
                params[at].doc.trim(),
                params[at].kind.describe()
            )
        },
    );
    Some(Hint {
        usage,
        current: place,
        doc,
    })
}

fn plain(usage: &str, doc: &str) -> Hint {
    Hint {
        usage: usage.to_owned(),
        current: None,
        doc: doc.to_owned(),
    }
}

impl crate::signature::Param {
    fn is_list(&self) -> bool {
        matches!(self.kind, crate::signature::Kind::List(_))
    }
}
