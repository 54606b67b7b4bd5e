//! Every path that `ARCHITECTURE.md` names in code marks exists, and every crate of the workspace is on it.

use std::fs;

use super::the_guide_works::root;

#[test]
fn every_path_it_names_exists() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let mut paths = 0;
    for name in page.split('`').skip(1).step_by(2) {
        let looks_like_a_path =
            name.contains('/') && !name.contains(' ') && !name.starts_with(['-', '/', '.', '$']);
        if looks_like_a_path {
            paths += 1;
            assert!(root().join(name).exists(), "{name} is not there");
        }
    }
    assert!(
        paths >= 10,
        "only {paths} paths were found: is the page still written as it was?"
    );
}

#[test]
fn every_crate_is_on_it() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let members = manifest
        .lines()
        .find(|l| l.starts_with("members"))
        .expect("the members");
    for member in members.split('"').skip(1).step_by(2) {
        assert!(
            page.contains(&format!("`{member}/`")),
            "the crate {member} is missing"
        );
    }
}
