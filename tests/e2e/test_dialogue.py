"""`mediaclean dialogue`: a track and cues on the picture's clock, by the rules that captioners are checked by."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

import mediaclean.dialogue as module
from e2e.conftest import Cli
from e2e.looking import decoded, lag, names, start_s
from e2e.making import FPS, Track, film, float_wav, speech, write_media
from mediaclean import CleanOptions, MediacleanError, load_preset
from mediaclean.cues.make import Cue
from mediaclean.dialogue import SUFFIXES, Dialogue, write_dialogue
from tests.media.films import Film, Sound
from tests.media.films import make as make_film

HALF = CleanOptions(engine="fake:half")
FRAME = Fraction(1, FPS)


def made(source: Path, base: Path) -> Dialogue:
    return write_dialogue(source, base, load_preset("transcript"), HALF)


def table(base: Path) -> dict:
    return json.loads(Path(f"{base}.dialogue.json").read_text())


def seconds(text: str) -> Fraction:
    found = re.fullmatch(r"(\d\d):(\d\d):(\d\d)[.,](\d{3})", text)
    assert found is not None, text
    hours, minutes, whole, milli = map(int, found.groups())
    return hours * 3600 + minutes * 60 + whole + Fraction(milli, 1000)


def blocks(text: str) -> list[tuple[Fraction, Fraction, str]]:
    rows = []
    for number, block in enumerate(text.strip().split("\n\n"), 1):
        head, times, *words = block.split("\n")
        assert head == str(number)
        start, stop = times.split(" --> ")
        rows.append((seconds(start), seconds(stop), "\n".join(words)))
    return rows


def test_all_four_files_and_nothing_else(tmp_path: Path, cli: Cli, talk: Path) -> None:
    ran = cli("dialogue", talk, "-o", tmp_path / "talk", "--engine", "none")
    assert ran.code == 0, ran.err
    assert names(tmp_path) == sorted(f"talk{suffix}" for suffix in SUFFIXES)
    assert all(f"talk{suffix}" in ran.out for suffix in SUFFIXES)


def test_the_default_place_is_beside_the_input(tmp_path: Path, cli: Cli) -> None:
    source = film(tmp_path / "my.talk.wav", seconds=3.0)
    ran = cli("dialogue", source, "--engine", "none", "--json")
    assert ran.code == 0, ran.out
    assert ran.events[-1]["event"] == "dialogue"
    assert names(tmp_path) == sorted(["my.talk.wav", *(f"my.talk{suffix}" for suffix in SUFFIXES)])


def promised(path: Path, decoded_length: int) -> int:
    """The track's samples: what MP4 and MOV promise, without the padding of the last frame; else what decodes."""
    if path.suffix not in {".mp4", ".mov"}:
        return decoded_length
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return round(stream.duration * stream.time_base * stream.rate)


@pytest.mark.parametrize("start", [0.0, 0.5, 1.3])
@pytest.mark.parametrize(
    ("suffix", "rate", "layout"),
    [(".mkv", 48_000, "stereo"), (".mov", 44_100, "mono"), (".mkv", 48_000, "5.1"), (".mp4", 48_000, "stereo")],
)
def test_the_track_has_the_picture_s_zero_and_length(
    tmp_path: Path, suffix: str, rate: int, layout: str, start: float
) -> None:
    source = film(tmp_path / f"talk{suffix}", rate=rate, layout=layout, start_s=start, music_db=-10.0, seconds=4.0)
    made(source, tmp_path / "talk")
    info = soundfile.info(tmp_path / "talk.dialogue.wav")
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    old, _ = decoded(source)
    late_s = start_s(source)
    assert abs(late_s - start) < 0.03, "the file is made as it should be"
    wanted = round((round(late_s * rate) + promised(source, old.shape[1])) * 16_000 / rate)
    assert abs(info.frames - wanted) <= (0 if suffix == ".mkv" and start == 0.0 else 16)
    heard = soundfile.read(tmp_path / "talk.dialogue.wav", dtype="float32", always_2d=True)[0].T
    voice = old[2:3] if old.shape[0] > 2 else old.mean(axis=0, keepdims=True)
    reference = soxr.resample(voice[0], rate, 16_000)
    here = heard[:, round(late_s * 16_000) :]
    assert abs(lag(reference[None], here)) <= (0 if start == 0.0 else 1 + 16 * (suffix in {".mkv", ".mp4"}))


