"""Remuxing: the picture untouched, the sound on the sample, whatever the container."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from mediaclean.audio import Samples
from mediaclean.errors import MediaError, OutputError
from mediaclean.media import (
    AudioTrack,
    NewAudio,
    Receipt,
    Written,
    check_target,
    choose_track,
    decode,
    measure_lag,
    packet_hashes,
    probe,
    resolve_codec,
    staged,
    verify,
    write,
)
from mediaclean.progress import Progress
from tests.media.films import Film, Sound, make, noise, torture

HALF = 0.5


def clean(source: Path, target: Path, *, gain: float = HALF, drop: bool = False) -> tuple[Written, Receipt]:
    """The source with its default track at half the level, checked."""
    media = probe(source)
    track = choose_track(media)
    quieter = (chunk * np.float32(gain) for chunk in decode(media, track))
    new = NewAudio(quieter, track.rate, track.layout)
    written = write(media, target, replace={track.number: new}, drop_unsupported=drop)
    return written, verify(source, target, cleaned=[track.number], dropped=written.dropped)


def sound_of(path: Path, number: int = 1) -> tuple[AudioTrack, Samples]:
    media = probe(path)
    track = media.tracks[number - 1]
    return track, np.concatenate(list(decode(media, track)), axis=1)


@pytest.mark.parametrize("name", torture())
def test_every_torture_film_keeps_everything(tmp_path: Path, name: str) -> None:
    suffix, film = torture()[name]
    source = make(tmp_path / f"film{suffix}", film)
    before = source.read_bytes()
    _, receipt = clean(source, tmp_path / f"clean{suffix}")
    assert receipt.ok, receipt.failures
    assert source.read_bytes() == before
    moving = [proof for proof in receipt.proofs if proof.kind == "video"]
    assert moving
    assert all(proof.by == "bytes" for proof in moving)
    lags = [lag.samples for track in receipt.lags for lag in track.lags]
    assert lags == [0, 0, 0]


@pytest.mark.parametrize(
    ("suffix", "codec", "name"),
    [
        *((".mp4", codec, codec) for codec in ("aac", "alac", "ac3", "mp3", "opus", "flac")),
        *((".mov", codec, codec) for codec in ("aac", "pcm_s16le", "pcm_s24le", "alac")),
        *((".mkv", codec, codec) for codec in ("aac", "opus", "flac", "ac3", "eac3", "mp3", "mp2", "pcm_s16le")),
        *((".ts", codec, codec) for codec in ("aac", "ac3", "mp2", "mp3")),
        *((".avi", codec, codec) for codec in ("mp3", "ac3", "pcm_s16le")),
        (".webm", "opus", "opus"),
        *(
            (suffix, None, name)
            for suffix, name in ((".m4a", "alac"), (".aac", "aac"), (".mp3", "mp3"), (".opus", "opus"))
        ),
        *((suffix, None, name) for suffix, name in ((".flac", "flac"), (".wav", "pcm_s24le"), (".aiff", "pcm_s24be"))),
        (".ogg", "opus", "opus"),
        (".flv", "aac", "aac"),
    ],
)
def test_the_first_sample_put_in_is_the_first_one_played(
    tmp_path: Path, suffix: str, codec: str | None, name: str
) -> None:
    video = {".avi": "mpeg4", ".webm": "libvpx"}.get(suffix, "libx264")
    still = suffix in {".m4a", ".aac", ".mp3", ".opus", ".flac", ".wav", ".aiff", ".ogg"}
    options = () if video != "libx264" else (("preset", "ultrafast"), ("bf", "0"))
    source = make(
        tmp_path / "film.mkv",
        Film((Sound(noise(), "flac"),), video="" if still else video, video_options=options),
    )
    media = probe(source)
    target = tmp_path / f"clean{suffix}"
    chosen = resolve_codec(media.tracks[0], target, codec=codec)
    assert chosen.name == name
    new = NewAudio(decode(media, media.tracks[0]), 48_000, "stereo", codec=chosen)
    write(media, target, replace={1: new})
    before, after = sound_of(source)[1], sound_of(target)[1]
    assert 0 <= after.shape[1] - before.shape[1] < 2048
    if chosen.lossless and chosen.bits != 16:
        np.testing.assert_allclose(after[:, : before.shape[1]], before, atol=2.0**-22)
    for start in (0, 40_000, 72_000):
        lag, alike = measure_lag(before[:, start : start + 24_000], after[:, start : start + 24_000], reach=3000)
        assert (lag, alike > 0.3) == (0, True)
    with av.open(str(target)) as raw:  # as a reader without our clock sees it: no priming before the sound
        frames = [frame.to_ndarray() for frame, _ in zip(raw.decode(audio=0), range(60), strict=False)]
    plain = np.concatenate([f if f.shape[0] == 2 else f.reshape(-1, 2).T for f in frames], axis=1).astype(np.float32)
    count = min(plain.shape[1], 24_000)
    assert measure_lag(before[:, :count], plain[:, :count], reach=3000)[0] == 0


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
@pytest.mark.parametrize("start_s", [0.0, 0.01, 0.4])
def test_three_generations_do_not_drift(tmp_path: Path, suffix: str, start_s: float) -> None:
    sound = Sound(noise(1.5), "aac" if suffix == ".ts" else "mp2" if suffix == ".mkv" else "ac3", start_s=start_s)
    first = path = make(tmp_path / f"film{suffix}", Film((sound,), start_s=0.08))
    for generation in range(3):
        target = tmp_path / f"generation{generation}{suffix}"
        _, receipt = clean(path, target, gain=1.0)
        assert receipt.ok, receipt.failures
        path = target
    receipt = verify(first, path, cleaned=[1])
    assert receipt.ok, receipt.failures
    assert [lag.samples for lag in receipt.lags[0].lags] == [0, 0, 0]


def test_there_and_back_through_every_container(tmp_path: Path) -> None:
    first = path = make(tmp_path / "film.mkv", Film((Sound(noise()),), chapters=2, tags=(("title", "Été"),)))
    for number, suffix in enumerate((".mp4", ".mov", ".ts", ".mkv")):
        target = tmp_path / f"{number}{suffix}"
        _, receipt = clean(path, target, gain=1.0, drop=suffix == ".ts")
        assert receipt.ok, receipt.failures
        path = target
    before, after = packet_hashes(first), packet_hashes(path)
    assert before[0].content == after[0].content
    lag, _ = measure_lag(sound_of(first)[1], sound_of(path)[1], reach=4000)
    assert lag == 0


@pytest.mark.parametrize(
    ("codec", "suffix"), [("pcm_s16le", ".mov"), ("pcm_s24le", ".mov"), ("flac", ".mkv"), ("alac", ".mp4")]
)
def test_a_neutral_run_on_lossless_sound_is_bit_identical(tmp_path: Path, codec: str, suffix: str) -> None:
    source = make(tmp_path / f"film{suffix}", Film((Sound(noise(), codec),)))
    written, receipt = clean(source, tmp_path / f"clean{suffix}", gain=1.0)
    assert written.audio[0].name == codec
    assert receipt.ok, receipt.failures
    np.testing.assert_array_equal(sound_of(source)[1], sound_of(tmp_path / f"clean{suffix}")[1])


def test_nothing_to_replace_copies_every_packet(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", Film((Sound(noise()), Sound(noise(seed=2), "libopus"))))
    target = tmp_path / "copy.mkv"
    assert write(probe(source), target).audio == ()
    receipt = verify(source, target, cleaned=[])
    assert receipt.ok, receipt.failures
    assert all(proof.by == "bytes" for proof in receipt.proofs)


def test_the_original_stays_beside_the_clean_track(tmp_path: Path) -> None:
    sounds = (Sound(noise(), language="eng", disposition=1), Sound(noise(seed=3), language="deu"))
    source = make(tmp_path / "film.mkv", Film(sounds))
    media = probe(source)
    new = NewAudio(decode(media, media.tracks[0]), 48_000, "stereo", title="Clean")
    dialogue = NewAudio([noise(2.0, 1)], 48_000, "mono", title="Dialogue", language="eng", role="dialogue")
    target = tmp_path / "clean.mkv"
    write(media, target, replace={1: new}, keep_original=True, extra=[dialogue], tags={"encoded_by": "test"})
    made = probe(target)
    assert [(t.language, t.default) for t in made.tracks] == [
        ("eng", True),
        ("eng", False),
        ("deu", False),
        ("eng", False),
    ]
    assert [t.title for t in made.tracks][::3] == ["Clean", "Dialogue"]
    assert "original" in made.streams[made.tracks[1].stream].dispositions
    before, after = packet_hashes(source), packet_hashes(target)
    assert before[media.tracks[0].stream].sha256 == after[made.tracks[1].stream].sha256
    assert before[media.tracks[1].stream].sha256 == after[made.tracks[2].stream].sha256
    assert made.tags["encoded_by"] == "test"


@pytest.mark.parametrize(
    ("layout", "codec"),
    [
        *((layout, "flac") for layout in ("3.0", "5.0", "5.1(side)", "5.1", "6.1", "7.1")),
        ("5.1", "aac"),
        ("7.1", "aac"),
    ],
)
def test_surround_keeps_its_layout_and_order(tmp_path: Path, layout: str, codec: str) -> None:
    channels = av.AudioLayout(layout).nb_channels
    source = make(tmp_path / "film.mkv", Film((Sound(noise(channels=channels), codec, layout=layout),)))
    _, receipt = clean(source, tmp_path / "clean.mkv")
    assert receipt.ok, receipt.failures
    (ours, before), (theirs, after) = sound_of(source), sound_of(tmp_path / "clean.mkv")
    assert (theirs.layout, theirs.channel_names) == (ours.layout, ours.channel_names)
    for mine, other in zip(before, after, strict=True):
        if np.abs(mine).max() > 0.05:
            stop = min(len(mine), len(other))
            assert np.corrcoef(mine[:stop], other[:stop])[0, 1] > 0.3  # the channels are independent of each other


def test_subtitles_cross_between_containers(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mp4", Film((Sound(noise()),), subtitles="mov_text"))
    notes = check_target(probe(source), tmp_path / "a.mkv", replace=[1])
    assert any("mov_text" in note and "subrip" in note for note in notes)
    _, there = clean(source, tmp_path / "a.mkv")
    _, back = clean(tmp_path / "a.mkv", tmp_path / "b.mp4")
    assert there.ok, there.failures
    assert back.ok, back.failures
    texts = [packet_hashes(path)[2].content for path in (source, tmp_path / "a.mkv", tmp_path / "b.mp4")]
    assert len(set(texts)) == 1


def test_bytes_of_tags_survive(tmp_path: Path) -> None:
    raw = b"Caf\xe9 \xff\xfe"
    source = make(
        tmp_path / "film.mkv",
        Film((Sound(noise(0.5)),), 0.5, tags=(("comment", raw.decode("utf-8", "surrogateescape")),)),
    )
    clean(source, tmp_path / "clean.mkv")
    assert raw in (tmp_path / "clean.mkv").read_bytes()
    probe(tmp_path / "clean.mkv").tags["comment"].encode()


@pytest.mark.parametrize(
    ("film", "suffix", "what"),
    [
        (Film((Sound(noise(0.5)),), 0.5, attachments=(("a.ttf", "font/ttf", b"abc"),)), ".mp4", "attachment"),
        (Film((Sound(noise(0.5)),), 0.5, subtitles="ass"), ".mp4", "subtitle, ass"),
        (Film((Sound(noise(0.5)),), 0.5, chapters=2), ".ts", "2 chapters"),
        (Film((Sound(noise(0.5)),), 0.5), ".wav", "video"),
        (Film((Sound(noise(0.5)), Sound(noise(0.5, seed=2))), 0.5, video=""), ".flac", "audio"),
    ],
)
def test_what_a_container_cannot_hold_is_refused_or_dropped_on_demand(
    tmp_path: Path, film: Film, suffix: str, what: str
) -> None:
    source = make(tmp_path / "film.mkv", film)
    media = probe(source)
    target = tmp_path / f"clean{suffix}"
    with pytest.raises(OutputError, match=what) as caught:
        check_target(media, target, replace=[1])
    assert "--drop-unsupported" in caught.value.hint
    assert not target.exists()
    written, receipt = clean(source, target, drop=True)
    assert any(what.split(",")[0] in line for line in written.dropped)
    assert receipt.ok, receipt.failures


@pytest.mark.parametrize("name", ["clean", "clean.xyz", "clean.mpg"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "film.mkv", Film((Sound(noise(0.3)),), 0.3))
    with pytest.raises(OutputError):
        check_target(probe(source), tmp_path / name, replace=[1])


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
def test_the_source_is_never_a_target(tmp_path: Path, link: str) -> None:
    source = make(tmp_path / "film.mkv", Film((Sound(noise(0.3)),), 0.3))
    target = source if link == "same" else tmp_path / "other.mkv"
    if link == "symbolic":
        target.symlink_to(source)
    elif link == "hard":
        target.hardlink_to(source)
    with pytest.raises(OutputError, match="the source itself"):
        check_target(probe(source), target, replace=[1])


def test_folders_and_missing_folders_are_refused(tmp_path: Path) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((Sound(noise(0.3)),), 0.3)))
    (tmp_path / "folder.mkv").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_target(media, tmp_path / "folder.mkv")
    with pytest.raises(OutputError, match="no such folder"):
        check_target(media, tmp_path / "nowhere" / "clean.mkv")
    with pytest.raises(MediaError, match="no audio track 2"):
        check_target(media, tmp_path / "clean.mkv", replace=[2])


def test_progress_runs_forward_to_the_end(tmp_path: Path) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((Sound(noise(4.0)),), 4.0)))
    told: list[Progress] = []
    new = NewAudio(decode(media, media.tracks[0]), 48_000, "stereo")
    write(media, tmp_path / "clean.mkv", replace={1: new}, watch=told.append)
    done = [event.done_s for event in told]
    assert done == sorted(done)
    assert told[-1].done_s == told[-1].total_s


def test_a_watch_that_raises_leaves_nothing(tmp_path: Path) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((Sound(noise(4.0)),), 4.0)))

    def stop(progress: Progress) -> None:
        if progress.done_s > 1:
            raise KeyboardInterrupt

    new = NewAudio(decode(media, media.tracks[0]), 48_000, "stereo")
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "clean.mkv") as temporary:
        write(media, temporary, replace={1: new}, watch=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]
