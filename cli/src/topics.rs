//! Everything that has a signature, in one list: what `messier help` can explain.

use messier_query::signature::{Returns, Signature};

/// Something that can be explained.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// What it is: `"clustering method"`, `"stage"`.
    pub kind: &'static str,
    /// Its declaration.
    pub signature: &'static Signature,
}

/// Everything, operators and methods first.
pub fn all() -> Vec<Topic> {
    let mut topics = Vec::new();
    for operator in messier_engine::operators() {
        topics.push(Topic {
            kind: "operator",
            signature: operator.signature,
        });
        let kind = match operator.signature.name {
            "cluster" => "clustering method",
            "reduce" => "reduction method",
            _ => "method",
        };
        topics.extend(
            (operator.methods)()
                .into_iter()
                .map(|signature| Topic { kind, signature }),
        );
    }
    topics.extend(messier_query::signatures().map(|signature| {
        let kind = match signature.returns {
            Returns::View => "stage",
            Returns::Value => "aggregation",
            Returns::Run => "operator",
            Returns::Edit => "edit",
            Returns::Expression => "function",
        };
        Topic { kind, signature }
    }));
    topics
}
