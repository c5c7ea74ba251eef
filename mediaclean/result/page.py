"""The page of a finished result: the source and the file itself, to hear at equal loudness and to see, and all figures.

A short recording can be heard whole. Of a longer one there are the first minute and the hardest passages, so that the
page stays small; the overview and the tables are of the whole in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mediaclean.audio import Samples, Span, merge
from mediaclean.bed.difficulty import Passage, hardest
from mediaclean.counted import counted
from mediaclean.level import Take
from mediaclean.media import AudioTrack, decode, probe, staged
from mediaclean.media.clip import encode_clip
from mediaclean.media.probe import readable
from mediaclean.mixing import Mix
from mediaclean.page import data_uri, fill
from mediaclean.page.passages import CURVE_STEP_S, bed_curve_db, packed, passage_data, shares, version_data
from mediaclean.page.pictures import BANDS, COLUMNS, Overview
from mediaclean.preview import BIT_RATES, PAGE_BYTES, Levelled, level
from mediaclean.progress import watched
from mediaclean.report import Report
from mediaclean.resample import ratio, resample
from mediaclean.result.tables import tables

WHOLE_S = 120.0
"""A recording up to this long is heard whole."""
FIRST_S = 60.0
HARDEST_S = 25.0
HARDEST = 3


def page_path(target: Path, track: str = "") -> Path:
    """Where the page of a result goes; several tracks of one result have their numbers."""
    return target.with_name(f"{target.stem}{f'.track{track}' if track else ''}.html")


def write_page(take: Take, report: Report, made: int, page: Path) -> None:
    """Write the page; one of an earlier result is replaced.

    Args:
        take: the track with its mix and what was heard in it.
        report: of the result, whose file is finished.
        made: index of the clean track among the result's audio tracks.

    Raises:
        OutputError: if it cannot be written.
    """
    with take.job.stopwatch.stage("page"):
        data = _data(take, report, made)
        with staged(page, overwrite=True) as part:
            text = fill(f"{report.target.name} · mediaclean result", data, "result")
            part.write_text(readable(text), encoding="utf-8")


def excerpts(take: Take) -> list[Passage]:
    """What of a recording can be heard on its page, in order of time."""
    analysis, rate = take.analysis, take.job.rate
    whole = Span(0, analysis.length)
    if analysis.length <= WHOLE_S * rate:
        return [Passage(whole, 0.0, _share(take, whole), "the whole recording")]
    first = Span(0, round(FIRST_S * rate))
    speech = take.job.preset.speech
    found = hardest(analysis, seconds=HARDEST_S, count=HARDEST + 3, speech=speech)
    others = [passage for passage in found if not passage.span.overlaps(first)][:HARDEST]
    ordered = sorted(others, key=lambda passage: passage.span)
    return [Passage(first, 0.0, _share(take, first), "the first minute"), *ordered]


def _share(take: Take, span: Span) -> float:
    inside = (phrase.span.clip(span.start, span.stop) for phrase in take.mix.plan.phrases)
    return round(sum(part.length for part in inside if part) / max(1, span.length), 4)


class _Heard:
    """A track in one pass: its excerpts, and the overview."""

    def __init__(self, chunks: Iterator[Samples], spans: Sequence[Span], track: AudioTrack, length: int) -> None:
        view, parts = Overview(length, track.rate), [list[Samples]() for _ in spans]
        start = 0
        for chunk in chunks:
            view.add(chunk)
            for span, part in zip(spans, parts, strict=True):
                inside = span.clip(start, start + chunk.shape[1])
                if inside is not None:
                    part.append(chunk[:, inside.start - start : inside.stop - start])
            start += chunk.shape[1]
        self.excerpts = [_long(part, span.length, track.channels) for span, part in zip(spans, parts, strict=True)]
        wave, spectrum = view.finish()
        self.overview = {"wave": packed(wave), "spectrum": packed(spectrum)}


def _long(parts: Sequence[Samples], length: int, channels: int) -> Samples:
    """An excerpt of exactly `length` samples: a lossy file may end a few samples early."""
    sound = np.concatenate([np.zeros((channels, 0), np.float32), *parts], axis=1)
    return np.pad(sound, ((0, 0), (0, length - sound.shape[1])))


def _data(take: Take, report: Report, made: int) -> dict[str, Any]:
    job, analysis, mix = take.job, take.analysis, take.mix
    passages = excerpts(take)
    spans = [passage.span for passage in passages]
    before = _Heard(decode(job.media, job.track), spans, job.track, analysis.length)
    media = probe(report.target)
    track = media.tracks[min(made, len(media.tracks) - 1)]
    length = _scaled(analysis.length, job.rate, track.rate)
    there = [Span(_scaled(s.start, job.rate, track.rate), _scaled(s.stop, job.rate, track.rate)) for s in spans]
    sound = watched(decode(media, track), "page", track.rate, length, job.watch)
    after = _Heard(sound, there, track, length)
    pairs = [
        level([old, _at_rate(new, track.rate, job.rate, old.shape[1])], job.rate, job.track.layout)
        for old, new in zip(before.excerpts, after.excerpts, strict=True)
    ]
    seconds = sum(span.length for span in spans) * 2 / job.rate
    bit_rate = next((rate for rate in BIT_RATES if rate * seconds / 8 <= PAGE_BYTES), BIT_RATES[-1])
    shorter = analysis.length > WHOLE_S * job.rate
    return {
        **_words(take, report, passages, shorter=shorter),
        "columns": COLUMNS,
        "bands": BANDS,
        "passages": [_passage(passage, pair, mix, bit_rate) for passage, pair in zip(passages, pairs, strict=True)],
        "overview": _overview(mix, before, after) if shorter else None,
        **tables(report),
    }


def _words(take: Take, report: Report, passages: Sequence[Passage], *, shorter: bool) -> dict[str, Any]:
    job, count = take.job, len(passages) - 1
    engine = f"{report.engine.identity.split()[0]} on {report.engine.device}" if report.engine else "nothing separated"
    notes = [*report.plan.notes, *report.notes, *report.faults]
    hard = "" if not count else f" and the hardest {f'{count} passages' if count > 1 else 'passage'}"
    return {
        "source": report.target.name,
        "headline": f"Made from {job.media.path.name} ({report.track}) with preset {report.preset.name}; {engine}.",
        "track": report.track,
        "preset": report.preset.name,
        "duration_s": round(report.duration_s, 3),
        "notes": list(dict.fromkeys(notes)),
        "included": f"Seen here is all of it. To be heard below are the first minute{hard}." if shorter else "",
    }


def _passage(passage: Passage, pair: Levelled, mix: Mix, bit_rate: int) -> dict[str, Any]:
    """An excerpt as preview.js plays it: the source and the result at equal loudness."""
    span, rate, plan = passage.span, mix.plan.rate, mix.plan
    mono = pair.sounds[0].shape[0] == 1
    versions, clips = [], []
    for name, sound, gain_db in zip(("original", "result"), pair.sounds, pair.gains_db, strict=True):
        clip = encode_clip(sound, pair.rate, bit_rate=min(bit_rate, 128_000) if mono else bit_rate)
        clips.append(data_uri("audio/mpeg", clip))
        step = max(round(CURVE_STEP_S * rate), span.length // 4000)
        result = name == "result"
        versions.append(
            version_data(
                name,
                sound,
                pair.rate,
                clip=len(clips) - 1,
                gain_db=gain_db,
                curve_db=_curve(mix, range(span.start, span.stop, step)) if result else [],
                ledger=mix.ledger if result else None,
                span=span,
            )
        )
    speech = [phrase.span for phrase in plan.phrases]
    return passage_data(passage, rate, lufs=pair.lufs, speech=speech, clips=clips, versions=versions)


def _overview(mix: Mix, before: _Heard, after: _Heard) -> dict[str, Any]:
    plan = mix.plan
    whole = Span(0, plan.length)
    changed = mix.changed()
    share = sum(span.length for span in changed) / max(1, plan.length)
    about = (
        f"The whole recording before and after: speech in {counted(len(plan.phrases), 'phrase')}, {share:.0%} of it "
        f"changed in {counted(len(changed), 'place')}{_marked(mix)}. The tables below say the same in words."
    )
    positions = np.linspace(0, plan.length - 1, 2 * COLUMNS).astype(int).tolist()
    return {
        "about": about,
        "speech": shares(merge((phrase.span for phrase in plan.phrases), gap=plan.length // 2000), whole),
        "changed": shares(merge(changed, gap=plan.length // 2000), whole),
        "marks": None if mix.ledger is None else shares([mark.span for mark in mix.ledger.marks], whole),
        "curve_db": _curve(mix, positions) or [0.0, 0.0],
        "before": before.overview,
        "after": after.overview,
    }


def _marked(mix: Mix) -> str:
    if mix.ledger is None:
        return ""
    count = len(mix.ledger.marks)
    return f", {count} {'artefact' if count == 1 else 'artefacts'} marked"


def _curve(mix: Mix, positions: Sequence[int]) -> list[float]:
    """The bed's gain in dB at some positions, also where it was done again; empty where it stays at its level."""
    return bed_curve_db(mix.bed_gain(at) for at in positions)


def _scaled(position: int, rate: int, to: int) -> int:
    return round(position * to / rate)


def _at_rate(sound: Samples, rate: int, to: int, length: int) -> Samples:
    """At another rate and exactly `length` samples long."""
    if rate != to:
        here, _ = ratio(rate, to)
        sound = resample(np.pad(sound, ((0, 0), (0, -sound.shape[1] % here))), rate, to)
    sound = sound[:, :length]
    return np.pad(sound, ((0, 0), (0, length - sound.shape[1])))
