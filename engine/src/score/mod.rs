//! Is a clustering any good: scores of the whole, of each cluster and of each sample.

mod agreement;
mod describe;
mod internal;
mod silhouette;
mod trustworthiness;

pub use agreement::Agreement;
pub use describe::{ClusterDescription, Description, describe};
pub use internal::{calinski_harabasz, davies_bouldin};
pub use silhouette::{EXACT_ROWS, Silhouettes, silhouettes};
pub use trustworthiness::{Trustworthiness, trustworthiness};