@pytest.mark.parametrize("music_db", [None, 0.0])
def test_nothing_is_digital_silence(tmp_path: Path, music_db: float | None) -> None:
    source = film(tmp_path / "late.mkv", start_s=1.0, music_db=music_db, seconds=4.0)
    made(source, tmp_path / "late")
    sound, _ = soundfile.read(tmp_path / "late.dialogue.wav", dtype="int16")
    for at in range(0, len(sound), 160):
        assert np.any(sound[at : at + 160]), f"silence at {at / 16_000} s"
    early = sound[:15_000].astype(np.float64) / 32768
    assert -85 < 20 * np.log10(np.sqrt(np.mean(early**2))) < -65


def test_cues_obey_the_rules(tmp_path: Path) -> None:
    source = film(tmp_path / "long.mkv", seconds=11.5)
    made(source, tmp_path / "long")
    found = table(tmp_path / "long")
    assert found["frame_rate"] == str(FPS)
    cues = blocks((tmp_path / "long.dialogue.srt").read_text(encoding="utf-8"))
    assert len(cues) == len(found["cues"]) >= 2
    for start, stop, text in cues:
        assert start % FRAME == stop % FRAME == 0, "on the picture's frames"
        assert Fraction(5, 6) - FRAME < stop - start <= 7
        assert text
    for (_, stop, _), (start, _, _) in pairwise(cues):
        assert start - stop >= 2 * FRAME
    for span in found["spans"]:
        inside = [cue for cue in cues if cue[0] < span["stop_s"] and cue[1] > span["start_s"]]
        assert inside, "every phrase has its cue"
        first, last = inside[0], inside[-1]
        alone = first[0] > span["start_s"] - 0.5
        assert not alone or abs(float(first[0]) - span["start_s"]) <= float(3 * FRAME)
        assert float(last[1]) >= span["stop_s"] - float(2 * FRAME)
    assert cues[-1][1] <= Fraction(1150, 100)


def test_both_cue_files_say_the_same_as_the_table(tmp_path: Path, song: Path) -> None:
    made(song, tmp_path / "song")
    raw = (tmp_path / "song.dialogue.srt").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") > 0
    srt = blocks(raw.decode().replace("\r\n", "\n"))
    vtt_text = (tmp_path / "song.dialogue.vtt").read_bytes().decode()
    assert vtt_text.startswith("WEBVTT\n\n")
    assert "\r" not in vtt_text
    assert blocks(vtt_text.removeprefix("WEBVTT\n\n")) == srt
    rows = table(tmp_path / "song")
    for (start, stop, text), row in zip(srt, rows["cues"], strict=True):
        assert abs(float(start) - row["start_s"]) < 0.001
        assert abs(float(stop) - row["stop_s"]) < 0.001
        assert text == row["text"]
        assert 0.0 <= row["confidence"] <= 1.0
    assert all(0.0 <= span["confidence"] <= 1.0 and span["start_s"] < span["stop_s"] for span in rows["spans"])


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, int]]]:
    """Speech between silences without a picture, and its cues in frames of the one that it gets in the tests."""
    folder = tmp_path_factory.mktemp("uncut")
    source = float_wav(folder / "talk.wav", np.pad(speech(8.0), ((0, 0), (FPS * 1920, FPS * 3840))))
    made(source, folder / "talk")
    return source, [(round(row["start_s"] * FPS), round(row["stop_s"] * FPS)) for row in table(folder / "talk")["cues"]]


def filmed(path: Path, sound: Path, cuts: list[int]) -> Path:
    """The sound with a picture that is another one from each of these frames on."""
    samples, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    return write_media(path, Track(np.ascontiguousarray(samples.T), rate), cuts=cuts)


@pytest.mark.parametrize(("before", "after"), [(4, 5), (-6, -4), (7, 0)])
def test_cues_come_on_with_a_cut_and_go_off_two_frames_before_one(
    tmp_path: Path, uncut: tuple[Path, list[tuple[int, int]]], before: int, after: int
) -> None:
    """A picture is cut near the start of the first cue and near the end of the last one."""
    sound, cues = uncut
    first, last = cues[0][0] + before, cues[-1][1] + after
    made(filmed(tmp_path / "cut.mkv", sound, [first, last]), tmp_path / "cut")
    made(filmed(tmp_path / "still.mkv", sound, []), tmp_path / "still")
    for name, wanted in (("cut", (first, last - 2)), ("still", (cues[0][0], cues[-1][1]))):
        rows = table(tmp_path / name)["cues"]
        found = (round(rows[0]["start_s"] * FPS, 3), round(rows[-1]["stop_s"] * FPS, 3))
        tolerance = 0 if name == "cut" else 1  # without a picture cues are timed in milliseconds
        assert found == pytest.approx(wanted, abs=tolerance + 1e-3), name
        assert len(rows) == len(cues)


