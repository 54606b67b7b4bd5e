//! The reference page in the repository is the one that the signatures give.

use std::path::Path;

#[test]
fn the_reference_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/query.md");
    let page = messier_query::reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/reference/query.md is stale: run `UPDATE=1 cargo test -p messier-query reference`"
    );
}

#[test]
fn the_reference_page_names_everything() {
    let page = messier_query::reference();
    for signature in messier_query::signatures() {
        assert!(page.contains(signature.summary), "{}", signature.name);
    }
}
