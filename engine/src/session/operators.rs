//! The operators, declared once: the parser's checks, the CLI's flags, help and completion all come from here.

use std::sync::LazyLock;

use messier_query::params;
use messier_query::signature::{
    Arg, Default, Example, FieldKind, Kind, Operator, Param, Returns, Signature,
};

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
    /// What `similarity` needs to know.
    pub struct SimilarityParams {
        /// The run's key.
        run: String = Default::Required, Kind::Text;
        /// The vector field to read; without it `embedding`, or the only vector field there is.
        features: Option<String> = Default::Null, Kind::Optional(&Kind::Field(FieldKind::Vector));
        /// How distances between vectors are measured.
        metric: String = Default::Text("euclidean"), Kind::Choice(&["euclidean", "cosine"]);
        /// How many nearest samples are kept for each.
        neighbors: usize = Default::Int(15), Kind::Int { lo: 1, hi: 10_000 }, unit "samples";
        /// Whether an index of this key that is there already is replaced; samples that came since are added to it where they can be.
        overwrite: bool = Default::Bool(false), Kind::Bool;
    }
}

params! {
    /// What `place` needs to know; the view before it says which samples.
    pub struct PlaceParams {
        /// The run of `reduce` or `cluster` that the samples get a value of.
        run: String = Default::Required, Kind::Text;
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

params! {
    /// What `score` needs to know.
    pub struct ScoreParams {
        /// The clustering run to judge again; or a field of labels, whose scores are shown and not kept.
        run: String = Default::Required, Kind::Text;
        /// The vector field to judge by; without it, the one that the run was made from. Scores by another field are shown and not kept.
        features: Option<String> = Default::Null, Kind::Optional(&Kind::Field(FieldKind::Vector));
        /// Whether the silhouette and the validity by density are exact however many samples there are.
        exact: bool = Default::Bool(false), Kind::Bool;
        /// Whether the validity by density (DBCV) is computed for methods that do not go by density too.
        density: bool = Default::Bool(false), Kind::Bool;
    }
}

params! {
    /// What `sweep` needs to know beside the values of the methods' parameters.
    pub struct SweepParams {
        /// The clustering methods to try; without it, kmeans.
        method: Option<Vec<String>> = Default::Null, Kind::Optional(&Kind::List(&Kind::Text));
        /// The key of the sweep; each try is kept as a run whose key begins with it.
        run: String = Default::Text("sweep"), Kind::Field(FieldKind::New);
        /// The vector fields to try; without it `embedding`, or the only vector field there is.
        features: Option<Vec<String>> = Default::Null, Kind::Optional(&Kind::List(&Kind::Field(FieldKind::Vector)));
        /// The score that tries are ranked by.
        by: String = Default::Text("silhouette"), Kind::Choice(&["silhouette", "calinski_harabasz", "davies_bouldin", "dbcv", "stability"]);
        /// How many times each try is done again on resampled rows, to tell how stable it is; 0 leaves that out.
        bootstrap: usize = Default::Int(0), Kind::Int { lo: 0, hi: 1000 };
        /// Whether each try is judged as `cluster` judges it; without it, the silhouette of more than 10,000 samples is told from 2,500 of them, with its standard error.
        exact: bool = Default::Bool(false), Kind::Bool;
        /// A method's row of tries ends once the score has not become better for so many; 0 does them all.
        patience: usize = Default::Int(0), Kind::Int { lo: 0, hi: WHOLE }, unit "tries";
        /// What everything random is drawn from; without it the seed of the session.
        seed: Option<i64> = Default::Null, Kind::Optional(&Kind::Int { lo: 0, hi: WHOLE });
        /// Whether runs of these keys that are there already are made again; without it, those that fit are taken over.
        overwrite: bool = Default::Bool(false), Kind::Bool;
    }
}

params! {
    /// What `merge` needs to know.
    pub struct MergeParams {
        /// The clustering run.
        run: String = Default::Required, Kind::Text;
        /// The clusters that become one, by id or by name; at least two.
        clusters: Vec<ClusterWord> = Default::Required, Kind::List(&Kind::Any);
        /// What the new cluster is called; without it, the name of the only one of them that has a name.
        name: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
    }
}

params! {
    /// What `split` needs to know.
    pub struct SplitParams {
        /// The clustering run.
        run: String = Default::Required, Kind::Text;
        /// The cluster to split, by id or by name.
        cluster: ClusterWord = Default::Required, Kind::Any;
        /// How many parts to make, with a method that is told; without it, 2.
        n_clusters: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 2, hi: WHOLE });
        /// The clustering method that finds the parts; what is not given here is at its defaults.
        method: String = Default::Text("kmeans"), Kind::Text;
        /// The fewest samples in a part, with a method that asks for it.
        min_cluster_size: Option<usize> = Default::Null, Kind::Optional(&Kind::Int { lo: 2, hi: WHOLE });
        /// How far neighbours may be apart, with a method that asks for it.
        eps: Option<f64> = Default::Null, Kind::Optional(&Kind::Float { lo: f64::MIN_POSITIVE, hi: f64::MAX });
        /// What everything random is drawn from; without it the seed of the run.
        seed: Option<i64> = Default::Null, Kind::Optional(&Kind::Int { lo: 0, hi: WHOLE });
    }
}

