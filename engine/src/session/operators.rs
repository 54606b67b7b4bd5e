//! The operators, declared once: the parser's checks, the CLI's flags, help and completion all come from here.

use messier_query::params;
use messier_query::signature::{Default, Example, FieldKind, Kind, Operator, Returns, Signature};

use crate::{cluster, reduce};

const WHOLE: i64 = i64::MAX;

params! {
    /// What `embed` needs to know.
    pub struct EmbedParams {
        /// The encoder that turns pictures into vectors.
        model: String = Default::Text("efficientnet-lite0"), Kind::Text;
        /// The vector field to write; also the run's key.
        field: String = Default::Text("embedding"), Kind::Field(FieldKind::New);
        /// A file of vectors made elsewhere (npy, npz, parquet), stored instead of computing them.
        from: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
        /// How the rows of that file find their samples: by order, or by its `filepath` column.
        by: String = Default::Text("row"), Kind::Choice(&["row", "filepath"]);
        /// The array of an npz file or the column of a Parquet file, where there are several.
        array: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
        /// Whether vectors that are there already are computed again.
        overwrite: bool = Default::Bool(false), Kind::Bool;
    }
}

params! {
    /// What `reduce` needs to know beside the method's own parameters.
    pub struct ReduceParams {
        /// The reduction method.
        method: String = Default::Text("umap"), Kind::Text;
        /// The run's key, and the vector field that the points are written to.
        run: String = Default::Required, Kind::Field(FieldKind::New);
        /// The vector field to read; without it `embedding`, or the only vector field there is.
        features: Option<String> = Default::Null, Kind::Optional(&Kind::Field(FieldKind::Vector));
        /// What everything random is drawn from; without it the seed of the session.
        seed: Option<i64> = Default::Null, Kind::Optional(&Kind::Int { lo: 0, hi: WHOLE });
        /// Whether a run of this key that is there already is replaced.
        overwrite: bool = Default::Bool(false), Kind::Bool;
    }
}

params! {
    /// What `cluster` needs to know beside the method's own parameters.
    pub struct ClusterParams {
        /// The clustering method.
        method: String = Default::Text("kmeans"), Kind::Text;
        /// The run's key, and the text field that the cluster ids are written to.
        run: String = Default::Required, Kind::Field(FieldKind::New);
        /// The vector field to read; without it `embedding`, or the only vector field there is.
        features: Option<String> = Default::Null, Kind::Optional(&Kind::Field(FieldKind::Vector));
        /// What everything random is drawn from; without it the seed of the session.
        seed: Option<i64> = Default::Null, Kind::Optional(&Kind::Int { lo: 0, hi: WHOLE });
        /// Whether a run of this key that is there already is replaced.
        overwrite: bool = Default::Bool(false), Kind::Bool;
    }
}

static EMBED: Signature = Signature {
    name: "embed",
    summary: "Turns the pictures of a view into vectors.",
    params: EmbedParams::TABLE,
    examples: &[Example {
        query: r#"embed(field="embedding")"#,
        shows: "Embeds every sample that has no vector yet with the built-in model.",
    }],
    returns: Returns::Run,
};

static REDUCE: Signature = Signature {
    name: "reduce",
    summary: "Places the vectors of a view in fewer dimensions.",
    params: ReduceParams::TABLE,
    examples: &[Example {
        query: r#"reduce(method="umap", run="map")"#,
        shows: "Makes a two-dimensional map.",
    }],
    returns: Returns::Run,
};

static CLUSTER: Signature = Signature {
    name: "cluster",
    summary: "Groups the samples of a view by their vectors.",
    params: ClusterParams::TABLE,
    examples: &[Example {
        query: r#"cluster(method="hdbscan", features="embedding", min_cluster_size=10, run="h10")"#,
        shows: "Finds dense groups of at least 10 samples.",
    }],
    returns: Returns::Run,
};

static OPERATORS: [Operator; 3] = [
    Operator {
        signature: &EMBED,
        methods: Vec::new,
    },
    Operator {
        signature: &REDUCE,
        methods: reduce_signatures,
    },
    Operator {
        signature: &CLUSTER,
        methods: cluster_signatures,
    },
];

fn reduce_signatures() -> Vec<&'static Signature> {
    reduce::METHODS
        .iter()
        .map(|method| method.signature())
        .collect()
}

fn cluster_signatures() -> Vec<&'static Signature> {
    cluster::METHODS
        .iter()
        .map(|method| method.signature())
        .collect()
}

/// Every operator with its methods.
pub fn operators() -> &'static [Operator] {
    &OPERATORS
}
