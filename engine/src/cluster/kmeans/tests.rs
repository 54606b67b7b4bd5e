//! Against linfa's k-means, scikit-learn's reference values, and plain code.
