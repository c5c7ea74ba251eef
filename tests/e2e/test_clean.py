"""One command, end to end: what must stay the same stays the same, and the level is what was promised."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from e2e.conftest import Cli
from e2e.looking import decoded, digest, ebur128, lag, names, packets, payloads, start_s, streams
from e2e.making import INTERVIEW, SOUND_ONLY, Extras, Track, film, speech, write_media
from mediaclean import CleanOptions, Preset, clean, load_preset

HALF = CleanOptions(engine="fake:half")
NEUTRAL = ["--set", "separate=off", "--set", "duck=off", "--set", "room_tone=off", "--set", "loudness=off"]
ALL = [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".wav", ".flac", ".mp3", ".m4a", ".opus"]


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same speech over music in every container."""
    folder = tmp_path_factory.mktemp("variants")
    return {suffix: film(folder / f"talk{suffix}", layout="stereo", music_db=-6.0, seconds=4.0) for suffix in ALL}


@pytest.mark.parametrize("suffix", ALL)
def test_neutral_settings_copy_every_packet(tmp_path: Path, cli: Cli, variants: dict[str, Path], suffix: str) -> None:
    source, target = variants[suffix], tmp_path / f"out{suffix}"
    ran = cli("clean", source, "-o", target, *NEUTRAL, "--json")
    assert ran.code == 0, ran.out
    assert ran.events[-1]["copied"] is True
    assert ran.events[-1]["codec"] == "copied"
    assert ran.events[-1]["after"] == ran.events[-1]["before"]
    assert payloads(target) == payloads(source)
    assert np.array_equal(decoded(target)[0], decoded(source)[0])
    if suffix not in SOUND_ONLY:
        assert packets(target) == packets(source)


def test_neutral_settings_from_a_file(tmp_path: Path, cli: Cli, talk: Path) -> None:
    preset = tmp_path / "neutral.toml"
    preset.write_text('about = "nothing"\n')
    ran = cli("clean", talk, "-o", tmp_path / "out.mp4", "--preset", preset)
    assert ran.code == 0, ran.err
    assert "copied" in ran.out
    assert payloads(tmp_path / "out.mp4") == payloads(talk)


def test_neutral_settings_into_a_container_that_cannot_hold_the_copy(tmp_path: Path, cli: Cli) -> None:
    """PCM does not go into MP4 or FLAC: it is encoded, losslessly, and says so."""
    source = film(tmp_path / "talk.mov", seconds=3.0)
    for target in (tmp_path / "out.mp4", tmp_path / "out.mkv"):
        ran = cli("clean", source, "-o", target, *NEUTRAL, "--json")
        assert ran.code == 0, ran.out
        assert np.array_equal(decoded(target)[0], decoded(source)[0])
    sound = film(tmp_path / "talk.wav", seconds=3.0)
    ran = cli("clean", sound, "-o", tmp_path / "out.flac", *NEUTRAL, "--json")
    assert ran.code == 0, ran.out
    assert ran.events[-1]["copied"] is False
    assert np.array_equal(decoded(tmp_path / "out.flac")[0], decoded(sound)[0])


LEVELS = [(".mp4", "podcast"), (".mkv", "documentary"), (".wav", "broadcast-us"), (".flac", "social"),
          (".mp3", "podcast"), (".opus", "broadcast-ebu"), (".mov", "documentary"), (".webm", "podcast"),
          (".avi", "documentary"), (".ts", "documentary"), (".m4a", "social")]  # fmt: skip


@pytest.mark.parametrize(("suffix", "name"), LEVELS, ids=[" ".join(case) for case in LEVELS])
def test_level_length_sync_and_picture(tmp_path: Path, variants: dict[str, Path], suffix: str, name: str) -> None:
    source, target = variants[suffix], tmp_path / f"out{suffix}"
    before = digest(source)
    preset = load_preset(name)
    report = clean(source, target, preset, HALF)
    assert preset.loudness is not None
    found = ebur128(target)
    assert abs(found.integrated_lufs - preset.loudness.target_lufs) <= 0.2
    assert found.true_peak_dbtp <= preset.loudness.ceiling_dbtp + 0.05
    assert abs(found.integrated_lufs - (report.after.integrated_lufs or 0.0)) <= 0.1
    (old, rate), (new, new_rate) = decoded(source), decoded(target)
    lossless = suffix in {".wav", ".flac", ".mkv", ".mov"}
    assert new_rate == rate
    assert new.shape[0] == old.shape[0]
    assert abs(new.shape[1] - old.shape[1]) <= (0 if lossless else 1152), "more than a codec's frame"
    assert abs(start_s(target) - start_s(source)) <= 0.0006
    assert abs(lag(old, new)) <= (0 if lossless else 1)
    if suffix not in SOUND_ONLY:
        assert packets(target) == packets(source)
    assert digest(source) == before
    assert report.receipt["ok"]
    assert names(tmp_path) == [target.name]


