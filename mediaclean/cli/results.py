"""What commands that write results share: where they go, how they are made, and what is said about them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaclean.cli.beside import Taken, check_names, check_report, kept_paths
from mediaclean.cli.stray import told_plainly
from mediaclean.cli.terminal import emit, out, watching
from mediaclean.errors import OutputError

if TYPE_CHECKING:
    from mediaclean.job import CleanOptions
    from mediaclean.preset import Preset
    from mediaclean.report import Report
    from mediaclean.run import Delivery


@dataclass(frozen=True, kw_only=True)
class Making:
    """What a command that makes results was told, the same for all of its inputs.

    Attributes:
        settings, options: of the run.
        report: where `--report` wants what was done: a file, or for a batch a folder.
        is_batch: whether there may be many inputs, with a report for each.
        json: whether all is said in JSON lines.
    """

    settings: Preset
    options: CleanOptions
    report: Path | None
    is_batch: bool
    json: bool

    def check(self, sources: Sequence[Path], wanted: Sequence[Sequence[Delivery]], read: Taken) -> None:
        """Refuse a report that would land on what is read or written.

        Args:
            sources: the inputs.
            wanted: the deliveries of each.
            read: what else the command reads, by what it is called.

        Raises:
            OutputError: if it would, or two inputs would write one and the same file.
        """
        taken = {
            "the media": [*sources, *(each.target for deliveries in wanted for each in deliveries)],
            **read,
            "what is kept beside the result": kept_paths(wanted, self.options),
        }
        check_report(self.report, wanted, self.options, taken, is_batch=self.is_batch)

    def make(self, source: Path, deliveries: Sequence[Delivery]) -> Sequence[Report]:
        """Make the results of one input, and say or write what was done.

        Raises:
            MediacleanError: if none can be made; nothing is half written.
        """
        from mediaclean.run import deliver

        check_names(source, deliveries, self.report if self.is_batch else None)
        began = time.monotonic()
        with told_plainly([source]), watching() as watch:
            reports = deliver(source, deliveries, self.settings, self.options, watch=watch)
        self._show(reports, time.monotonic() - began)
        return reports

    def _show(self, reports: Sequence[Report], took_s: float) -> None:
        from mediaclean.cli.summary import Told, summary
        from mediaclean.report import to_report_dict, to_report_json

        paths = _report_paths(self.report, reports, self.is_batch) if self.report is not None else []
        for path, done in zip(paths, reports, strict=False):
            write_text(path, to_report_json(done) + "\n", "--report")
        if self.json:
            for done in reports:
                emit("report", **to_report_dict(done))
            return
        first, last = reports[0].target, reports[-1].target
        has_stems = _writes_stems(reports[0], self.options)
        for target in dict.fromkeys(done.target for done in reports):
            own = [done for done in reports if done.target == target]
            told = Told(self.options, has_stems and target == first, took_s if target == last else None)
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
