import dataclasses

import numpy as np
import pytest

from mediaclean.errors import PresetError
from mediaclean.loudness.delivery import Measured, build_spec, load_spec, spec_names, verdict
from mediaclean.loudness.gate import DialogueLoudness
from mediaclean.loudness.levels import LevelMeter, Levels
from mediaclean.loudness.meter import Loudness

NAMES = [
    "acx",
    "aes-td1008-speech",
    "amazon",
    "apple-podcasts",
    "atsc-a85",
    "ebu-r128",
    "ebu-r128-s1",
    "ebu-r128-s2",
    "netflix",
    "netflix-qc",
    "op-59",
    "spotify",
    "tr-b32",
    "youtube",
]


def measured(integrated=-23.0, peak=-3.0, *, share=0.6, gated=-27.0, channels=2, **more):
    loudness = Loudness(integrated, -16.0, -19.0, 6.0, peak, peak, 60.0)
    loudness = dataclasses.replace(loudness, **more)
    dialogue = DialogueLoudness(gated, gated, share, gated, gated, 5.0, None, "mix")
    return Measured(loudness, channels, dialogue, Levels(-20.0, -65.0))


def statuses(name, heard):
    return {(result.name, result.limit): result.status for result in verdict(load_spec(name), heard).rules}


def test_every_promised_spec_is_there():
    assert spec_names() == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source_and_a_grade(name):
    spec = load_spec(name)
    assert spec.title
    assert spec.about
    for result in verdict(spec, measured()).rules:
        assert result.source
        assert result.grade in {"primary", "secondary", "general", "ours"}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_spec_aims_at_passes_it(name):
    spec = load_spec(name)
    target = spec.aim.target_lufs
    heard = measured(target, spec.aim.ceiling_dbtp, gated=target, short_term_max_lufs=target + 4)
    assert verdict(spec, heard).ok


@pytest.mark.parametrize("name", NAMES)
def test_too_hot_a_file_fails_every_spec(name):
    heard = measured(-8.0, 0.5, gated=-8.0, short_term_max_lufs=-7.0, momentary_max_lufs=-6.0)
    heard = dataclasses.replace(heard, levels=Levels(-9.0, -30.0))
    results = verdict(load_spec(name), heard)
    assert not results.ok
    assert all(
        result.status == "fail"
        for result in results.rules
        if result.name.endswith(("lufs", "dbtp", "dbfs"))
        if result.status != "skipped"
    )


@pytest.mark.parametrize(("off", "ok"), [(0.0, True), (0.2, True), (-0.2, True), (0.21, False), (-0.21, False)])
def test_the_tolerance_is_kept_to_the_letter(off, ok):
    assert verdict(load_spec("ebu-r128"), measured(-23.0 + off)).ok is ok


@pytest.mark.parametrize(("peak", "ok"), [(-1.0, True), (-0.99, False)])
def test_so_is_the_ceiling(peak, ok):
    assert verdict(load_spec("ebu-r128"), measured(peak=peak)).ok is ok


@pytest.mark.parametrize(
    ("short_term", "momentary", "ok"), [(-19, -14, True), (-17, -16, True), (-17, -14, False), (-19, -16, True)]
)
def test_of_two_either_rules_one_is_enough(short_term, momentary, ok):
    heard = measured(short_term_max_lufs=short_term, momentary_max_lufs=momentary)
    assert verdict(load_spec("ebu-r128-s1"), heard).ok is ok


@pytest.mark.parametrize(
    ("share", "gated", "integrated", "ok"),
    [(0.5, -27, -18, True), (0.5, -22, -24, False), (0.15, -22, -24, True), (0.1, -27, -18, False)],
)
def test_netflix_asks_for_the_programme_where_dialogue_is_rare(share, gated, integrated, ok):
    assert verdict(load_spec("netflix"), measured(integrated, share=share, gated=gated)).ok is ok


