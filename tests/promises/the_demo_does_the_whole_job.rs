//! `messier demo` imports, embeds, reduces and clusters the pictures that come with it, and leaves maps, folders and a store to ask.

use serde_json::json;

use crate::world::World;

#[test]
fn the_demo_runs_from_nothing_to_folders() {
    let world = World::new();
    let ran = world.ok("demo try");
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "no colour without a terminal"
    );
    let lists = ran.stdout.to_lowercase();
    for said in ["silhouette", "medoid", "messier repl", "messier query"] {
        assert!(lists.contains(said), "{said:?} is missing: {ran}");
    }

    let files = world.files("try");
    let pictures = |end: &str| {
        files
            .iter()
            .filter(|f| f.ends_with(end) && !f.contains("/noto"))
            .count()
    };
    assert!(pictures(".svg") >= 1 && pictures(".png") >= 1, "{files:?}");

    let store = files
        .iter()
        .find_map(|f| f.strip_suffix("/journal"))
        .expect("a store")
        .to_owned();
    let list = world.json(&format!("--store try/{store} list"));
    let name = list[0]["name"].as_str().expect("a dataset");
    assert_eq!(list[0]["samples"], 1906);
    let runs = world.json(&format!("--store try/{store} runs {name}"));
    let did: Vec<(&str, &str)> = runs
        .as_array()
        .expect("runs")
        .iter()
        .map(|r| {
            (
                r["operator"].as_str().expect("an operator"),
                r["method"].as_str().expect("a method"),
            )
        })
        .collect();
    for expected in [
        ("reduce", "umap"),
        ("cluster", "kmeans"),
        ("cluster", "hdbscan"),
    ] {
        assert!(did.contains(&expected), "{expected:?} is missing: {did:?}");
    }
    let embedded = world.json(&format!(
        "--store try/{store} query {name} 'exists(\"embedding\").count()'"
    ));
    assert_eq!(embedded["value"], json!(1906));
}
