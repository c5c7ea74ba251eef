"""FFmpeg's own loudness meter, run through a filter graph: code that shares nothing with ours."""

from __future__ import annotations

import av
import numpy as np
from av.filter import Graph

KEYS = {
    "integrated_lufs": "lavfi.r128.I",
    "range_lu": "lavfi.r128.LRA",
    "true_peak_dbtp": "lavfi.r128.true_peak",
    "momentary": "lavfi.r128.M",
    "short_term": "lavfi.r128.S",
}


def ebur128(samples, rate: int, layout: str) -> dict[str, float]:
    """Final integrated loudness and true peak, the maxima at 100 ms steps, and the range of its short-term values.

    `ffmpeg_range_lu` is FFmpeg's own, which also counts the growing windows of the first 3 s; Tech 3342 takes whole
    windows only, so `range_lu` is taken from FFmpeg's short-term values from 3 s on.
    """
    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout=layout, time_base=f"1/{rate}")
    meter = graph.add("ebur128", "peak=true:metadata=1")
    form = graph.add("aformat", "sample_fmts=flt")
    sink = graph.add("abuffersink")
    source.link_to(form)
    form.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    last: dict[str, str] = {}
    largest = {"momentary": -200.0, "short_term": -200.0}
    true_peak = 0.0
    short_term: list[float] = []

    def drain() -> None:
        nonlocal true_peak
        while True:
            try:
                frame = sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            last.update(frame.metadata)
            short_term.append(float(frame.metadata.get(KEYS["short_term"], -200)))
            for name in largest:
                largest[name] = max(largest[name], float(frame.metadata.get(KEYS[name], -200)))
            true_peak = max(true_peak, *(float(v) for k, v in frame.metadata.items() if "true_peaks_ch" in k), 0.0)

    for start in range(0, samples.shape[1], rate):
        block = np.ascontiguousarray(samples[:, start : start + rate].T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
        frame.sample_rate, frame.pts = rate, start
        source.push(frame)
        drain()
    source.push(None)
    drain()
    return {
        "integrated_lufs": float(last[KEYS["integrated_lufs"]]),
        "range_lu": _range_lu(short_term[29:]),
        "ffmpeg_range_lu": float(last[KEYS["range_lu"]]),
        "true_peak_dbtp": 20 * np.log10(max(true_peak, 1e-9)),
        "momentary_max_lufs": largest["momentary"],
        "short_term_max_lufs": largest["short_term"],
    }


def _range_lu(short_term: list[float]) -> float:
    """Tech 3342 over a list of short-term values, spelt out."""
    loud = sorted(value for value in short_term if value > -70)
    mean = 10 * np.log10(np.mean([10 ** (value / 10) for value in loud]))
    loud = [value for value in loud if value > mean - 20]
    return loud[round((len(loud) - 1) * 0.95)] - loud[round((len(loud) - 1) * 0.10)]
