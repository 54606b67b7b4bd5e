//! Is a clustering any good: scores of the whole, of each cluster and of each sample.

mod agreement;
mod cluster_table;
mod dbcv;
mod describe;
mod internal;
mod silhouette;
mod trustworthiness;

pub use agreement::Agreement;
pub use cluster_table::ClusterDescription;
pub use dbcv::{DBCV_ROWS, Dbcv, dbcv};
pub use describe::{Description, Wanted, describe};
pub use internal::{calinski_harabasz, davies_bouldin};
pub use silhouette::{EXACT_ROWS, Silhouettes, silhouettes, silhouettes_up_to};
pub use trustworthiness::{Trustworthiness, trustworthiness};