@pytest.mark.parametrize("start", [0.0, 0.48, 1.234])
@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "aac"), (".mov", "pcm_s16le"), (".mkv", "flac"), (".mkv", "aac")]
)
def test_sound_that_starts_late_stays_late(tmp_path: Path, suffix: str, codec: str, start: float) -> None:
    source = film(tmp_path / f"late{suffix}", seconds=3.0, start_s=start, codec=codec)
    target = tmp_path / f"out{suffix}"
    clean(source, target, load_preset("podcast"), HALF)
    assert abs(start_s(target) - start_s(source)) <= 0.0006
    assert abs(lag(decoded(source)[0], decoded(target)[0])) <= (1 if codec == "aac" else 0)
    assert packets(target) == packets(source)


def spoken(path: Path) -> list[tuple[str, object]]:
    """Subtitle packets; MP4 has empty ones in between, which a muxer makes as it likes."""
    empty = hashlib.sha256(b"\0\0").hexdigest()
    return [row for row in packets(path, "subtitle") if row[0] != empty]


def test_the_sample_with_everything_in_it(tmp_path: Path, cli: Cli) -> None:
    """Subtitles, chapters, tags and languages of a real film stay."""
    target = tmp_path / "out.mp4"
    assert cli("clean", INTERVIEW, "-o", target, "--engine", "none").code == 0
    assert packets(target) == packets(INTERVIEW)
    assert spoken(target) == spoken(INTERVIEW)
    assert streams(target) == streams(INTERVIEW)
    with av.open(str(INTERVIEW)) as old, av.open(str(target)) as new:
        assert [c["metadata"] for c in new.chapters()] == [c["metadata"] for c in old.chapters()]
        assert new.metadata["title"] == old.metadata["title"]
    assert cli("verify", INTERVIEW, target).code == 0


def test_words_and_chapters_in_matroska(tmp_path: Path) -> None:
    source = write_media(
        tmp_path / "film.mkv",
        Track(speech(3.0), language="eng", title="Interview"),
        extras=Extras(
            chapters=[(0.0, 1.0, "one"), (1.0, 3.0, "two")], subtitles=[(0.5, 1.5, "Good morning")], tags={"title": "T"}
        ),
    )
    clean(source, tmp_path / "out.mkv", "podcast", HALF)
    assert packets(tmp_path / "out.mkv", "subtitle") == packets(source, "subtitle")
    assert streams(tmp_path / "out.mkv") == streams(source)
    with av.open(str(tmp_path / "out.mkv")) as made:
        assert [chapter["metadata"]["title"] for chapter in made.chapters()] == ["one", "two"]
        assert made.streams.audio[0].metadata["title"] == "Interview"