def test_a_missed_should_is_told_and_fails_nothing():
    heard = measured(-24.0, channels=6, range_lu=25.0)
    assert statuses("netflix", heard)["range_lu", "4.0 to 18.0 LU"] == "advice"
    assert statuses("netflix", dataclasses.replace(heard, channels=2))["range_lu", "4.0 to 18.0 LU"] == "skipped"
    assert verdict(load_spec("netflix"), heard).ok


def test_what_was_not_measured_is_skipped_and_silence_fails():
    blind = Measured(measured().loudness, 2)
    assert {status for (name, _), status in statuses("amazon", blind).items() if name == "dialogue_lufs"} == {"skipped"}
    silent = Measured(Loudness(None, None, None, None, -120.0, -120.0, 60.0), 2)
    assert not verdict(load_spec("ebu-r128"), silent).ok


def test_a_range_that_dialogue_does_not_have_fails_nothing():
    """Speech of a sixth of the time in short phrases: no 3 s window is mostly speech."""
    heard = measured(-24.0)
    heard = dataclasses.replace(heard, dialogue=dataclasses.replace(heard.dialogue, range_lu=None))
    assert statuses("netflix", heard)["dialogue_range_lu", "at most 10.0 LU"] == "skipped"
    assert verdict(load_spec("netflix"), heard).ok


@pytest.mark.parametrize(("need", "status"), [("must", "fail"), ("should", "advice")])
@pytest.mark.parametrize("quantity", ["integrated_lufs", "dialogue_lufs", "range_lu", "floor_dbfs"])
def test_a_level_that_silence_does_not_have_fails_only_where_it_must_be_there(quantity, need, status):
    spec = build_spec("mine", {"rule": [{"quantity": quantity, "high": 0.0, "need": need}]})
    nothing = DialogueLoudness(None, None, 0.0, None, None, None, None, "mix")
    silent = Measured(Loudness(None, None, None, None, -120.0, -120.0, 60.0), 2, nothing, Levels(None, None))
    assert [result.status for result in verdict(spec, silent).rules] == [status]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"rules": []}, "did you mean rule"),
        ({"rule": []}, "at least one"),
        ({"rule": [{"quantity": "loudness"}]}, "quantity"),
        ({"rule": [{"quantity": "range_lu"}]}, "nothing that could pass"),
        ({"rule": [{"quantity": "range_lu", "target": 3.0}]}, "nothing that could pass"),
        ({"rule": [{"quantity": "range_lu", "hihg": 3.0}]}, "did you mean high"),
        ({"rule": [{"high": -1.0}], "aim": {"target_lufs": 3.0}}, "target_lufs"),
    ],
)
def test_a_bad_spec_is_refused_with_a_reason(table, words):
    with pytest.raises(PresetError, match=words):
        build_spec("mine", table)


def test_an_unknown_spec_names_the_nearest():
    with pytest.raises(PresetError, match="did you mean netflix"):
        load_spec("netflik")


def test_a_spec_of_ones_own_is_read_from_its_file(tmp_path):
    path = tmp_path / "house.toml"
    path.write_text('title = "House"\nsource = "contract"\n[[rule]]\ntarget = -20\ntolerance = 1\n')
    spec = load_spec(path)
    assert (spec.name, spec.rules[0].limit) == ("house", "-20.0 ±1 LUFS")
    assert verdict(spec, measured(-20.5)).ok
    with pytest.raises(PresetError, match="cannot be read"):
        load_spec(tmp_path / "none.toml")


@pytest.mark.parametrize("block", [100, 7777, 10**6])
def test_plain_levels(block):
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal((2, 48000 * 4))).astype(np.float32)
    sound[:, 96000:124800] *= 0.01
    meter = LevelMeter(48000)
    for start in range(0, sound.shape[1], block):
        meter.add(sound[:, start : start + block])
    levels = meter.result()
    assert levels.rms_dbfs == pytest.approx(-20 + 10 * np.log10(0.85), abs=0.05)
    assert levels.floor_dbfs == pytest.approx(-60, abs=0.1)
    assert LevelMeter(48000).result() == Levels(None, None)
