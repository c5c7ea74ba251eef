"""`mediaclean preview`: the hardest passages of a recording with every dose, on one page to see and hear."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mediaclean.analysis import Analysis
from mediaclean.audio import Samples, db_to_gain
from mediaclean.bed.difficulty import Passage, hardest
from mediaclean.commands import clean_command
from mediaclean.cores import cores
from mediaclean.doses import DOSES, Dosed, Dosing, check_doses, render_doses
from mediaclean.errors import MediaError, OutputError, PresetError
from mediaclean.job import CleanOptions, Job
from mediaclean.listening import listen, open_job
from mediaclean.loudness.meter import measure
from mediaclean.media import staged
from mediaclean.media.clip import CLIP_RATES, encode_clip
from mediaclean.media.probe import readable
from mediaclean.media.staged import exists
from mediaclean.page import data_uri, fill
from mediaclean.page.passages import CURVE_STEP_S, bed_curve_db, passage_data, version_data
from mediaclean.page.pictures import BANDS, COLUMNS
from mediaclean.plan.make import Plan
from mediaclean.preset import DEFAULT, Preset, unheard
from mediaclean.progress import Watch, ignore
from mediaclean.resample import ratio, resample
from mediaclean.surround import to_stereo

PASSAGES = 3
SHORTEST_S, LONGEST_S = 5.0, 60.0
LISTEN_LUFS = -18.0
"""Where all versions are brought for listening: loud enough for a laptop, with room for most peaks."""
CEILING_DBTP = -1.0
EDGE_S = 0.01
PAGE_BYTES = 10_500_000
"""Of sound in a page; in base64 a third more."""
BIT_RATES = (192_000, 160_000, 128_000, 96_000, 64_000)


@dataclass(frozen=True)
class Previewed:
    """What a preview showed."""

    target: Path
    passages: tuple[Passage, ...]
    doses: tuple[str, ...]
    rate: int
    separated_s: float
    engine: str
    timings_s: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        return {
            "target": str(self.target),
            "passages": [
                {
                    "start_s": round(p.span.start / self.rate, 3),
                    "stop_s": round(p.span.stop / self.rate, 3),
                    "difficulty": p.difficulty,
                    "speech_share": p.speech_share,
                    "reason": p.reason,
                }
                for p in self.passages
            ],
            "doses": list(self.doses),
            "separated_s": round(self.separated_s, 3),
            "engine": self.engine,
            "timings_s": {name: round(seconds, 3) for name, seconds in self.timings_s.items()},
        }


def preview(
    source: Path | str,
    target: Path | str,
    preset: Preset | str = DEFAULT,
    options: CleanOptions | None = None,
    *,
    seconds: float = 30.0,
    doses: Sequence[str] = DOSES,
    words: Sequence[str] = (),
    watch: Watch = ignore,
) -> Previewed:
    """Write a page on which the hardest passages of `source` can be heard with every dose at equal loudness.

    Args:
        source: a video or sound file; it is only read.
        target: the HTML file.
        preset: says all but the dose.
        options: engine, device, track, overwrite and models.
        seconds: length of a passage.
        doses: some of leave, duck, reduce, remove and auto.
        words: what stands between the source and the dose in the command lines that the page offers.
        watch: hears of the progress.

    Raises:
        MediacleanError: as `clean` does; PresetError for doses or seconds out of range, MediaError without speech.
    """
    chosen, path = check_doses(doses), Path(target)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise PresetError(
            f"--seconds {seconds:g}: must lie between {SHORTEST_S:g} and {LONGEST_S:g}", "for example --seconds 30"
        )
    options = options or CleanOptions()
    job = open_job(source, preset, options, watch)
    _check_target(job, path)
    analysis = listen(job)
    passages = hardest(analysis, seconds=seconds, count=PASSAGES, speech=job.preset.speech)
    if not passages:
        raise MediaError(
            f"{job.media.path.name}: no speech was found, so no passage is hard",
            f"mediaclean analyze {shlex.quote(str(source))}",
        )
    dosing = render_doses(job, analysis, [passage.span for passage in passages], chosen)
    with job.stopwatch.stage("write"):
        commands = {dose: clean_command(source, [*_obeyed(words, dose), "--mode", dose]) for dose in chosen}
        data = _page_data(job, analysis, passages, dosing, commands)
        with staged(path, overwrite=options.overwrite) as part:
            text = fill(f"{job.media.path.name} · mediaclean preview", data)
            part.write_text(readable(text), encoding="utf-8")
    engine = dosing.engine.identity if dosing.engine else "none needed"
    return Previewed(path, tuple(passages), chosen, job.rate, dosing.separated_s, engine, dict(job.stopwatch.seconds))


def _obeyed(words: Sequence[str], dose: str) -> list[str]:
    """The words of a command line without the settings that mean nothing for a dose, which `clean` would refuse.

    >>> _obeyed(["--preset", "podcast", "--set", "duck.target_lu=15"], "remove")
    ['--preset', 'podcast']
    """
    idle = unheard(words, dose)
    idle_at = [at for at, word in enumerate(words) if at and word.partition("=")[0].strip() in idle]
    dropped = {place for at in idle_at for place in (at - 1, at)}
    return [word for at, word in enumerate(words) if at not in dropped]


def _check_target(job: Job, target: Path) -> None:
    if target.is_dir():
        raise OutputError(f"{target}: is a folder", f"-o {shlex.quote(str(target / 'preview.html'))}")
    if target.suffix.lower() not in {".html", ".htm"}:
        raise OutputError(f"{target}: a page ends in .html", f"-o {shlex.quote(str(target.with_suffix('.html')))}")
    if os.path.lexists(target) and not job.options.overwrite:  # links that lead nowhere too
        raise exists(target)
    if not target.absolute().parent.is_dir():
        raise OutputError(f"{target.parent}: no such folder", f"mkdir -p {shlex.quote(str(target.parent))}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{target.parent}: may not be written (read-only)", "choose another folder with -o")


@dataclass(frozen=True, eq=False)
class Levelled:
    """The versions of a passage as the page plays them, and the gain in dB that each one got."""

    rate: int
    sounds: tuple[Samples, ...]
    gains_db: tuple[float, ...]
    lufs: float | None


def level(sounds: Sequence[Samples], rate: int, layout: str) -> Levelled:
    """Bring versions of one passage to equal loudness, by gain only.

    All come to `LISTEN_LUFS`, or lower together where one of them would exceed the ceiling. More than two channels are
    mixed to stereo, and rates that an MP3 does not know become 48 kHz. What has no loudness is left as it is.
    """
    stereo = [_faded(to_stereo(sound, layout), rate) for sound in sounds]
    to = rate if rate in CLIP_RATES else 48_000
    if to != rate:
        stereo = [_resampled(sound, rate, to) for sound in stereo]
    heard = [measure([sound], to, "stereo" if sound.shape[0] == 2 else "mono") for sound in stereo]
    known = [each.integrated_lufs for each in heard if each.integrated_lufs is not None]
    if len(known) < len(heard):
        return Levelled(to, tuple(stereo), (0.0,) * len(stereo), None)
    gains = [LISTEN_LUFS - lufs for lufs in known]
    over = max(0.0, *(each.true_peak_dbtp + gain - CEILING_DBTP for each, gain in zip(heard, gains, strict=True)))
    gains = [gain - over for gain in gains]
    sounded = tuple(np.asarray(s * np.float32(db_to_gain(g)), np.float32) for s, g in zip(stereo, gains, strict=True))
    return Levelled(to, sounded, tuple(gains), LISTEN_LUFS - over)


def _resampled(sound: Samples, rate: int, to: int) -> Samples:
    """At another rate; a passage that ends between two samples of it gets a little silence."""
    here, there = ratio(rate, to)
    missing = -sound.shape[1] % here
    length = -(-sound.shape[1] * there // here)
    return resample(np.pad(sound, ((0, 0), (0, missing))), rate, to)[:, :length]


def _faded(sound: Samples, rate: int) -> Samples:
    """With short ramps at both ends, lest a passage begin with a click."""
    length = sound.shape[1]
    at = np.arange(length, dtype=np.float32)
    ramp = np.minimum(at + 0.5, length - at - 0.5) / np.float32(max(1, min(round(EDGE_S * rate), length // 2)))
    return np.asarray(sound * np.minimum(ramp, 1.0), dtype=np.float32)


def _page_data(
    job: Job, analysis: Analysis, passages: Sequence[Passage], dosing: Dosing, commands: dict[str, str]
) -> dict[str, Any]:
    plan = next(iter(dosing.plans.values()))
    seconds = sum(passage.span.length / job.rate * len(commands) + 1 for passage in passages)
    bit_rate = next((rate for rate in BIT_RATES if rate * seconds / 8 <= PAGE_BYTES), BIT_RATES[-1])
    with ThreadPoolExecutor(cores()) as pool:  # a passage is written while the next one is mixed
        made = [
            pool.submit(_passage, passage, dosed, job.track.layout, plan, commands, bit_rate)
            for passage, dosed in zip(passages, dosing.passages, strict=True)
        ]
    notes = dict.fromkeys(note for each in dosing.plans.values() for note in each.notes)
    return {
        "source": job.media.path.name,
        "track": job.track.label,
        "preset": job.preset.name,
        "duration_s": round(analysis.length / job.rate, 3),
        "engine": f"{dosing.engine.identity} on {dosing.engine.device}" if dosing.engine else "nothing was separated",
        "notes": list(notes),
        "columns": COLUMNS,
        "bands": BANDS,
        "passages": [each.result() for each in made],
    }


def _passage(
    passage: Passage, dosed: Dosed, layout: str, plan: Plan, commands: dict[str, str], bit_rate: int
) -> dict[str, Any]:
    """One passage for the page. Versions that are one and the same sound share it."""
    rate, span = plan.rate, passage.span
    levelled = level([dosed.original, *dosed.mixes.values()], rate, layout)
    mono = levelled.sounds[0].shape[0] == 1
    numbers = _numbered(levelled.sounds)
    different = [levelled.sounds[numbers.index(number)] for number in range(max(numbers) + 1)]
    encode = partial(encode_clip, rate=levelled.rate, bit_rate=min(bit_rate, 128_000) if mono else bit_rate)
    with ThreadPoolExecutor(cores()) as pool:
        clips = [data_uri("audio/mpeg", clip) for clip in pool.map(encode, different)]
    versions: list[dict[str, Any]] = []
    names = ("original", *commands)
    for name, number, sound, gain_db in zip(names, numbers, levelled.sounds, levelled.gains_db, strict=True):
        versions.append(
            version_data(
                name,
                sound,
                levelled.rate,
                clip=number,
                gain_db=gain_db,
                curve_db=_curve(dosed, name, rate),
                ledger=dosed.ledgers.get(name),
                span=span,
                command=commands.get(name, ""),
            )
        )
    speech = [phrase.span for phrase in plan.phrases]
    return passage_data(passage, rate, lufs=levelled.lufs, speech=speech, clips=clips, versions=versions)


def _numbered(sounds: Sequence[Samples]) -> list[int]:
    """For each sound its number among the different ones, in order of their first appearance.

    >>> _numbered([np.ones((1, 2)), np.zeros((1, 2)), np.ones((1, 2))])
    [0, 1, 0]
    """
    first: dict[bytes, int] = {}
    return [first.setdefault(sound.tobytes(), len(first)) for sound in sounds]


def _curve(dosed: Dosed, name: str, rate: int) -> list[float]:
    """The bed's gain in dB on a grid over the passage; empty where it stays at its level."""
    gains = dosed.gains.get(name)
    if gains is None or not len(gains.positions):
        return []
    step = round(CURVE_STEP_S * rate)
    return bed_curve_db(float(gains.at(at, 1)[0]) for at in range(dosed.span.start, dosed.span.stop, step))


def page_path(source: Path) -> Path:
    """Where the page goes if nobody says: beside the source."""
    return source.parent / f"{source.stem}.preview.html"  # which a folder such as . has as well
