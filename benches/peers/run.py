#!/usr/bin/env python3
"""Runs other tools and Messier in turn on the same arrays, and prints one table of ratios.

    python3 benches/peers/run.py              every task, two threads each side
    python3 benches/peers/run.py kmeans umap  only these
    python3 benches/peers/run.py --quick      small arrays: does it all still run?

It makes a Python environment in target/peers from requirements.txt, builds our side in release, and takes the best of
several rounds, the two sides alternating, so that a busy machine hurts both. A ratio above 1 says that Messier is faster.
Each task is one file here, `task_NAME.py`, with a function `run(bench)`.
"""

import importlib
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "peers"
PYTHON = WORK / "venv" / "bin" / "python"
EXAMPLES = ROOT / "target" / "release" / "examples"
THREADS = 2
TASKS = ["kmeans", "knn", "hdbscan", "trees", "umap", "tsne", "ann", "pca", "embed", "silhouette", "means", "query", "portable"]


def environment():
    """Makes the environment, and goes on inside it."""
    wanted = (HERE / "requirements.txt").read_text()
    stamp = WORK / "venv" / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    if Path(sys.prefix) != WORK / "venv":
        limits = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")}
        # A core type forced on OpenBLAS from outside would slow the other side down.
        rest = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        os.execve(PYTHON, [str(PYTHON), __file__, *sys.argv[1:]], {**rest, **limits})


class Bench:
    """What a task is given: arrays, a way to run our side, a clock, and a place for its rows."""

    def __init__(self, quick):
        self.quick = quick
        self.rounds = 1 if quick else 3
        self.threads = THREADS
        self.work = WORK
        self.examples = EXAMPLES
        self.rows = []

    def alternate(self, sides, rounds=None):
        """Runs each of `sides` (name -> function giving seconds and a result) in turn; the best seconds and last result of each."""
        best = {}
        for _ in range(rounds or self.rounds):
            for name, side in sides.items():
                seconds, result = side()
                before = best.get(name, (float("inf"), None))[0]
                best[name] = (min(seconds, before), result)
        return best

    def timed(self, function):
        """A function as a side: its own seconds and its result."""

        def side():
            start = time.perf_counter()
            result = function()
            return time.perf_counter() - start, result

        return side

    def row(self, task, peer, theirs, ours, quality, unit="s"):
        """One line of the table. `theirs` and `ours` are seconds or milliseconds, or rates where `unit` says so."""
        ratio = theirs / ours if unit in ("s", "ms") else ours / theirs
        self.rows.append((task, peer, f"{theirs:.3g} {unit}", f"{ours:.3g} {unit}", f"{ratio:.2f}", quality))
        print(f"  {task} | {peer}: {theirs:.3g} {unit} | Messier: {ours:.3g} {unit} | x{ratio:.2f} | {quality}", flush=True)


def table(rows):
    heads = ("task", "peer", "peer's best", "Messier's best", "times faster", "quality")
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, ("---",) * len(heads), *rows)]
    return "\n".join(lines)


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    quick = "--quick" in sys.argv
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")] or TASKS
    for word in wanted:
        if word not in TASKS:
            sys.exit(f"There is no task {word}; there are {', '.join(TASKS)}.")
    environment()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--examples", "-p", "messier-benches", "-p", "messier-engine"], check=True, cwd=ROOT)
    bench = Bench(quick)
    sys.path.insert(0, str(HERE))
    for word in wanted:
        print(f"{word}:", flush=True)
        importlib.import_module(f"task_{word}").run(bench)
    load = os.getloadavg()[0]
    print(f"\n{processor()}, {os.cpu_count()} cores, {THREADS} threads each side, load {load:.1f} at the end\n")
    print(table(bench.rows))


if __name__ == "__main__":
    main()
