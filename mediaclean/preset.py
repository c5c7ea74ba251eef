"""Presets: strict TOML tables over the defaults, overrides over both.

A preset is one record of stage records. A table that is missing means that its stage is off. Precedence: what is typed,
then the file, then the defaults of the records.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaclean.bed.duck import DuckSettings
from mediaclean.cues.make import CueSettings
from mediaclean.errors import PresetError
from mediaclean.folders import preset_folder
from mediaclean.ledger.records import LedgerSettings
from mediaclean.loudness.normalise import LoudnessSettings
from mediaclean.plan.make import SeparateSettings
from mediaclean.polish.breath import BreathSettings
from mediaclean.polish.deess import DeessSettings
from mediaclean.polish.phrases import PhraseSettings
from mediaclean.polish.presence import PresenceSettings
from mediaclean.repair.clicks import DeclickSettings
from mediaclean.repair.clipping import DeclipSettings
from mediaclean.repair.dereverb import DereverbSettings
from mediaclean.repair.hum import HumSettings
from mediaclean.roomtone.sources import RoomToneSettings
from mediaclean.settings import Settings, build, suggest, typed
from mediaclean.speech import SpeechSettings

DEFAULT = "documentary"

STAGES: dict[str, type[Settings]] = {
    "speech": SpeechSettings,
    "declip": DeclipSettings,
    "declick": DeclickSettings,
    "hum": HumSettings,
    "separate": SeparateSettings,
    "dereverb": DereverbSettings,
    "breath": BreathSettings,
    "deess": DeessSettings,
    "presence": PresenceSettings,
    "phrases": PhraseSettings,
    "duck": DuckSettings,
    "ledger": LedgerSettings,
    "room_tone": RoomToneSettings,
    "loudness": LoudnessSettings,
    "cues": CueSettings,
}
"""The tables of a preset in the order in which the sound meets them."""


@dataclass(frozen=True)
class Preset:
    """The settings of every stage; None where a stage is off."""

    name: str
    about: str = ""
    speech: SpeechSettings | None = None
    declip: DeclipSettings | None = None
    declick: DeclickSettings | None = None
    hum: HumSettings | None = None
    separate: SeparateSettings | None = None
    dereverb: DereverbSettings | None = None
    breath: BreathSettings | None = None
    deess: DeessSettings | None = None
    presence: PresenceSettings | None = None
    phrases: PhraseSettings | None = None
    duck: DuckSettings | None = None
    ledger: LedgerSettings | None = None
    room_tone: RoomToneSettings | None = None
    loudness: LoudnessSettings | None = None
    cues: CueSettings | None = None


def preset_names() -> list[str]:
    """The presets that come with mediaclean, sorted."""
    return sorted(path.stem for path in preset_folder().glob("*.toml"))


def load_preset(name: str | Path = DEFAULT, overrides: Sequence[str] = ()) -> Preset:
    """A preset by name or from a TOML file, with overrides such as ``duck.target_lu=15`` or ``room_tone=off``.

    Raises:
        PresetError: for an unknown preset, stage or setting (with the nearest known one), or a bad value.
    """
    path = _find(name)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{path.name} is not valid TOML: {error}", "mediaclean presets documentary") from error
    except FileNotFoundError as error:
        raise PresetError(f"no preset file {path}", "mediaclean presets") from error
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}", "mediaclean presets") from error
    return override(from_tables(tables, path.stem), overrides)


def from_tables(tables: Mapping[str, Any], name: str) -> Preset:
    """A preset from parsed TOML.

    Raises:
        PresetError: for anything that is not a known table or setting.
    """
    stages: dict[str, Any] = {}
    for key, value in tables.items():
        if key == "about":
            stages["about"] = str(value).strip()
        elif key not in STAGES:
            raise PresetError(f"{key}: no such stage{suggest(key, STAGES)}", f"known stages: {', '.join(STAGES)}")
        elif not isinstance(value, Mapping):
            raise PresetError(f"{key}: expected a table, found {value!r}", f"write [{key}] on a line of its own")
        else:
            stages[key] = build(STAGES[key], value, name=key)
    return Preset(name=name, **stages)


def override(preset: Preset, overrides: Iterable[str]) -> Preset:
    """The preset with ``stage.setting=value`` or ``stage=on|off`` applied, in order. A setting turns its stage on."""
    for text in overrides:
        target, equals, value = text.partition("=")
        stage, dot, setting = target.strip().partition(".")
        if not equals:
            raise PresetError(f"--set {text}: expected stage.setting=value", "for example --set duck.target_lu=15")
        if stage not in STAGES:
            raise PresetError(f"{stage}: no such stage{suggest(stage, STAGES)}", f"known stages: {', '.join(STAGES)}")
        changes: dict[str, Any] = {stage: _overridden(preset, stage, setting if dot else "", value)}
        preset = dataclasses.replace(preset, **changes)
    return preset


def _overridden(preset: Preset, stage: str, setting: str, value: str) -> Settings | None:
    record: Settings | None = getattr(preset, stage)
    if setting:
        return build(STAGES[stage], {setting: typed(STAGES[stage], setting, value)}, name=stage, base=record)
    switch = value.strip().lower()
    if switch not in {"on", "off"}:
        raise PresetError(f"{stage}={value}: a stage is on or off", f"for example --set {stage}.SETTING={value}")
    if stage == "speech" and switch == "off":
        raise PresetError("speech=off: every run listens for speech", "mediaclean settings shows what speech has")
    return (record or STAGES[stage]()) if switch == "on" else None


_HEARD_IN = {
    "target_lu": ("duck", "auto"),
    "reduce_db": ("reduce", "auto"),
    "floor_db": ("remove", "duck", "auto"),
    "singing": ("duck", "auto"),
}
"""The modes in which a setting of the bed means something, the plainest one first."""

_LEVELLED_IN = {
    "target_lufs": ("programme", "dialogue", "range"),
    "min_dialogue_share": ("dialogue",),
    "fallback_lufs": ("dialogue",),
    "target_rms_dbfs": ("rms",),
    "least_rms_dbfs": ("rms",),
    "max_floor_dbfs": ("rms",),
    "max_range_lu": ("range",),
    "max_short_term_lufs": ("range",),
    "max_momentary_lufs": ("range",),
    "max_ride_db": ("range",),
    "ride_ramp_s": ("range",),
}
"""The same for the settings of the level."""


def unheard(overrides: Sequence[str], mode: str) -> dict[str, str]:
    """Those of the overrides that have no effect in a mode of the bed: their names, and a mode that would obey them.

    >>> unheard(["duck.target_lu=15", "duck.floor_db=-18"], "remove")
    {'duck.target_lu': 'duck'}
    """
    return _idle(overrides, mode, {f"duck.{setting}": modes for setting, modes in _HEARD_IN.items()})


def _idle(overrides: Sequence[str], mode: str, modes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    names = dict.fromkeys(text.partition("=")[0].strip() for text in overrides)
    return {name: modes[name][0] for name in names if name in modes and mode not in modes[name]}


def check_levelled(aim: LoudnessSettings | None, overrides: Sequence[str], of: str = "") -> None:
    """Hold the settings of the level that were typed against the mode that came of it.

    Args:
        aim: the level with `overrides` applied; None where it is off.
        overrides: what was typed.
        of: whose mode it is, to begin the message with.

    Raises:
        PresetError: if one has no effect in this mode.
    """
    if aim is None:
        return
    idle = _idle(overrides, aim.mode, {f"loudness.{setting}": modes for setting, modes in _LEVELLED_IN.items()})
    for name, obeying in idle.items():
        meant = {"loudness.target_lufs": "target_rms_dbfs", "loudness.target_rms_dbfs": "target_lufs"}.get(name)
        hint = f"--set loudness.{meant}=…" if meant else f"--set loudness.mode={obeying}"
        raise PresetError(f"{of}{name} has no effect in mode {aim.mode}", hint)


def check_no_cues(overrides: Sequence[str]) -> None:
    """Cues are made by `dialogue` alone: elsewhere a setting of theirs that was typed is not heard.

    Raises:
        PresetError: if there is one. A preset may have them, for one preset serves all commands.
    """
    for name in (text.partition("=")[0].strip() for text in overrides):
        if name == "cues" or name.startswith("cues."):
            raise PresetError(f"{name} has no effect here: only dialogue makes cues", "mediaclean dialogue -h")


def check_heard(preset: Preset, overrides: Sequence[str], choice: str, *, alone: bool = False) -> None:
    """Hold the settings of the bed that were typed against the mode that came of it.

    Args:
        preset: with `overrides` applied.
        choice: what to type for another mode, but for its name.
        alone: whether these are all that was asked for.

    Raises:
        PresetError: if one has no effect in this mode.
    """
    mode = "leave" if preset.duck is None else preset.duck.mode
    for name, obeying in unheard(overrides, mode).items():
        only = {text.partition("=")[0].strip() for text in overrides} == {name}
        so = "nothing changes: " if alone and only else ""
        raise PresetError(f"{so}{name} has no effect in mode {mode}", f"{choice}{obeying}")


def _find(name: str | Path) -> Path:
    text = str(name)
    if text.endswith(".toml") or "/" in text or "\\" in text:
        return Path(text)
    if text not in preset_names():
        known = ", ".join(preset_names())
        raise PresetError(f"{text}: no such preset{suggest(text, preset_names())}", f"known presets: {known}")
    return preset_folder() / f"{text}.toml"


def to_tables(preset: Preset) -> dict[str, Any]:
    """The resolved preset as tables: every setting with its value, stages that are off left out."""
    tables: dict[str, Any] = {"about": preset.about}
    for stage in STAGES:
        record = getattr(preset, stage)
        if record is not None:
            tables[stage] = dataclasses.asdict(record)
    return tables


def to_toml(preset: Preset) -> str:
    """The resolved preset as TOML that `load_preset` reads back to the same record."""
    lines = [f"about = {_literal(preset.about)}"]
    for stage, table in to_tables(preset).items():
        if isinstance(table, Mapping):
            lines.extend(["", f"[{stage}]"])
            lines.extend(f"{key} = {_literal(value)}" for key, value in table.items() if value is not None)
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    text = json.dumps(str(value), ensure_ascii=False)  # JSON's escapes are TOML's, which escapes DEL as well
    return text.replace("\x7f", "\\u007f")
