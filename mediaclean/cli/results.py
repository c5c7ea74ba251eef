"""What commands that write results share: where they go, and what is said about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaclean.cli.terminal import emit, out
from mediaclean.errors import OutputError

if TYPE_CHECKING:
    from mediaclean.job import CleanOptions
    from mediaclean.report import Report


def show_reports(
    reports: Sequence[Report],
    options: CleanOptions,
    *,
    took_s: float,
    report: Path | None,
    is_batch: bool,
    json_: bool,
) -> None:
    """Write the reports of one input where they are wanted, and say what was done.

    Args:
        reports: one per result and track.
        options: what the run was told.
        took_s: wall time of all of it.
        report: where `--report` wants them.
        is_batch: whether that is a folder, one report for each of many inputs.
        json_: say it in JSON lines.
    """
    from mediaclean.cli.summary import Told, summary
    from mediaclean.report import to_report_dict, to_report_json

    paths = _report_paths(report, reports, is_batch) if report is not None else []
    for path, done in zip(paths, reports, strict=False):
        write_text(path, to_report_json(done) + "\n", "--report")
    if json_:
        for done in reports:
            emit("report", **to_report_dict(done))
        return
    first, last = reports[0].target, reports[-1].target
    has_stems = _writes_stems(reports[0], options)
    for target in dict.fromkeys(done.target for done in reports):
        own = [done for done in reports if done.target == target]
        told = Told(options, has_stems and target == first, took_s if target == last else None)
        out().print(summary(own, told))


def _writes_stems(report: Report, options: CleanOptions) -> bool:
    """A remix of stems keeps its own beside the first result, as `--residual` does."""
    has_grid = report.options.get("headroom_bits") is not None
    return has_grid and options.keeps_stems


def deliveries_of(target: Path, specs: list[Any]) -> list[Any]:
    """The results of one input: one at the preset's level, or one per specification, named after it if many."""
    from mediaclean.run import Delivery

    if not specs:
        return [Delivery(target)]
    if len(specs) == 1:
        return [Delivery(target, specs[0])]
    return [Delivery(target.with_name(f"{target.stem}.{spec.name}{target.suffix}"), spec) for spec in specs]


def write_text(path: Path, text: str, option: str) -> None:
    """Write a file whole or not at all; what lies there is replaced.

    Raises:
        OutputError: naming the option that chose the path.
    """
    from mediaclean.media import staged
    from mediaclean.media.probe import readable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged(path, overwrite=True) as part:
            part.write_text(readable(text), encoding="utf-8")
    except (OSError, OutputError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise OutputError(f"{path} cannot be written: {reason}", f"choose another {option}") from error


def _report_paths(report: Path, reports: Sequence[Any], is_batch: bool) -> list[Path]:
    """A name for each: of several results of one input, or tracks of one result, the names say which."""
    shared = Counter(done.target for done in reports)
    tracks = [f".track{done.options['track']}" if shared[done.target] > 1 else "" for done in reports]
    if is_batch or report.is_dir():
        return [report / f"{done.target.name}{track}.json" for done, track in zip(reports, tracks, strict=True)]
    specs = [f".{done.options['spec']}" if len(shared) > 1 else "" for done in reports]
    return [
        report.with_name(f"{report.stem}{spec}{track}{report.suffix}")
        for spec, track in zip(specs, tracks, strict=True)
    ]
