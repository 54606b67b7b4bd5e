//! Promise: embeddings are the reference implementation's, and depend on nothing but the picture.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use messier_engine::Error;
use messier_engine::context::{Context, Stop};
use messier_engine::decode::{self, Rgb};
use messier_engine::models::{ENCODERS, Encoder, WINDOW, embed_files, encoder};
use messier_store::SampleId;
use safetensors::SafeTensors;

use crate::world::{World, fixture};

static LITE0: LazyLock<Arc<dyn Encoder>> = LazyLock::new(|| encoder("efficientnet_lite0").unwrap());

fn names() -> Vec<String> {
    let names: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture().join("names.json")).unwrap()).unwrap();
    names["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

fn pictures() -> Vec<Rgb> {
    let path = |name: String| fixture().join("images").join(name);
    names()
        .into_iter()
        .map(|name| decode::pixels(&path(name)).unwrap())
        .collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn f32s(data: &[u8]) -> Vec<f32> {
    data.as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

/// What the reference says about the fixture: embeddings, row after row, and the best class of each.
fn expected() -> (Vec<f32>, Vec<i64>) {
    let bytes = std::fs::read(fixture().join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let embedding = tensors.tensor("embedding").unwrap();
    let top1 = tensors.tensor("top1").unwrap();
    let top1 = top1
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|b| i64::from_le_bytes(*b))
        .collect();
    (f32s(embedding.data()), top1)
}

/// Those pictures that are less like the reference than `least`, or of another class.
fn unlike(pictures: &[(String, Rgb)], least: f64) -> Vec<String> {
    let (expected, top1) = expected();
    let order = names();
    let mut wrong = Vec::new();
    for (name, picture) in pictures {
        let i = order.iter().position(|known| known == name).unwrap();
        let vector = LITE0.embed_one(picture).unwrap();
        assert_eq!(vector.len(), LITE0.dims());
        let alike = cosine(&vector, &expected[i * 1280..(i + 1) * 1280]);
        let logits = LITE0.logits(&vector).unwrap().unwrap();
        let class = (0..logits.len())
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap();
        if alike < least || class as i64 != top1[i] {
            let (ours, theirs) = (LITE0.classes()[class], LITE0.classes()[top1[i] as usize]);
            wrong.push(format!("{name}: cosine {alike:.6}, {ours} for {theirs}"));
        }
    }
    wrong
}

#[test]
fn vectors_and_classes_are_those_of_the_pytorch_package() {
    // From the file on; of JPEGs, whose decoders differ, from the reference's pixels on.
    let pixels = |name: &String| match name.strip_suffix(".jpg") {
        Some(stem) => fixture().join("pixels").join(format!("{stem}.png")),
        None => fixture().join("images").join(name),
    };
    let all: Vec<(String, Rgb)> = names()
        .into_iter()
        .map(|name| (name.clone(), decode::pixels(&pixels(&name)).unwrap()))
        .collect();
    assert_eq!(all.len(), 32);
    assert_eq!(unlike(&all, 0.9999), Vec::<String>::new());
}

#[test]
fn our_jpeg_decoder_moves_no_class_and_hardly_a_vector() {
    let jpegs = names().into_iter().filter(|name| name.ends_with(".jpg"));
    let all: Vec<(String, Rgb)> = jpegs
        .map(|name| {
            (
                name.clone(),
                decode::pixels(&fixture().join("images").join(&name)).unwrap(),
            )
        })
        .collect();
    assert_eq!(all.len(), 5);
    // A decoder that upsampled chroma without interpolation would be at 0.99.
    assert_eq!(unlike(&all, 0.9995), Vec::<String>::new());
}

#[test]
fn the_same_picture_gives_the_same_bits_in_any_company_and_on_any_number_of_threads() {
    let pictures: Vec<Rgb> = pictures().into_iter().take(9).collect();
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    let bits = |vectors: Vec<Vec<f32>>| -> Vec<Vec<u32>> {
        vectors
            .into_iter()
            .map(|vector| vector.into_iter().map(f32::to_bits).collect())
            .collect()
    };
    let alone: Vec<Vec<f32>> = pool(1).install(|| {
        pictures
            .iter()
            .map(|picture| LITE0.embed_one(picture).unwrap())
            .collect()
    });
    let alone = bits(alone);
    for threads in [1, 2, 4] {
        assert_eq!(
            bits(pool(threads).install(|| LITE0.embed(&pictures).unwrap())),
            alone,
            "{threads} threads"
        );
    }
    let reversed: Vec<Rgb> = pictures.iter().rev().take(5).cloned().collect();
    let together = bits(pool(2).install(|| LITE0.embed(&reversed).unwrap()));
    assert!(together.iter().eq(alone.iter().rev().take(5)));
}

#[test]
fn a_broken_picture_loses_only_itself() {
    let world = World::new();
    let fine = fixture().join("images/emoji-1f436.png");
    let broken = world.write("broken.png", b"\x89PNG\r\n\x1a\nrubbish");
    let id = |n| SampleId([n; 12]);
    let items = [
        (id(1), fine.clone()),
        (id(2), broken),
        (id(3), world.path("gone.jpg")),
        (id(4), fine),
    ];
    let mut got = Vec::new();
    embed_files(LITE0.as_ref(), &items, &world.ctx, &mut |start, vectors| {
        got.push((
            start,
            vectors.iter().map(Option::is_some).collect::<Vec<_>>(),
        ));
        Ok(())
    })
    .unwrap();
    assert_eq!(got, [(0, vec![true, false, false, true])]);
    let notes = world.ctx.notes.sorted();
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[0].sample.as_deref(), Some(id(2).to_string().as_str()));
    assert!(
        notes[1].message.ends_with("the file is not there"),
        "{}",
        notes[1].message
    );
}

/// An encoder whose vector is the first pixel, so that the pipeline can be tested without the network's weight.
struct FirstPixel;

impl Encoder for FirstPixel {
    fn name(&self) -> &'static str {
        "first-pixel"
    }
    fn dims(&self) -> usize {
        3
    }
    fn input(&self) -> (u32, u32) {
        (1, 1)
    }
    fn embed_one(&self, picture: &Rgb) -> Result<Vec<f32>, Error> {
        Ok(picture.data[..3].iter().map(|&c| f32::from(c)).collect())
    }
}

fn many(world: &World, count: usize) -> Vec<(SampleId, PathBuf)> {
    let files: Vec<PathBuf> = (0..7)
        .map(|seed| world.png(&format!("{seed}.png"), seed))
        .collect();
    (0..count)
        .map(|i| (SampleId([i as u8; 12]), files[i % 7].clone()))
        .collect()
}

#[test]
fn windows_come_in_order_and_an_interruption_keeps_what_was_handed_over() {
    let world = World::new();
    let items = many(&world, WINDOW * 2 + 10);
    let mut starts = Vec::new();
    embed_files(&FirstPixel, &items, &world.ctx, &mut |start, vectors| {
        for (i, vector) in vectors.iter().enumerate() {
            assert_eq!(vector.as_ref().unwrap()[0], ((start + i) % 7) as f32);
        }
        starts.push((start, vectors.len()));
        Ok(())
    })
    .unwrap();
    assert_eq!(starts, [(0, WINDOW), (WINDOW, WINDOW), (WINDOW * 2, 10)]);

    for fuse in [1, WINDOW as u64, WINDOW as u64 + 1, WINDOW as u64 * 2 + 5] {
        let ctx = Context {
            stop: Stop::at_tick(fuse),
            ..Context::new(0)
        };
        let mut kept = 0;
        let outcome = embed_files(&FirstPixel, &items, &ctx, &mut |start, vectors| {
            assert_eq!(start, kept);
            kept += vectors.len();
            Ok(())
        });
        assert!(matches!(outcome, Err(Error::Cancelled(_))));
        assert_eq!(kept, (fuse as usize - 1) / WINDOW * WINDOW);
    }
}

#[test]
fn a_failing_callback_ends_the_work() {
    let world = World::new();
    let outcome = embed_files(&FirstPixel, &many(&world, 3), &world.ctx, &mut |_, _| {
        Err(Error::Input("full".into()))
    });
    assert_eq!(outcome.unwrap_err().to_string(), "full");
}

#[test]
fn the_registry_knows_its_encoders_and_suggests_them() {
    for listed in ENCODERS {
        let encoder = (listed.load)().unwrap();
        assert_eq!((encoder.name(), encoder.dims()), (listed.name, listed.dims));
        assert!(listed.summary.ends_with('.'));
    }
    let problem = encoder("efficientnet-lite").err().unwrap().to_string();
    assert!(problem.contains("efficientnet-lite0"), "{problem}");
    assert_eq!(LITE0.classes().len(), 1000);
    assert!(LITE0.logits(&[0.0; 3]).is_err());
}
