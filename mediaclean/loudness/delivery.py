"""Delivery specs as data, and the verdict of a measured file against one.

A spec is a TOML file of ``presets/delivery``: rules with a number, its source and the grade of the evidence, and an aim
for the normaliser that meets them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mediaclean.errors import PresetError
from mediaclean.folders import preset_folder
from mediaclean.loudness.gate import DialogueLoudness
from mediaclean.loudness.levels import Levels
from mediaclean.loudness.meter import Loudness
from mediaclean.loudness.normalise import LoudnessSettings
from mediaclean.settings import Settings, build, setting, suggest

UNITS = {"lufs": "LUFS", "lu": "LU", "dbtp": "dBTP", "dbfs": "dBFS"}


@dataclass(frozen=True)
class Rule(Settings):
    """One number that a delivery holds a file to."""

    quantity: Literal[
        "integrated_lufs",
        "dialogue_lufs",
        "short_term_max_lufs",
        "momentary_max_lufs",
        "range_lu",
        "dialogue_range_lu",
        "true_peak_dbtp",
        "sample_peak_dbfs",
        "rms_dbfs",
        "floor_dbfs",
    ] = setting("integrated_lufs", "", "what is measured")
    target: float | None = setting(None, "", "number to reach, with a tolerance", low=-120, high=120)
    tolerance: float | None = setting(None, "", "allowed distance from the target", low=0, high=20)
    low: float | None = setting(None, "", "least value", low=-120, high=120)
    high: float | None = setting(None, "", "largest value", low=-120, high=120)
    speech_above: float | None = setting(None, "share", "applies with more speech than this", low=0, high=1)
    speech_up_to: float | None = setting(None, "share", "applies with no more speech than this", low=0, high=1)
    channels_from: int = setting(1, "", "applies to files of at least so many channels", low=1, high=64)
    either: str = setting("", "", "of the rules with the same word here, one is enough")
    need: Literal["must", "should"] = setting("must", "", "a missed `should` is told and fails nothing")
    grade: Literal["primary", "secondary", "general", "ours"] = setting(
        "general",
        "",
        "read at its source; on a page about it; general knowledge, to be checked; or chosen here",
    )
    source: str = setting("", "", "where the number stands, if not where the spec's own")
    note: str = setting("", "", "what else to know")

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and largest value that pass."""
        if self.target is None:
            return self.low, self.high
        return self.target - (self.tolerance or 0.0), self.target + (self.tolerance or 0.0)

    @property
    def limit(self) -> str:
        """The number as one says it: ``-23.0 ±0.2 LUFS``, ``at most -1.0 dBTP``."""
        unit = UNITS[self.quantity.rsplit("_", 1)[1]]
        low, high = self.bounds
        if self.target is not None:
            return f"{self.target:.1f} ±{self.tolerance or 0.0:g} {unit}"
        if low is not None and high is not None:
            return f"{low:.1f} to {high:.1f} {unit}"
        return f"at least {low:.1f} {unit}" if low is not None else f"at most {high:.1f} {unit}"


@dataclass(frozen=True)
class Spec:
    """A delivery: what it asks for, where that stands, and how to get there."""

    name: str
    title: str
    source: str
    about: str
    rules: tuple[Rule, ...]
    aim: LoudnessSettings


@dataclass(frozen=True)
class Measured:
    """All that a verdict may ask for; what is None was not measured."""

    loudness: Loudness
    channels: int
    dialogue: DialogueLoudness | None = None
    levels: Levels | None = None

    def value(self, quantity: str) -> float | None:
        """The measured number, None where there is none."""
        if quantity.startswith("dialogue_"):
            name = {"dialogue_lufs": "gated_lufs", "dialogue_range_lu": "range_lu"}[quantity]
            return None if self.dialogue is None else getattr(self.dialogue, name)
        if quantity in {"rms_dbfs", "floor_dbfs"}:
            return None if self.levels is None else getattr(self.levels, quantity)
        value: float | None = getattr(self.loudness, quantity)
        return value


Status: TypeAlias = Literal["pass", "fail", "advice", "skipped"]


@dataclass(frozen=True)
class RuleResult:
    """One line of a verdict.

    Attributes:
        name: the quantity.
        measured: its value, None where there is none.
        limit: the rule in words.
        low, high: what passes.
        status: ``pass``, ``fail``, ``advice`` (a `should` is missed), ``skipped`` (does not apply, was not measured, is
            a range where there is none, or another rule of its kind passed).
        grade, source, note: of the number.
    """

    name: str
    measured: float | None
    limit: str
    low: float | None
    high: float | None
    status: Status
    grade: str
    source: str
    note: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {key: round(v, 3) if isinstance(v, float) else v for key, v in asdict(self).items()}


