"""Gather public recordings for training into the folders that `prepare` reads; needs git and a connection.

    python -m training.gather --clones CLONES --material MATERIAL

A repository is cloned into CLONES as OWNER+NAME, unless it is there already. MODEL_CARD.md says under which licence
each source is, and what else was trained on. All of it may be trained on; not all of it may be passed on as it is.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mediaclean.audio import Samples
from mediaclean.errors import MediaError
from mediaclean.media import decode, probe
from training.prepare import ENDINGS

HOST = "https://github.com"
FOREIGN = (".m4a", ".webm")
"""Endings of files that `prepare` does not read; they become FLAC."""


@dataclass(frozen=True)
class Source:
    """Files of a repository.

    Attributes:
        repository: OWNER/NAME.
        kind: the folder of MATERIAL.
        family: the name that its files get, by which packs.py weighs them.
        wanted: what a path must hold somewhere.
        unwanted: what it must not hold.
        branch: where the files are.
    """

    repository: str
    kind: str
    family: str
    wanted: str = ""
    unwanted: str = "^$"
    branch: str = "HEAD"

    def takes(self, path: str) -> bool:
        """Whether a path is wanted."""
        ending = Path(path).suffix.lower()
        known = ending in ENDINGS or ending in FOREIGN
        return known and bool(re.search(self.wanted, path)) and not re.search(self.unwanted, path)


SOURCES = (
    Source("jimbozhang/speechocean762", "speech", "speechocean762"),
    Source("Edresson/YourTTS", "speech", "yourtts_refs", "/reference/", branch="gh-pages"),
    Source("auspicious3000/autovc", "speech", "vctk", "^wavs/"),
    Source("cjthomas-opensource/mcmusic-kevin-macleod", "music", "kevin_macleod", "^music/"),
    Source("openclonk/openclonk", "music", "openclonk", r"Music\.ocg/"),
    Source("OpenHV/OpenHV", "music", "openhv", "/timbeek/"),
    Source("gm3/cc0-beats", "music", "gm3"),
    Source("uncle-sheepsky/duru-cc0-bgm", "music", "duru"),
    Source(
        "remvze/moodist", "noise", "moodist", "^public/sounds/",
        "/binaural/|/noise/|silence|crowd|wind-chimes|singing-bowl",  # voices, music, and what formulas make better
    ),
    Source("hainguyents13/mechvibes", "noise", "mechvibes"),
    Source("openclonk/openclonk", "noise", "openclonk_sound", r"Sound\.ocg/", r"Clonk\.ocg/Skin|UI\.ocg"),
    Source("OpenHV/OpenHV", "noise", "openhv_sfx", "/cc0/|/cc-by", "announcer"),
    Source("rse/soundfx", "noise", "rse"),
)  # fmt: skip

SONGS = Source("ichbinsoftware/everythingisremixed", "music", "eif", "_mobile")
"""Songs in stems, a folder each: with all of them, and without those of the voices."""
VOICES = "VOX"


class Clone:
    """A clone, read through git, so that a bare one will do.

    Args:
        clones: where clones are.
        source: of it.

    Raises:
        subprocess.CalledProcessError: if it cannot be cloned.
    """

    def __init__(self, clones: Path, source: Source) -> None:
        self._path = clones / source.repository.replace("/", "+")
        self._branch = source.branch
        if not self._path.exists():
            branch = [] if source.branch == "HEAD" else ["--branch", source.branch]
            address = f"{HOST}/{source.repository}"
            subprocess.run(["git", "clone", "--quiet", "--depth", "1", *branch, address, self._path], check=True)

    def files(self, source: Source) -> Iterator[tuple[str, bytes]]:
        """Path and content of what the source takes, each content once; what the clone lacks is left out."""
        tree = self._git("ls-tree", "-r", "-z", self._branch).decode("utf-8", "replace")
        seen: set[str] = set()
        for entry in filter(None, tree.split("\0")):
            place, path = entry.split("\t", 1)
            digest = place.split()[2]
            if source.takes(path) and digest not in seen:
                seen.add(digest)
                content = self._git("cat-file", "blob", digest, check=False)
                if content:
                    yield path, content

    def _git(self, *words: str, check: bool = True) -> bytes:
        return subprocess.run(["git", "-C", self._path, *words], check=check, capture_output=True).stdout


def gather(clones: Path, material: Path, source: Source) -> int:
    """Write the files of a source, numbered, to MATERIAL/KIND/FAMILY; how many there are."""
    folder = material / source.kind / source.family
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for path, content in Clone(clones, source).files(source):
        ending = Path(path).suffix.lower()
        name = f"{source.family}_{count:04d}"
        if ending in FOREIGN:
            try:
                sound, rate = decoded(content, ending)
            except MediaError as error:
                print(f"{path} is left out: {error}")
                continue
            soundfile.write(folder / f"{name}.flac", sound.T, rate)
        else:
            (folder / f"{name}{ending}").write_bytes(content)
        count += 1
    return count


def gather_songs(clones: Path, material: Path, source: Source = SONGS) -> int:
    """Mix the songs of stems into MATERIAL/KIND/FAMILY_fullmix and FAMILY_instrumental; how many there are."""
    songs: dict[str, list[tuple[str, bytes]]] = {}
    for path, content in Clone(clones, source).files(source):
        songs.setdefault(str(Path(path).parent), []).append((path, content))
    for number, stems in enumerate(songs.values()):
        voices = [stem for stem in stems if VOICES in stem[0]]
        others = [stem for stem in stems if VOICES not in stem[0]]
        for family, parts in (("fullmix", [*voices, *others]), ("instrumental", others)):
            folder = material / source.kind / f"{source.family}_{family}"
            folder.mkdir(parents=True, exist_ok=True)
            sound, rate = mixed(parts)
            soundfile.write(folder / f"{source.family}_{family}_{number}.flac", sound, rate)
    return len(songs)


def decoded(content: bytes, ending: str) -> tuple[Samples, int]:
    """A file's sound, (channels, n), and its rate in Hz.

    Raises:
        MediaError: if there is none.
    """
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        file.write(content)
        file.flush()
        media = probe(Path(file.name))
        if not media.tracks:
            raise MediaError("no sound in it")
        return np.concatenate(list(decode(media, media.tracks[0])), axis=1), media.tracks[0].rate


def mixed(stems: list[tuple[str, bytes]]) -> tuple[Samples, int]:
    """The sum of stems of one rate in mono, (n,), at full scale at most; and the rate."""
    sounds = [decoded(content, Path(path).suffix) for path, content in stems]
    total = np.zeros(max((sound.shape[1] for sound, _ in sounds), default=0), dtype=np.float32)
    for sound, _ in sounds:
        total[: sound.shape[1]] += sound.mean(axis=0)
    total /= np.float32(max(1.0, float(np.abs(total).max(initial=0.0))))
    return total, sounds[0][1] if sounds else 48_000


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--material", type=Path, required=True)
    args = parser.parse_args()
    args.clones.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        print(f"{source.kind}/{source.family}: {gather(args.clones, args.material, source)} files", flush=True)
    print(f"{SONGS.kind}/{SONGS.family}: {gather_songs(args.clones, args.material)} songs")


if __name__ == "__main__":
    main()
