"""What the tasks of maps and neighbours share: data, our side, and one judgement for both sides."""

import json
import subprocess

import numpy as np


def mixture(n, d, clusters, seed):
    """Uneven Gaussians of local dimension 24 on the unit sphere with a shared mean, and 10 % background."""
    rng = np.random.default_rng(seed)
    which = rng.choice(clusters, size=n, p=rng.dirichlet(np.full(clusters, 2.0)))
    shared = rng.normal(size=d)
    shared /= np.linalg.norm(shared)
    centres = rng.normal(size=(clusters, d))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    x = np.empty((n, d))
    for c in range(clusters):
        rows = np.flatnonzero(which == c)
        basis = 0.45 * rng.normal(size=(24, d)) / np.sqrt(d)
        along = rng.normal(size=(len(rows), 24)) * np.linspace(1, 0.2, 24)
        x[rows] = shared + centres[c] + along @ basis + 0.02 * rng.normal(size=(len(rows), d))
    background = np.flatnonzero(rng.random(n) < 0.1)
    x[background] = shared + 1.2 * rng.normal(size=(len(background), d)) / np.sqrt(d)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32), which.astype(np.int32)


def ours(bench, task, folder, *more):
    """Runs `task` on `folder/x.npy` in a process of its own: seconds, and what it printed and wrote."""
    command = [bench.examples / "reduce_timings", task, folder / "x.npy", folder / "out.npy", bench.threads, 1, *more]
    out = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    found = json.loads(out.stdout)
    return min(found["seconds"]), (dict(found["scores"]), np.load(folder / "out.npy"))


def sample(n, count):
    """At most `count` of `n` rows, the same ones each time."""
    return np.sort(np.random.default_rng(0).choice(n, min(n, count), replace=False))


def nearest(x, rows, k):
    """The `k` nearest of some rows among all, themselves left out; single precision proposes and double decides."""
    squares = np.einsum("ij,ij->i", x, x)
    found = np.empty((len(rows), k), dtype=np.int64)
    for first in range(0, len(rows), 100):
        some = rows[first:first + 100]
        gaps = squares[None, :] - 2 * (x[some] @ x.T)
        gaps[np.arange(len(some)), some] = np.inf
        near = np.argpartition(gaps, 3 * k, axis=1)[:, :3 * k]
        for at, row in enumerate(some):
            exact = ((x[near[at]].astype("f8") - x[row]) ** 2).sum(axis=1)
            found[first + at] = near[at][np.argsort(exact)[:k]]
    return found


def trustworthiness(x, points, k=15, count=2_000):
    """Trustworthiness as scikit-learn defines it, by a sample of rows whose neighbours and ranks are among all rows."""
    n = len(x)
    rows = sample(n, count)
    points = np.ascontiguousarray(points, dtype=np.float64)
    # Small numbers keep single precision exact enough: ranks are counted by differences of squared distances.
    centred = x - x.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    penalty = 0
    for first in range(0, len(rows), 50):
        some = rows[first:first + 50]
        gaps = squares[None, :] - 2 * (centred[some] @ centred.T)
        gaps[np.arange(len(some)), some] = -np.inf
        for at, row in enumerate(some):
            apart = ((points - points[row]) ** 2).sum(axis=1)
            apart[row] = np.inf
            near = np.argpartition(apart, k)[:k]
            ordered = np.sort(gaps[at])
            # The row itself is at rank 0.
            ranks = np.searchsorted(ordered, gaps[at][near], side="left")
            penalty += np.maximum(ranks - k, 0).sum()
    return float(1 - 2 * penalty / (len(rows) * k * (2 * n - 3 * k - 1)))