def test_cuts_can_be_left_out_of_it(tmp_path: Path, uncut: tuple[Path, list[tuple[int, int]]]) -> None:
    sound, cues = uncut
    source = filmed(tmp_path / "cut.mkv", sound, [cues[0][0] + 4])
    write_dialogue(source, tmp_path / "free", load_preset("transcript", ["cues.at_cuts=false"]), HALF)
    assert round(table(tmp_path / "free")["cues"][0]["start_s"] * FPS) == pytest.approx(cues[0][0], abs=1)


def test_the_picture_is_looked_at_only_where_a_cut_would_matter() -> None:
    cues = [Cue(Fraction(start), Fraction(stop), 0.9, "x") for start, stop in ((0, 2), (4, 6), (40, 41), (300, 306))]
    assert module.around_ends(cues) == [
        (Fraction(low), Fraction(high))
        for low, high in ((0, "6.6"), ("39.4", "41.6"), ("299.4", "306.6"))
    ]  # fmt: skip
    assert module.around_ends([]) == []


def test_without_a_picture_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("there is no picture")

    monkeypatch.setattr(module, "picture_cuts", refuse)
    made(film(tmp_path / "talk.wav", seconds=4.0), tmp_path / "talk")
    assert table(tmp_path / "talk")["cues"]


@pytest.mark.parametrize("start", [0.6, 1.4])
def test_cues_move_with_late_sound(tmp_path: Path, start: float) -> None:
    for late in (0.0, start):
        made(film(tmp_path / f"{late}.mkv", start_s=late, seconds=4.0), tmp_path / str(late))
    early, later = (table(tmp_path / str(late))["spans"] for late in (0.0, start))
    assert len(early) == len(later)
    for a, b in zip(early, later, strict=True):
        assert abs(b["start_s"] - a["start_s"] - start) < 0.01


def test_without_speech_there_are_no_cues_but_a_track(tmp_path: Path) -> None:
    from e2e.making import Track, write_media

    source = write_media(tmp_path / "quiet.mkv", Track(np.zeros((1, 96_000), np.float32)))
    made(source, tmp_path / "quiet")
    assert table(tmp_path / "quiet")["cues"] == []
    assert (tmp_path / "quiet.dialogue.vtt").read_text().startswith("WEBVTT")
    assert soundfile.info(tmp_path / "quiet.dialogue.wav").frames == 32_000


@pytest.mark.parametrize("fails", ["to_vtt", "to_srt", "write_asr_wav", "make_cues"])
def test_none_if_one_fails(tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def no(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, fails, no)
    with pytest.raises(MediacleanError) as refusal:
        made(song, tmp_path / "song")
    assert refusal.value.exit_code == 5
    assert [name for name in names(tmp_path) if not name.endswith(".mediaclean")] == []
    monkeypatch.undo()
    made(song, tmp_path / "song")
    assert names(tmp_path) == sorted(f"song{suffix}" for suffix in SUFFIXES)


@pytest.mark.parametrize("taken", SUFFIXES)
def test_none_if_another_program_takes_a_name_meanwhile(
    tmp_path: Path, talk: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    real = module.to_srt

    def slow(cues) -> str:
        (tmp_path / f"talk{taken}").write_text("somebody's work")
        return real(cues)

    monkeypatch.setattr(module, "to_srt", slow)
    with pytest.raises(MediacleanError):
        made(talk, tmp_path / "talk")
    assert names(tmp_path) == [f"talk{taken}"]
    assert (tmp_path / f"talk{taken}").read_text() == "somebody's work"


def test_a_picture_without_a_constant_rate_has_no_frames_to_count_in(tmp_path: Path) -> None:
    """A telephone's: the mean rate would be a grid on which not one of its frames lies."""
    voice = speech(6.0)
    gaps = np.random.default_rng(5).choice([17, 33, 50, 67], 140)
    uneven = Film((Sound(voice, layout="mono" if len(voice) == 1 else "stereo"),), times=np.cumsum(gaps).tolist())
    source = make_film(tmp_path / "phone.mp4", uneven)
    result = made(source, tmp_path / "phone")
    assert table(tmp_path / "phone")["frame_rate"] is None
    assert result.cues
    assert all((time * 1000).denominator == 1 for cue in result.cues for time in (cue.start_s, cue.stop_s))
