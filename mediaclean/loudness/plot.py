"""Loudness over time as an SVG picture: momentary and short-term curves, speech, targets, and where a rule is broken.

Written as text, so that nothing is needed to draw it; colours follow the viewer's light or dark scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from mediaclean.loudness.delivery import RuleResult
from mediaclean.loudness.meter import HOP_S, LoudnessSeries
from mediaclean.speech import runs

_WIDTH, _HEIGHT = 1000, 390
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 62, 44
_SPAN_LU = 45.0
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)

_STYLE = """
.ground{fill:#fff}.text{fill:#333;font:12px sans-serif}.head{font-weight:600}.grid{stroke:#e2e5e9}
.momentary{fill:none;stroke:#9db4d0}.short{fill:none;stroke:#1f5fa8;stroke-width:1.8}.speech{fill:#5a9e6f}
.target{stroke:#2e7d4f;stroke-dasharray:6 4}.band{fill:#2e7d4f;opacity:.1}.limit{stroke:#c0392b;stroke-dasharray:2 4}
.text.bad,.bad{fill:#c0392b}.over{fill:#c0392b;opacity:.2}
@media(prefers-color-scheme:dark){.ground{fill:#16191d}.text{fill:#d5d9de}.grid{stroke:#2c3138}
.momentary{stroke:#4d6580}.short{stroke:#6fb1ff}.speech{fill:#4f9a6a}.target{stroke:#63c08a}.band{fill:#63c08a}
.limit{stroke:#ff7b6b}.text.bad,.bad{fill:#ff7b6b}.over{fill:#ff7b6b}}
"""

_CURVES = {"short_term_max_lufs": "short-term", "momentary_max_lufs": "momentary"}
_LEVELS = {"integrated_lufs": "programme", "dialogue_lufs": "dialogue"}


@dataclass(frozen=True)
class _Axes:
    """Seconds and LUFS to the picture's points."""

    duration_s: float
    top: float

    def x(self, seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(1.0, seconds / self.duration_s)

    def y(self, lufs: float) -> float:
        share = min(1.0, max(0.0, (self.top - lufs) / _SPAN_LU))
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * share


def loudness_svg(
    series: LoudnessSeries,
    *,
    title: str = "",
    speech: Sequence[tuple[float, float]] = (),
    results: Sequence[RuleResult] = (),
    true_peak_at_s: float | None = None,
) -> str:
    """The picture as SVG text.

    Args:
        series: 100 ms mean squares of the file.
        title: shown on top, for example the file's name.
        speech: start and end of every stretch of speech in seconds.
        results: a verdict; its targets and limits are drawn, moments over a failed limit marked, failures listed.
        true_peak_at_s: where the largest true peak lies; marked if a verdict fails it.
    """
    momentary, short_term = series.momentary(), series.short_term()
    highest = max(momentary.max(initial=-60.0), *(result.high for result in results if _drawn(result)), -20.0)
    axes = _Axes(max(HOP_S, len(series.powers) * HOP_S), 5 * np.ceil((float(highest) + 3) / 5))
    failed = [result for result in results if result.status == "fail"]
    parts = [
        *_grid(axes),
        *_marks(axes, momentary, short_term, failed),
        *_lines(axes, results),
        _curve(axes, momentary, 0.4, "momentary"),
        _curve(axes, short_term, 3.0, "short"),
        *(_speech(axes, start, stop) for start, stop in speech),
    ]
    if true_peak_at_s is not None and any(result.name == "true_peak_dbtp" for result in failed):
        x = axes.x(true_peak_at_s)
        parts.append(f'<path class="bad" d="M{x:.1f} {_TOP}l-5 -9h10z"><title>largest true peak</title></path>')
    words = [_words(result) for result in failed] or (["all rules pass"] if results else [])
    kind = "text bad" if failed else "text"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>{escape(title or 'Loudness over time')}</title><style>{_STYLE}</style>"
        f'<rect class="ground" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<text class="text head" x="{_LEFT}" y="20">{escape(title)}</text>'
        f"{_text(kind, 36, ' · '.join(words[:3]))}{_text(kind, 51, ' · '.join(words[3:]))}"
        f"{''.join(parts)}{_legend()}</svg>\n"
    )


def _drawn(result: RuleResult) -> bool:
    return result.high is not None and (result.name in _CURVES or result.name in _LEVELS)


def _text(kind: str, y: int, words: str) -> str:
    return f'<text class="{kind}" x="{_LEFT}" y="{y}">{escape(words)}</text>' if words else ""


def _words(result: RuleResult) -> str:
    name = result.name.rsplit("_", 1)[0].replace("_", " ")
    return f"{name} {'none' if result.measured is None else f'{result.measured:.1f}'} ({result.limit})"


def _grid(axes: _Axes) -> list[str]:
    right, base = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    lines = []
    for lufs in np.arange(axes.top, axes.top - _SPAN_LU - 1, -5):
        y = axes.y(lufs)
        lines.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
        lines.append(f'<text class="text" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{lufs:.0f}</text>')
    step = next((step for step in _STEPS_S if axes.duration_s / step <= 10), 7200)
    for seconds in range(0, int(axes.duration_s) + 1, step):
        x = axes.x(seconds)
        lines.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{base}"/>')
        lines.append(f'<text class="text" x="{x:.1f}" y="{base + 16}" text-anchor="middle">{_clock(seconds)}</text>')
    return lines


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _lines(axes: _Axes, results: Sequence[RuleResult]) -> list[str]:
    lines, right = [], _WIDTH - _RIGHT
    for result in results:
        if not _drawn(result) or result.status == "skipped" or result.high is None:
            continue
        y = axes.y(result.high)
        if result.name in _LEVELS and result.low is not None:
            height, middle = axes.y(result.low) - y, (y + axes.y(result.low)) / 2
            lines.append(f'<rect class="band" x="{_LEFT}" y="{y:.1f}" width="{right - _LEFT}" height="{height:.1f}"/>')
            lines.append(f'<path class="target" d="M{_LEFT} {middle:.1f}H{right}"/>')
            y, label = middle, f"{_LEVELS[result.name]} {result.limit}"
        else:
            lines.append(f'<path class="limit" d="M{_LEFT} {y:.1f}H{right}"/>')
            label = f"{_CURVES.get(result.name) or _LEVELS[result.name]} {result.limit}"
        lines.append(f'<text class="text" x="{right}" y="{y - 4:.1f}" text-anchor="end">{escape(label)}</text>')
    return lines


def _marks(
    axes: _Axes, momentary: NDArray[np.float64], short_term: NDArray[np.float64], failed: Sequence[RuleResult]
) -> list[str]:
    """Red fields where the short-term curve lies over the limit that it fails, a red strip on top for the momentary."""
    fields = []
    for name, curve, window_s, height in (
        ("short_term_max_lufs", short_term, 3.0, _HEIGHT - _TOP - _BOTTOM),
        ("momentary_max_lufs", momentary, 0.4, 6),
    ):
        limits = [result.high for result in failed if result.name == name and result.high is not None]
        if not limits:
            continue
        hops = round(window_s / HOP_S)
        covered = np.convolve(curve > min(limits), np.ones(hops)) > 0.5
        for start, stop in runs(covered):
            left, right = axes.x(start * HOP_S), axes.x(stop * HOP_S)
            highest = curve[start : stop - hops + 1].max()
            fields.append(
                f'<rect class="over" x="{left:.1f}" y="{_TOP}" width="{max(1.5, right - left):.1f}" height="{height}">'
                f"<title>{_CURVES[name]} up to {highest:.1f} LUFS</title></rect>"
            )
    return fields


def _curve(axes: _Axes, lufs: NDArray[np.float64], window_s: float, kind: str) -> str:
    """A curve by its windows' ends; of a long file the lowest and highest value of every column."""
    columns = 1200
    times = np.arange(len(lufs)) * HOP_S + window_s
    if len(lufs) > 2 * columns:
        groups = np.array_split(np.arange(len(lufs)), columns)
        picked = np.array(sorted({i for g in groups for i in (g[lufs[g].argmin()], g[lufs[g].argmax()])}))
        times, lufs = times[picked], lufs[picked]
    points = " ".join(f"{axes.x(t):.1f},{axes.y(v):.1f}" for t, v in zip(times, lufs, strict=True))
    return f'<polyline class="{kind}" points="{points}"/>'


def _speech(axes: _Axes, start: float, stop: float) -> str:
    left, y = axes.x(start), _HEIGHT - _BOTTOM - 5
    return f'<rect class="speech" x="{left:.1f}" y="{y}" width="{max(0.5, axes.x(stop) - left):.1f}" height="5"/>'


def _legend() -> str:
    y, parts = _HEIGHT - 10, []
    for index, (kind, words) in enumerate((("momentary", "momentary (400 ms)"), ("short", "short-term (3 s)"))):
        x = _LEFT + 170 * index
        parts.append(
            f'<path class="{kind}" d="M{x} {y - 4}h26"/><text class="text" x="{x + 32}" y="{y}">{words}</text>'
        )
    x = _LEFT + 340
    parts.append(f'<rect class="speech" x="{x}" y="{y - 7}" width="26" height="5"/>')
    parts.append(f'<text class="text" x="{x + 32}" y="{y}">speech</text>')
    parts.append(f'<text class="text" x="{_WIDTH - _RIGHT}" y="{y}" text-anchor="end">LUFS over time</text>')
    return "".join(parts)
