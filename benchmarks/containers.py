"""Every container through the remuxer and the receipt: real files, torture films, and trips between containers.

    MEDIACLEAN_CORPUS=... python -m benchmarks.containers [--write]

The sound is written at half its level, so that nothing is copied by chance; every row is checked by `verify`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mediaclean.errors import MediacleanError
from mediaclean.media import NewAudio, Receipt, check_target, choose_track, decode, probe, staged, verify, write
from tests.media.films import make, torture


def clean(source: Path, target: Path, *, drop: bool = False) -> tuple[Receipt, str, tuple[str, ...]]:
    """The source with its default track at half the level, verified; codec and notes."""
    media = probe(source)
    track = choose_track(media)
    check_target(media, target, replace=[track.number], drop_unsupported=drop)
    with staged(target, overwrite=True) as temporary:
        new = NewAudio((chunk * 0.5 for chunk in decode(media, track)), track.rate, track.layout)
        written = write(media, temporary, replace={track.number: new}, drop_unsupported=drop)
        receipt = verify(source, temporary, cleaned=[track.number], dropped=written.dropped)
    return receipt, written.audio[0].name, (*written.notes, *(f"left out: {line}" for line in written.dropped))


def row(name: str, source: Path, target: Path, *, drop: bool = False) -> str:
    """One line of the table."""
    try:
        receipt, codec, notes = clean(source, target, drop=drop)
    except MediacleanError as error:
        return f"| {name} | refused | | | | {error.message.replace(str(source), source.name)} |"
    lags = ", ".join("-" if lag.samples is None else str(lag.samples) for track in receipt.lags for lag in track.lags)
    copied = sum(proof.sha256_result != "" for proof in receipt.proofs)
    verdict = "verified" if receipt.ok else "FAILED"
    said = "; ".join((*receipt.failures, *notes))
    return f"| {name} | {verdict} | {codec} | {copied}/{len(receipt.proofs)} | {lags} | {said} |"


HEAD = "| file | verdict | codec | streams copied | lag in samples | notes |\n|---|---|---|---|---|---|"


def real(folder: Path) -> Iterator[str]:
    corpus = Path(os.environ.get("MEDIACLEAN_CORPUS", "nowhere"))
    for path in sorted([*corpus.glob("containers/*"), *corpus.glob("video/*.mp4")]):
        yield row(path.name, path, folder / f"clean{path.suffix}")


def films(folder: Path) -> Iterator[str]:
    for name, (suffix, film) in torture().items():
        yield row(f"{name} ({suffix})", make(folder / f"film{suffix}", film), folder / f"clean{suffix}")


def trips(folder: Path) -> Iterator[str]:
    """From each film through MP4, MOV and back to Matroska; where a container cannot hold something, without it."""
    for name, (suffix, film) in torture().items():
        path = make(folder / f"film{suffix}", film)
        for number, step in enumerate((".mp4", ".mov", ".mkv")):
            target = folder / f"trip{number}{step}"
            yield row(f"{name}: {path.suffix} to {step}", path, target, drop=True)
            if not target.exists():
                break
            path = target
        for target in folder.glob("trip*"):
            target.unlink()


def table() -> Iterator[str]:
    """The lines of CONTAINERS.md."""
    begun = time.monotonic()
    yield "# Containers\n"
    yield "`MEDIACLEAN_CORPUS=… python -m benchmarks.containers --write`\n"
    yield "Each row: the default track cleaned (here: halved in level), every other stream compared packet for packet"
    yield "with its source, fields and timestamps compared, the lag of the new sound measured at start, middle and end"
    yield "(`-`: silence there)."
    with tempfile.TemporaryDirectory() as name:
        parts = {"Real files": real, "Torture films": films, "Trips between containers": trips}
        for title, part in parts.items():
            yield f"\n## {title}\n\n{HEAD}"
            yield from part(Path(name))
    yield f"\nMade in {(time.monotonic() - begun) / 60:.1f} minutes."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write benchmarks/CONTAINERS.md")
    options = parser.parse_args()
    lines = []
    for line in table():
        print(line, flush=True)
        lines.append(line)
    if options.write:
        Path(__file__).with_name("CONTAINERS.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