@dataclass(frozen=True)
class Verdict:
    """What a specification says of a file, rule by rule."""

    spec: str
    rules: tuple[RuleResult, ...]

    @property
    def ok(self) -> bool:
        """Whether no rule failed and at least one was checked."""
        statuses = [rule.status for rule in self.rules]
        return "fail" not in statuses and "pass" in statuses

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"pass": self.ok, "rules": [rule.to_json() for rule in self.rules]}


def spec_names() -> list[str]:
    """The specs that come with mediaclean, sorted."""
    return sorted(path.stem for path in (preset_folder() / "delivery").glob("*.toml"))


def load_spec(name: str | Path) -> Spec:
    """A spec by name or from a TOML file.

    Raises:
        PresetError: for an unknown spec (with the nearest known one), an unknown key or a bad value.
    """
    path = preset_folder() / "delivery" / f"{name}.toml"
    if str(name).endswith(".toml"):
        path = Path(name)
    elif str(name) not in spec_names():
        raise PresetError(f"{name}: no such delivery spec{suggest(str(name), spec_names())}", ", ".join(spec_names()))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{path.name} is not valid TOML: {error}", "start from a file of presets/delivery") from error
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}", ", ".join(spec_names())) from error
    return build_spec(path.stem, table)


def build_spec(name: str, table: Mapping[str, Any]) -> Spec:
    """A spec from its table; every key must be known and every rule must say what passes."""
    known = {"title", "source", "about", "rule", "aim"}
    for key in table:
        if key not in known:
            raise PresetError(f"{name}: {key}: no such key{suggest(key, known)}", "keys: " + ", ".join(sorted(known)))
    rows, aim = table.get("rule", []), table.get("aim", {})
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise PresetError(f"{name}: rule: expected tables", "write [[rule]], in two brackets, on a line of its own")
    if not isinstance(aim, Mapping):
        raise PresetError(f"{name}: aim: expected a table, found {aim!r}", "write [aim] on a line of its own")
    rules = tuple(build(Rule, row, name=f"{name}.rule") for row in rows)
    for rule in rules:
        if rule.bounds == (None, None) or (rule.target is None) != (rule.tolerance is None):
            raise PresetError(
                f"{name}: the rule for {rule.quantity} says nothing that could pass",
                "give target and tolerance, or low, or high",
            )
    if not rules:
        raise PresetError(f"{name}: a spec needs at least one [[rule]]", "start from a file of presets/delivery")
    return Spec(
        name=name,
        title=str(table.get("title", name)),
        source=str(table.get("source", "")),
        about=str(table.get("about", "")),
        rules=rules,
        aim=build(LoudnessSettings, aim, name=f"{name}.aim"),
    )


def verdict(spec: Spec, measured: Measured) -> Verdict:
    """Every rule of a spec against a measured file, in the spec's order."""
    statuses = [_status(rule, measured) for rule in spec.rules]
    met = {rule.either for rule, status in zip(spec.rules, statuses, strict=True) if status == "pass"} - {""}
    results = []
    for rule, status in zip(spec.rules, statuses, strict=True):
        low, high = rule.bounds
        results.append(
            RuleResult(
                name=rule.quantity,
                measured=measured.value(rule.quantity),
                limit=rule.limit,
                low=low,
                high=high,
                status="skipped" if status == "fail" and rule.either in met else status,
                grade=rule.grade,
                source=rule.source or spec.source,
                note=rule.note,
            )
        )
    return Verdict(spec.name, tuple(results))


def _status(rule: Rule, measured: Measured) -> Status:
    share = None if measured.dialogue is None else measured.dialogue.share
    if measured.channels < rule.channels_from:
        return "skipped"
    if rule.speech_above is not None and (share is None or share <= rule.speech_above):
        return "skipped"
    if rule.speech_up_to is not None and (share is not None and share > rule.speech_up_to):
        return "skipped"
    value = measured.value(rule.quantity)
    if value is None and _no_figure(rule.quantity, measured):
        return "skipped"
    low, high = rule.bounds
    if value is not None and (low is None or value >= low - _ROUNDING) and (high is None or value <= high + _ROUNDING):
        return "pass"
    return "fail" if rule.need == "must" else "advice"


_ROUNDING = 1e-9


def _no_figure(quantity: str, measured: Measured) -> bool:
    """Whether nobody looked or there is no range to speak of, in contrast to a level that silence does not have.

    The range of dialogue is over 3 s windows that are mostly speech, and a good file may have none.
    """
    if quantity == "dialogue_range_lu":
        return True
    if quantity.startswith("dialogue_"):
        return measured.dialogue is None
    if quantity in {"rms_dbfs", "floor_dbfs"}:
        return measured.levels is None
    return measured.loudness.integrated_lufs is not None