params! {
    /// What `move` needs to know; the view before it says which samples.
    pub struct MoveParams {
        /// The clustering run.
        run: String = Default::Required, Kind::Text;
        /// The cluster that the samples go to, by id or by name; -1 makes them noise, `new` makes a cluster of them.
        to: ClusterWord = Default::Required, Kind::Any;
        /// What a new cluster is called.
        name: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
    }
}

params! {
    /// What `rename_cluster` needs to know.
    pub struct RenameClusterParams {
        /// The clustering run.
        run: String = Default::Required, Kind::Text;
        /// The cluster, by id or by its name so far.
        cluster: ClusterWord = Default::Required, Kind::Any;
        /// What it is called from now on; without it, nothing.
        name: Option<String> = Default::Null, Kind::Optional(&Kind::Text);
    }
}

params! {
    /// What `dissolve` needs to know.
    pub struct DissolveParams {
        /// The clustering run.
        run: String = Default::Required, Kind::Text;
        /// The clusters that are to be no more, by id or by name.
        clusters: Vec<ClusterWord> = Default::Required, Kind::List(&Kind::Any);
        /// Where their samples go: to noise, or each to the cluster whose centre is nearest.
        into: String = Default::Text("noise"), Kind::Choice(&["noise", "nearest"]);
    }
}

/// A cluster by its id, written as a number or a text, or by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterWord(pub String);

impl messier_query::signature::FromArg for ClusterWord {
    fn from_arg(arg: &Arg) -> Option<Self> {
        match arg {
            Arg::Text(text) => Some(ClusterWord(text.trim().to_owned())),
            Arg::Int(id) => Some(ClusterWord(id.to_string())),
            _ => None,
        }
    }

