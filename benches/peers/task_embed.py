"""EfficientNet-Lite0 at batch 32: the network alone, in onnxruntime and in ours, on pictures that are 224 x 224 already."""

import json
import subprocess

import numpy as np


def run(bench):
    import onnxruntime
    from PIL import Image

    import embed

    batch = 32
    folder = bench.work / "pictures"
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(1).integers(0, 256, (batch, 224, 224, 3), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{number:02}.png")

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = bench.threads
    session = onnxruntime.InferenceSession(embed.build(), options, providers=["CPUExecutionProvider"])
    x = ((pixels.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2).copy()

    def ours():
        program, out = bench.examples / "encoder", bench.work / "vectors.f32"
        words = [program, "efficientnet-lite0", folder, "3", out]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(said)["seconds"], np.fromfile(out, dtype="<f4").reshape(batch, 1280)

    best = bench.alternate({"ours": ours, "onnxruntime": bench.timed(lambda: session.run(None, {"x": x})[0])})
    (seconds, own), (theirs, other) = best["ours"], best["onnxruntime"]
    cosine = (own * other).sum(1) / np.linalg.norm(own, axis=1) / np.linalg.norm(other, axis=1)
    quality = f"least cosine {cosine.min():.6f}"
    bench.row(f"EfficientNet-Lite0, batch {batch}", "onnxruntime", batch / theirs, batch / seconds, quality, unit="img/s")
