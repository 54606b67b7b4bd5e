#!/usr/bin/env python3
"""EfficientNet-Lite0 in onnxruntime, on the pixels and the weights that Messier uses: images a second at batch 32.

    pip install numpy onnx onnxruntime safetensors pillow
    python3 benches/peers/embed.py --threads 2
    RAYON_NUM_THREADS=2 cargo bench -p messier-benches --bench embed -- --quick

The ONNX graph is built here from engine/assets/models/efficientnet-lite0.safetensors, so that both sides run the same
network. Batch norms are folded as onnxruntime would do. Prints one line of JSON; --check compares with the fixture.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "engine/assets/models/efficientnet-lite0.safetensors"
FIXTURE = ROOT / "engine/tests/fixtures/efficientnet"
# (kernel, stride of the first block, blocks)
STAGES = [(3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1)]


def build() -> bytes:
    weights = {k: v.astype(np.float32) for k, v in load_file(WEIGHTS).items()}
    nodes, tensors = [], []

    def constant(name, value):
        tensors.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    constant("zero", np.array(0.0)), constant("six", np.array(6.0))

    def conv(x, size, conv_name, norm, stride, relu, out):
        w = weights[conv_name + ".weight"]
        gain = weights[norm + ".weight"] / np.sqrt(weights[norm + ".running_var"] + 1e-3)
        bias = weights[norm + ".bias"] - weights[norm + ".running_mean"] * gain
        kernel = w.shape[2]
        after = -(-size // stride)
        total = max((after - 1) * stride + kernel - size, 0)
        before = total // 2
        group = w.shape[0] if w.shape[1] == 1 and kernel > 1 else 1
        nodes.append(helper.make_node(
            "Conv", [x, constant(out + ".w", w * gain[:, None, None, None]), constant(out + ".b", bias)],
            [out + ".c" if relu else out], kernel_shape=[kernel, kernel], strides=[stride, stride], group=group,
            pads=[before, before, total - before, total - before]))
        if relu:
            nodes.append(helper.make_node("Clip", [out + ".c", "zero", "six"], [out]))
        return out, after

    x, size = conv("x", 224, "_conv_stem", "_bn0", 2, True, "stem")
    block = 0
    for _, first, repeats in STAGES:
        for repeat in range(repeats):
            name, stride, before = f"_blocks.{block}.", first if repeat == 0 else 1, x
            if block > 0:
                x, size = conv(x, size, name + "_expand_conv", name + "_bn0", 1, True, name + "e")
            x, size = conv(x, size, name + "_depthwise_conv", name + "_bn1", stride, True, name + "d")
            x, size = conv(x, size, name + "_project_conv", name + "_bn2", 1, False, name + "p")
            if repeat > 0:
                nodes.append(helper.make_node("Add", [x, before], [name + "r"]))
                x = name + "r"
            block += 1
    x, size = conv(x, size, "_conv_head", "_bn1", 1, True, "head")
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["pool"]))
    nodes.append(helper.make_node("Flatten", ["pool"], ["y"]))
    graph = helper.make_graph(
        nodes, "lite0", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1280])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--rounds", type=int, default=8)
    ap.add_argument("--check", action="store_true")
    args = ap.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(build(), options, providers=["CPUExecutionProvider"])
    expected = load_file(FIXTURE / "expected.safetensors")
    names = json.loads((FIXTURE / "names.json").read_text())
    if args.check:
        for name in names["pixels"]:
            pixels = expected["pixels/" + name].astype(np.float32)
            x = ((pixels - 127) / 128).transpose(2, 0, 1)[None]
            got, want = session.run(None, {"x": x})[0][0], expected["embedding"][names["images"].index(name)]
            cosine = got @ want / np.linalg.norm(got) / np.linalg.norm(want)
            print(name, "cosine", cosine)
            assert cosine > 0.9999
    x = np.random.default_rng(1).standard_normal((args.batch, 3, 224, 224), dtype=np.float32)
    session.run(None, {"x": x})
    times = []
    for _ in range(args.rounds):
        began = time.perf_counter()
        session.run(None, {"x": x})
        times.append(time.perf_counter() - began)
    print(json.dumps({
        "peer": "onnxruntime " + onnxruntime.__version__, "batch": args.batch, "threads": args.threads,
        "images_per_second": round(args.batch / min(times), 2),
    }))


if __name__ == "__main__":
    main()
