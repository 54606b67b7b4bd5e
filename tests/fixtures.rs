//! Stores that several tests start from: built once a test process, then copied.
//!
//! They lie in the build folder under the process's number, since nothing drops a static; what ended processes left is
//! removed first.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::world::World;

/// A world with the dataset `points`: 90 vectors of 8 dimensions in three blobs of 30, in the field `embedding`.
pub fn points() -> World {
    static MADE: OnceLock<World> = OnceLock::new();
    copy_of(MADE.get_or_init(|| {
        let world = shared("points");
        world.blobs("points.npy", 90, 8, 3);
        world.ok("import points.npy --name points --field embedding --quiet");
        world
    }))
}

/// A world with the dataset `trip`: twelve pictures of three kinds from `trip/`, labelled from their folders, with the field
/// `embedding`. The pictures are where the dataset says, outside the world: read them, leave them.
pub fn trip() -> World {
    static MADE: OnceLock<World> = OnceLock::new();
    copy_of(MADE.get_or_init(|| {
        let world = shared("trip");
        world.class_tree("trip", 4);
        world.ok("import trip --name trip --recursive --label-from-folder --quiet");
        world.ok("embed trip --quiet");
        world
    }))
}

fn shared(name: &str) -> World {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    sweep(folder);
    World::staying_at(folder.join(format!("{name}-{}", std::process::id())))
}

fn sweep(folder: &Path) {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name
            .to_str()
            .and_then(|n| n.rsplit_once('-'))
            .map(|(_, p)| p)
        else {
            continue;
        };
        if process.parse::<u32>().is_ok() && !processes.join(process).exists() {
            // Another test process may sweep the same folder; who comes second has nothing left to do.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn copy_of(made: &World) -> World {
    let world = World::new();
    world.copy_store(made);
    world
}