@pytest.fixture(scope="module")
def bilingual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two audio tracks: English first, German second and 20 dB quieter."""
    path = tmp_path_factory.mktemp("bilingual") / "film.mkv"
    english = Track(speech(4.0, channels=2), layout="stereo", language="eng", title="Interview")
    return write_media(path, english, Track(speech(4.0) * np.float32(0.1), language="ger", title="Synchron"))


@pytest.mark.parametrize("choice", ["2", "ger", "synchron"])
def test_one_track_is_cleaned_and_the_others_are_copied(tmp_path: Path, bilingual: Path, choice: str) -> None:
    target = tmp_path / "out.mkv"
    clean(bilingual, target, "podcast", CleanOptions(engine="none", track=choice))
    assert payloads(target, number=0) == payloads(bilingual, number=0)
    assert payloads(target, number=1) != payloads(bilingual, number=1)
    assert abs(ebur128(target, 1).integrated_lufs + 16.0) <= 0.2
    assert streams(target) == streams(bilingual)


def test_a_chosen_track_alone_in_a_sound_file(tmp_path: Path, bilingual: Path) -> None:
    """A WAV file holds one track: the one that was cleaned."""
    target = tmp_path / "out.wav"
    clean(bilingual, target, "podcast", CleanOptions(engine="none", track="ger", drop_unsupported=True))
    sound, _ = decoded(target)
    assert sound.shape[0] == 1
    assert lag(decoded(bilingual, 1)[0], sound) == 0
    assert abs(ebur128(target).integrated_lufs + 16.0) <= 0.2


def test_the_original_is_kept_beside(tmp_path: Path, bilingual: Path) -> None:
    target = tmp_path / "out.mkv"
    clean(bilingual, target, "podcast", CleanOptions(engine="none", keep_original=True))
    assert [language for kind, _, language in streams(target) if kind == "audio"] == ["eng", "eng", "ger"]
    assert payloads(target, number=1) == payloads(bilingual, number=0)
    assert payloads(target, number=2) == payloads(bilingual, number=1)
    assert abs(ebur128(target).integrated_lufs + 16.0) <= 0.2
    with av.open(str(target)) as made:
        clean_track, original, _ = made.streams.audio
        assert "original" in original.metadata["title"]
        assert clean_track.disposition & av.stream.Disposition.default
        assert not original.disposition & av.stream.Disposition.default


@pytest.mark.parametrize("neutral", [False, True], ids=["cleaned", "copied"])
def test_a_dialogue_track_is_added(tmp_path: Path, song: Path, neutral: bool) -> None:
    target = tmp_path / "out.mkv"
    preset = Preset(name="neutral") if neutral else load_preset("documentary")
    report = clean(song, target, preset, CleanOptions(engine="fake:half", dialogue_track=True))
    assert report.copied is neutral
    kinds = [kind for kind, *_ in streams(target)]
    assert kinds == ["video", "audio", "audio"]
    with av.open(str(target)) as made:
        first, second = made.streams.audio
        assert second.metadata["title"] == "Dialogue"
        assert second.channels == 1
        assert not second.disposition & av.stream.Disposition.default
        assert first.channels == 2
    sound, rate = decoded(target, 1)
    old, old_rate = decoded(song)
    assert abs(sound.shape[1] / rate - old.shape[1] / old_rate) < 0.05
    assert packets(target) == packets(song)


@pytest.mark.parametrize(
    ("suffix", "codec", "bitrate", "expected"),
    [
        (".mkv", "aac", "256k", "aac"),
        (".mkv", "opus", "96k", "opus"),
        (".mp4", "aac", None, "aac"),
        (".mov", "pcm_s24le", None, "pcm_s24le"),
        (".wav", "pcm_s24le", None, "pcm_s24le"),
    ],
)
def test_codec_and_bit_rate_that_are_asked_for(
    tmp_path: Path, cli: Cli, talk: Path, suffix: str, codec: str, bitrate: str | None, expected: str
) -> None:
    target = tmp_path / f"out{suffix}"
    words = ["--audio-codec", codec, *(["--bitrate", bitrate] if bitrate else [])]
    more = ["--drop-unsupported"] if suffix == ".wav" else []
    ran = cli("clean", talk, "-o", target, "--engine", "none", *words, *more, "--json")
    assert ran.code == 0, ran.out
    assert ran.events[-1]["codec"].split()[0] == expected
    if bitrate:
        assert ran.events[-1]["codec"] == f"{expected} {bitrate.removesuffix('k')} kb/s"
    assert [codec for kind, codec, _ in streams(target) if kind == "audio"] == [expected]


def test_clean_speech_never_meets_a_network(tmp_path: Path, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mediaclean.voices as voices

    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked for")

    monkeypatch.setattr(voices, "load_separator", no_network)
    report = clean(talk, tmp_path / "out.mp4", "podcast")
    assert report.engine is None
    assert report.separated_share == 0.0


def test_a_network_only_hears_the_cuts_and_the_bed_goes_down(tmp_path: Path, song: Path) -> None:
    """Our own network on speech over music: outside the ducked stretches the sound is the source's, but for level."""
    only_there = ["separate.around_s=0", "separate.edge_s=0"]
    preset = load_preset("documentary", ["loudness=off", "room_tone=off", *only_there])
    report = clean(song, tmp_path / "out.mov", preset, CleanOptions(engine="dialogue"))
    assert report.engine is not None
    assert 0.3 < report.separated_share < 1.0
    old, new = decoded(song)[0], decoded(tmp_path / "out.mov")[0]
    untouched = np.ones(old.shape[1], dtype=bool)
    for start, stop in report.changed_s:
        untouched[round(start * 48_000) : round(stop * 48_000)] = False
    assert untouched.sum() > 24_000
    assert np.abs(new[:, untouched] - old[:, untouched]).max() <= 1.01 / 32768, "more than 16 bits round"
    assert np.mean(new[:, ~untouched] ** 2) < np.mean(old[:, ~untouched] ** 2)


def silence(path: Path) -> Path:
    return write_media(path, Track(np.zeros((2, 96_000), np.float32), layout="stereo"))


def noise(path: Path) -> Path:
    hiss = np.random.default_rng(0).normal(0, 0.01, (2, 96_000)).astype(np.float32)
    return write_media(path, Track(hiss, layout="stereo"))


def a_moment(path: Path) -> Path:
    return write_media(path, Track(speech(0.3)[:, 9_600:], layout="mono"))


@pytest.mark.parametrize("make", [silence, noise, a_moment])
@pytest.mark.parametrize("suffix", [".mkv", ".wav"])
@pytest.mark.parametrize("name", ["documentary", "podcast"])
def test_no_speech_is_a_line_in_the_report_and_no_error(tmp_path: Path, cli: Cli, make, suffix: str, name: str) -> None:
    source = make(tmp_path / f"quiet{suffix}")
    ran = cli("clean", source, "--preset", name, "--json")
    assert ran.code == 0, ran.out
    if make is not a_moment:
        assert "no speech found" in ran.events[-1]["notes"]
    result = tmp_path / f"quiet.clean{suffix}"
    assert decoded(result)[0].shape == decoded(source)[0].shape
    for command in ("analyze", "measure"):
        assert cli(command, result, "--json").code == 0
        assert cli(command, result).code == 0
