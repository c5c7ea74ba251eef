"""Reading plans strictly: every key known, every value in its range, every message with the path to what it means."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from mediaclean.audio import Span
from mediaclean.errors import PresetError
from mediaclean.settings import suggest

HINT = "mediaclean clean INPUT --plan-only prints a valid plan"


Word = TypeVar("Word", bound=str)


class Reader:
    """A mapping whose every key is known and present; messages name the path."""

    def __init__(self, data: Any, path: str, keys: set[str]) -> None:
        if not isinstance(data, Mapping):
            raise PresetError(f"{path}: expected a table, found {shown(data)}", HINT)
        for key in data:
            if key not in keys:
                raise PresetError(f"{path}.{key}: no such entry{suggest(str(key), keys)}", HINT)
        self.data, self.path = data, path

    def take(self, key: str) -> Any:
        if key not in self.data:
            raise PresetError(f"{self.path}.{key} is missing", HINT)
        return self.data[key]

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        value = number_of(self.take(key), f"{self.path}.{key}")
        if not low <= value <= high:
            raise PresetError(f"{self.path}.{key} = {value:g}: must be {low:g} to {high:g}", HINT)
        return value

    def text(self, key: str) -> str:
        return text_of(self.take(key), f"{self.path}.{key}")

    def flag(self, key: str) -> bool:
        """True or false; false where nothing is said."""
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise PresetError(f"{self.path}.{key} = {shown(value)}: true or false", HINT)
        return value

    def one_of(self, key: str, known: tuple[Word, ...]) -> Word:
        """A word out of a few."""
        found = self.text(key)
        for word in known:
            if word == found:
                return word
        raise PresetError(f"{self.path}.{key} = {found}: one of {', '.join(known)}{suggest(found, known)}", HINT)

    def items(self, key: str) -> list[tuple[str, Any]]:
        """The entries of a list, each with its path."""
        return [
            (f"{self.path}.{key}[{i}]", item) for i, item in enumerate(list_of(self.take(key), f"{self.path}.{key}"))
        ]

    def rows(self, key: str, fields: set[str]) -> list[Reader]:
        return [Reader(row, path, {*fields, "span_s"}) for path, row in self.items(key)]


class Spans:
    """Seconds to spans on one clock."""

    def __init__(self, rate: int, length: int) -> None:
        self.rate, self.length = rate, length

    def of(self, row: Reader) -> Span:
        return self.span(row.take("span_s"), f"{row.path}.span_s")

    def span(self, pair: Any, path: str) -> Span:
        values = list_of(pair, path)
        if len(values) != 2:
            raise PresetError(f"{path} = {shown(pair)}: expected [start, stop] in seconds", HINT)
        start, stop = (self._sample(number_of(value, path)) for value in values)
        if not 0 <= start < stop <= self.length:
            inside = f"0 to {self.length / self.rate:.3f} s"
            raise PresetError(f"{path} = {shown(pair)}: must run forward inside {inside}", HINT)
        return Span(start, stop)

    def _sample(self, second: float) -> int:
        return round(min(max(second * self.rate, -1.0), self.length + 1.0))  # one past either end is past it


def number_of(value: Any, path: str) -> float:
    """A finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            if math.isfinite(value):
                return float(value)
    raise PresetError(f"{path} = {shown(value)}: must be a number", HINT)


def text_of(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise PresetError(f"{path} = {shown(value)}: must be text", HINT)
    return value


def list_of(value: Any, path: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise PresetError(f"{path} = {shown(value)}: expected a list", HINT)
    return value


def shown(value: Any) -> str:
    return reprlib.repr(value)
