//! Is a clustering any good: scores of the whole, of each cluster and of each sample.

mod agreement;
mod cluster_table;
mod dbcv;
mod describe;
mod internal;
mod matching;
mod silhouette;
mod stability;
mod trustworthiness;

pub use agreement::Agreement;
pub(crate) use cluster_table::Centre;
pub use cluster_table::ClusterDescription;
pub use dbcv::{DBCV_ROWS, Dbcv, dbcv};
pub use describe::{Description, Wanted, describe};
pub use internal::{calinski_harabasz, davies_bouldin};
pub use matching::best_pairs;
pub use silhouette::{EXACT_ROWS, Effort, Silhouettes, silhouettes, silhouettes_with};
pub use stability::stability;
pub use trustworthiness::{Trustworthiness, trustworthiness};
