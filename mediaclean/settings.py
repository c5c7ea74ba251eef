"""What a setting is: a field of a frozen dataclass, declared once, beside the sound processing that reads it.

    @dataclass(frozen=True)
    class DuckSettings(Settings):
        '''The bed under speech.'''
        release_s: float = setting(0.8, "s", "time to come back up after the phrase", low=0.05, high=10.0)

Unit, range and help travel with the field, so the preset loader, ``--set``, the help and
docs/settings.md all read the same declaration.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from mediaclean.errors import PresetError

Record = TypeVar("Record")


def setting(default: Any, unit: str, help: str, *, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field with its unit, its range (both ends allowed) and one line of help."""
    return dataclasses.field(default=default, metadata={"unit": unit, "help": help, "low": low, "high": high})


class Settings:
    """Base of every settings record: its values are checked when it is made."""

    def __post_init__(self) -> None:
        check(self)


def check(record: Any) -> None:
    """Hold every field of a settings record against its type and range.

    Raises:
        PresetError: naming the field, the value and what is allowed.
    """
    hints = get_type_hints(type(record))
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        problem = _problem(value, hints[field.name], field.metadata)
        if problem:
            raise PresetError(f"{field.name} = {value!r}: {problem}", "mediaclean settings")


def build(cls: type[Record], table: Mapping[str, Any], *, name: str, base: Record | None = None) -> Record:
    """A settings record from a table of values, over `base` or the defaults.

    Args:
        cls: the frozen dataclass.
        table: field names to values; an int is taken where a float is expected.
        name: what to call the table in messages, for example ``duck``.
        base: the record whose values stand where the table says nothing.

    Raises:
        PresetError: for an unknown name (with the nearest known one) or a bad value.
    """
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise PresetError(f"{name}.{key}: no such setting{suggest(key, known)}", "mediaclean settings")
        values[key] = _coerce(value, hints[key])
    try:
        if base is not None:
            return dataclasses.replace(base, **values)  # type: ignore[type-var]
        return cls(**values)
    except PresetError as error:
        raise PresetError(f"{name}.{error.message}", error.hint) from None


LEAST_START = 3
"""Fewer letters are the beginning of anything."""


def suggest(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` for the nearest known word, or the first that begins so; or an empty string.

    >>> suggest("documentry", ["documentary"]), suggest("ebu", ["ebu-r128", "ebu-r128-s1"]), suggest("x", ["ebu-r128"])
    ('; did you mean documentary?', '; did you mean ebu-r128?', '')
    """
    words = list(known)
    begun = [name for name in words if len(word) >= LEAST_START and name.startswith(word.lower())]
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6) or begun
    return f"; did you mean {near[0]}?" if near else ""


def parse(text: str) -> Any:
    """A value typed on the command line: number, true or false, or text.

    >>> parse("-15"), parse("0.5"), parse("true"), parse("duck")
    (-15, 0.5, True, 'duck')
    """
    lowered = text.strip().lower()
    if lowered in {"true", "yes"}:
        return True
    if lowered in {"false", "no"}:
        return False
    for kind in (int, float):
        try:
            return kind(lowered)
        except ValueError:
            continue
    return text.strip()


def typed(cls: type[Any], name: str, text: str) -> Any:
    """The value of a setting as it was typed: where the setting is text, `955717e8` is no number and `no` is a word."""
    hint, _ = _bare(get_type_hints(cls).get(name))
    return text.strip() if hint is str else parse(text)


@dataclasses.dataclass(frozen=True)
class Described:
    """One row of the table of settings."""

    name: str
    default: Any
    unit: str
    allowed: str
    help: str

    @property
    def default_text(self) -> str:
        """The default as a preset file has it; a dash where there is none."""
        if self.default is None:
            return "–"
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return f"{self.default:.4g}" if isinstance(self.default, float) else str(self.default)


def describe(cls: type[Any]) -> list[Described]:
    """The rows of a settings record for help texts and documents."""
    hints = get_type_hints(cls)
    return [
        Described(
            field.name,
            field.default,
            field.metadata.get("unit", ""),
            _allowed(hints[field.name], field.metadata),
            field.metadata.get("help", ""),
        )
        for field in dataclasses.fields(cls)
    ]


def _bare(hint: Any) -> tuple[Any, bool]:
    """The hint without its ``| None``, and whether None is allowed."""
    if get_origin(hint) in {typing.Union, types.UnionType}:
        rest = [arg for arg in get_args(hint) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return hint, False


def _coerce(value: Any, hint: Any) -> Any:
    hint, _ = _bare(hint)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):  # what is too large for a float is out of range, and said to be so
            return float(value)
    return value


def _problem(value: Any, hint: Any, metadata: Mapping[str, Any]) -> str:
    hint, optional = _bare(hint)
    if value is None and optional:
        return ""
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return "" if value in choices else f"must be one of {', '.join(map(str, choices))}"
    kinds = (int, float) if hint is float else (hint,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and hint is not bool):
        return f"must be {_kind(hint)}"
    if isinstance(value, float) and value != value:
        return "must be a number"
    low, high = metadata.get("low"), metadata.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        return f"must be {_allowed(hint, metadata)}"
    return ""


def _kind(hint: Any) -> str:
    return {float: "a number", int: "a whole number", bool: "true or false", str: "text"}.get(hint, str(hint))


def _allowed(hint: Any, metadata: Mapping[str, Any]) -> str:
    hint, _ = _bare(hint)
    if get_origin(hint) is Literal:
        return ", ".join(map(str, get_args(hint)))
    low, high = metadata.get("low"), metadata.get("high")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    if high is not None:
        return f"at most {high:g}"
    return _kind(hint)