    fn to_arg(&self) -> Arg {
        Arg::Text(self.0.clone())
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

static SIMILARITY: Signature = Signature {
    name: "similarity",
    summary: "Keeps the nearest neighbours of the samples of a view, so that they are found once.",
    params: SimilarityParams::TABLE,
    examples: &[Example {
        query: r#"similarity(features="embedding", metric="cosine", run="near")"#,
        shows: "Finds the 15 samples nearest to each by the angle between vectors; UMAP, t-SNE, HDBSCAN, OPTICS and spectral clustering with that metric then begin from them.",
    }],
    returns: Returns::Run,
};

static PLACE: Signature = Signature {
    name: "place",
    summary: "Gives samples that came after a run a value of it; the others keep theirs.",
    params: PlaceParams::TABLE,
    examples: &[Example {
        query: r#"place(run="map")"#,
        shows: "Puts every sample that has a vector and no point yet on the map.",
    }],
    returns: Returns::Run,
};

static SCORE: Signature = Signature {
    name: "score",
    summary: "Judges a clustering again, or any labels by any vectors.",
    params: ScoreParams::TABLE,
    examples: &[
        Example {
            query: r#"score(run="k20")"#,
            shows: "Computes the scores and the cluster table of a run again and keeps them with it.",
        },
        Example {
            query: r#"score(run="group", features="embedding")"#,
            shows: "Shows how well the values of a field fit the vectors, as if they were clusters.",
        },
    ],
    returns: Returns::Run,
};

static MERGE: Signature = Signature {
    name: "merge",
    summary: "Makes one cluster of several.",
    params: MergeParams::TABLE,
    examples: &[Example {
        query: r#"merge(run="k20", clusters=["3", "7"])"#,
        shows: "Puts the samples of clusters 3 and 7 into a new cluster with a number never used before.",
    }],
    returns: Returns::Run,
};

static SPLIT: Signature = Signature {
    name: "split",
    summary: "Splits a cluster into several by clustering its samples alone.",
    params: SplitParams::TABLE,
    examples: &[Example {
        query: r#"split(run="k20", cluster="0", n_clusters=3)"#,
        shows: "Makes three new clusters of cluster 0 with k-means.",
    }],
    returns: Returns::Run,
};

static MOVE: Signature = Signature {
    name: "move",
    summary: "Moves the samples of a view into another cluster.",
    params: MoveParams::TABLE,
    examples: &[Example {
        query: r#"match(F("k20") == "3").limit(5).move(run="k20", to="7")"#,
        shows: "Moves five samples of cluster 3 into cluster 7.",
    }],
    returns: Returns::Run,
};

static RENAME_CLUSTER: Signature = Signature {
    name: "rename_cluster",
    summary: "Gives a cluster a name; its id stays.",
    params: RenameClusterParams::TABLE,
    examples: &[Example {
        query: r#"rename_cluster(run="k20", cluster="3", name="beaches")"#,
        shows: "Calls cluster 3 beaches.",
    }],
    returns: Returns::Run,
};

static DISSOLVE: Signature = Signature {
    name: "dissolve",
    summary: "Takes clusters apart; their samples become noise or join the nearest cluster.",
    params: DissolveParams::TABLE,
    examples: &[Example {
        query: r#"dissolve(run="k20", clusters=["12"], into="nearest")"#,
        shows: "Gives each sample of cluster 12 to the cluster whose centre is nearest.",
    }],
    returns: Returns::Run,
};

static OPERATORS: LazyLock<Vec<Operator>> = LazyLock::new(|| {
    let alone = |signature| Operator {
        signature,
        methods: Vec::new,
    };
    vec![
        alone(&EMBED),
        Operator {
            signature: &REDUCE,
            methods: reduce_signatures,
        },
        Operator {
            signature: &CLUSTER,
            methods: cluster_signatures,
        },
        alone(&SIMILARITY),
        alone(&PLACE),
        alone(&SCORE),
        alone(sweep_signature()),
        alone(&MERGE),
        alone(&SPLIT),
        alone(&MOVE),
        alone(&RENAME_CLUSTER),
        alone(&DISSOLVE),
    ]
});

/// The signature of `sweep`: its own parameters, and a list of values for every parameter of any clustering method.
/// Made once from the methods' tables, so that a new method can be swept without a line here; it lives as long as the
/// program, like the tables it is made from.
fn sweep_signature() -> &'static Signature {
    let copy = |param: &Param, kind: Kind, default: Default, doc: &'static str| Param {
        name: param.name,
        kind,
        default,
        doc,
        unit: param.unit,
    };
    let mut params: Vec<Param> = SweepParams::TABLE
        .iter()
        .map(|param| copy(param, param.kind, param.default, param.doc))
        .collect();
    let methods = cluster_signatures();
    for method in &methods {
        for param in method.params {
            if params.iter().any(|known| known.name == param.name) {
                continue;
            }
            let having: Vec<&str> = methods
                .iter()
                .filter(|method| method.param(param.name).is_some())
                .map(|method| method.name)
                .collect();
            let doc = format!(
                "Values of {} to try with {}: a list, or a range such as 5..50:5 for numbers.",
                param.name,
                having.join(", ")
            );
            let kind = Kind::Optional(&Kind::List(&Kind::Any));
            params.push(copy(param, kind, Default::Null, String::leak(doc)));
        }
    }
    Box::leak(Box::new(Signature {
        name: "sweep",
        summary: "Runs every combination of methods, features and parameters, best first.",
        params: Vec::leak(params),
        examples: &[
            Example {
                query: r#"sweep(method=["kmeans"], n_clusters=[5, 10, 20])"#,
                shows: "Clusters with 5, 10 and 20 clusters, keeps the runs sweep_5, sweep_10 and sweep_20, and ranks them by silhouette.",
            },
            Example {
                query: r#"sweep(method=["kmeans", "hdbscan"], n_clusters="5..50:5", min_cluster_size=[5, 10], patience=3)"#,
                shows: "Tries two methods, each with the parameters it has, and stops raising k after three tries without gain.",
            },
        ],
        returns: Returns::Run,
    }))
}

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
