"""Hum that is added, found and taken out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.mending.recordings import MUSIC, Recording, corpus, found_in, ratio_db, read
from mediaclean.audio import Samples
from mediaclean.repair.chain import RepairSettings
from mediaclean.repair.hum import HumSettings, dehummed
from mediaclean.repair.records import HumLine

HUM_NUMBERS = (1, 2, 3, 4, 5, 7, 9)


def hum(rate: int, count: int, base_hz: float, level_dbfs: float) -> NDArray[np.float32]:
    """Harmonics that fall by 3 dB each time their number doubles; the mains wander by a hundredth of a Hz."""
    at = np.arange(count) / rate
    phase = 2.0 * np.pi * base_hz * at + 0.01 * 60.0 * (1.0 - np.cos(2.0 * np.pi * at / 60.0))
    waves = [np.sin(number * phase + number) / np.sqrt(number) for number in HUM_NUMBERS]
    return np.asarray(10.0 ** (level_dbfs / 20.0) * np.sum(waves, axis=0), dtype=np.float32)


def band_power(sound: Samples, rate: int, middle_hz: float, width_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1]))) ** 2
    frequency = np.fft.rfftfreq(sound.shape[1], 1.0 / rate)
    return float(spectrum[np.abs(frequency - middle_hz) <= width_hz].sum())


def elsewhere_db(before: Samples, after: Samples, rate: int, lines: Sequence[HumLine]) -> float:
    """What changed more than 5 Hz beside every line, against the speech there."""
    frequency = np.fft.rfftfreq(before.shape[1], 1.0 / rate)
    away = np.all([np.abs(frequency - line.frequency_hz) > 5.0 for line in lines], axis=0)
    window = np.hanning(before.shape[1])
    return ratio_db(
        np.abs(np.fft.rfft(before[0] * window))[away], np.abs(np.fft.rfft((after - before)[0] * window))[away]
    )


def hum_rows(speech: Iterable[Recording]) -> Iterator[str]:
    settings = HumSettings()
    for recording in speech:
        for base_hz, level_dbfs in ((50.02, -40.0), (50.02, -55.0), (59.96, -40.0), (59.96, -55.0)):
            added = hum(recording.rate, recording.sound.shape[1], base_hz, level_dbfs)[None]
            lines = found_in(recording.sound + added, recording.rate, RepairSettings(hum=settings)).lines
            if not lines:
                yield f"| {recording.name} | {base_hz} Hz, {level_dbfs:.0f} dBFS | none found | | | | |"
                continue
            error = max(abs(line.frequency_hz / round(line.frequency_hz / base_hz) - base_hz) for line in lines)
            rest = np.concatenate(list(dehummed([added], lines, settings, recording.rate)), axis=1)
            down = [
                10.0 * np.log10(band_power(added, recording.rate, at, 3.0) / band_power(rest, recording.rate, at, 3.0))
                for at in (line.frequency_hz for line in lines)
                if at < 9.5 * base_hz
            ]
            after = np.concatenate(list(dehummed([recording.sound], lines, settings, recording.rate)), axis=1)
            real = {round(line.frequency_hz / base_hz) for line in lines}
            yield (
                f"| {recording.name} | {base_hz} Hz, {level_dbfs:.0f} dBFS | {len(real & set(HUM_NUMBERS))} of "
                f"{len(HUM_NUMBERS)}, {len(real - set(HUM_NUMBERS))} | {error:.3f} | {min(down):.0f} | "
                f"{ratio_db(added, rest):.0f} | "
                f"{elsewhere_db(recording.sound, after, recording.rate, lines):.0f} |"
            )


def hum_false(speech: Sequence[Recording]) -> str:
    folder = corpus()
    songs = [read(folder / "music" / name, mono=False) for name in MUSIC] if folder else []
    lines = {r.name: found_in(r.sound, r.rate, RepairSettings(hum=HumSettings())).hum for r in (*speech, *songs)}
    found = [f"{name}: {line.frequency_hz:g} Hz, {line.reason}" for name, all_ in lines.items() for line in all_]
    return f"Nothing added, {len(speech)} of speech, {len(songs)} of music: {'; '.join(found) or 'no hum found'}."
