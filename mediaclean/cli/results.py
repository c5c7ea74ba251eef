"""What commands that write results share: where they go, and what is said about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mediaclean.cli.terminal import emit, out
from mediaclean.errors import OutputError


def show_reports(reports: list[Any], report: Path | None, *, is_batch: bool, json_: bool) -> None:
    """Write the reports of one input where they are wanted, and say what was done."""
    from mediaclean.cli.summary import summary
    from mediaclean.report import to_report_dict, to_report_json

    for done in reports:
        if report is not None:
            several = is_batch or len(reports) > 1
            _write_text(_report_path(report, done.target, several), to_report_json(done) + "\n")
        if json_:
            emit("report", **to_report_dict(done))
        else:
            out().print(summary(done))


def deliveries_of(target: Path, specs: list[Any]) -> list[Any]:
    """The results of one input: one at the preset's level, or one per specification, named after it if many."""
    from mediaclean.run import Delivery

    if not specs:
        return [Delivery(target)]
    if len(specs) == 1:
        return [Delivery(target, specs[0])]
    return [Delivery(target.with_name(f"{target.stem}.{spec.name}{target.suffix}"), spec) for spec in specs]


def _report_path(report: Path, target: Path, is_batch: bool) -> Path:
    return report / f"{target.name}.json" if is_batch or report.is_dir() else report


def _write_text(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}", "choose another --report") from error
