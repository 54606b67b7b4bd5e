#!/usr/bin/env python3
"""Make the clustering fixture: embeddings of 600 demo emoji with their labels.

    python3 tools/make_emoji_embeddings.py

Needs the packages that make_efficientnet_fixture.py needs. Takes 600 of the
pictures of the demo tar, spread evenly over the sorted file names (picture
i * count // 600, so about every third), embeds them with the original f32
weights and the recipe of make_efficientnet_fixture.py, and writes
embeddings.npy (f16, 600 x 1280, not normalised) and labels.csv, row by row in
the same order.
"""
import csv
import io
import tarfile

import numpy as np
import torch
from make_efficientnet_fixture import EMOJI_TAR, ROOT, load_network, preprocess, run

OUT = ROOT / "engine/tests/fixtures/emoji-embeddings"
COUNT = 600


def main() -> None:
    torch.set_num_threads(1)
    with tarfile.open(EMOJI_TAR) as tar:
        text = tar.extractfile("labels.csv").read().decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        rows = [rows[i * len(rows) // COUNT] for i in range(COUNT)]
        pixels = np.stack([preprocess(tar.extractfile(r["filepath"])) for r in rows])

    embeddings, _ = run(load_network(), pixels)
    OUT.mkdir(parents=True, exist_ok=True)
    np.save(OUT / "embeddings.npy", embeddings.astype("<f2"))
    with open(OUT / "labels.csv", "w", encoding="utf-8", newline="") as f:
        out = csv.DictWriter(f, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)

    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    near = unit @ unit.T
    np.fill_diagonal(near, -1)
    near = near.argmax(axis=1)
    for level in ("group", "subgroup"):
        label = np.array([r[level] for r in rows])
        hit = (label[near] == label).mean()
        print(f"leave-one-out cosine 1-NN, {level}: {hit:.3f} of {len(set(label))} labels")


if __name__ == "__main__":
    main()
