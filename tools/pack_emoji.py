#!/usr/bin/env python3
"""Pack the demo pictures: Noto emoji, 64 px, into one uncompressed tar.

    npm pack emoji-datasource-google@16.0.0
    python3 tools/pack_emoji.py emoji-datasource-google-16.0.0.tgz \
        engine/assets/demo/noto-emoji-64.tar

Takes the base emoji (no skin tones) that have an image, leaves out the
category "Component", and adds labels.csv. The PNG files go in byte for byte:
they are already optimised, and oxipng with zopfli gains less than 1 %. The tar
is deterministic: sorted names, mtime 0, uid/gid 0.
"""
import argparse
import csv
import hashlib
import io
import json
import tarfile

PREFIX = "package/img/google/64/"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("package", help="emoji-datasource-google-16.0.0.tgz")
    ap.add_argument("output", help="the tar to write")
    args = ap.parse_args()

    with tarfile.open(args.package) as tar:
        emoji = json.load(tar.extractfile("package/emoji.json"))
        files = {
            m.name[len(PREFIX):]: tar.extractfile(m).read()
            for m in tar
            if m.name.startswith(PREFIX) and m.name.endswith(".png")
        }

    chosen = {}
    for e in emoji:
        if e["has_img_google"] and e["category"] != "Component":
            chosen[e["unified"].lower() + ".png"] = e
    names = sorted(chosen)

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["filepath", "group", "subgroup", "name"])
    for n in names:
        e = chosen[n]
        rows.writerow([n, e["category"], e["subcategory"], e["name"].lower()])

    entries = {n: files[n] for n in names}
    entries["labels.csv"] = text.getvalue().encode("utf-8")
    with tarfile.open(args.output, "w", format=tarfile.USTAR_FORMAT) as tar:
        for n in sorted(entries):
            info = tarfile.TarInfo(n)  # mtime, uid and gid are 0 by default
            info.size = len(entries[n])
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(entries[n]))

    out = open(args.output, "rb").read()
    print(f"{len(names)} pictures, {sum(len(files[n]) for n in names)} bytes of PNG")
    print(f"{len(out)} bytes, sha256 {hashlib.sha256(out).hexdigest()}")


if __name__ == "__main__":
    main()
