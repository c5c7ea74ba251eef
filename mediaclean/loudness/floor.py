"""The noise floor against the level: gain lifts both, and a delivery may limit one and leave room in the other."""

from __future__ import annotations

_ACCEPTED_DB = 0.1


def lowered(target: float, level: float, floor_dbfs: float, *, limit_dbfs: float, least_dbfs: float) -> float:
    """The target, or as much less as keeps the noise floor at its limit.

    A floor that no allowed level keeps down moves nothing.

    Args:
        target: level that is aimed at.
        level, floor_dbfs: as measured, at one and the same gain; the level in the target's unit.
        limit_dbfs: of the noise floor.
        least_dbfs: lowest level that is allowed.
    """
    enough = level + limit_dbfs - floor_dbfs
    return enough if least_dbfs <= enough < target else target


def too_noisy(floor_dbfs: float | None, limit_dbfs: float | None) -> str:
    """A sentence for the report where the finished file's noise floor is over its limit, else ""."""
    if limit_dbfs is None or floor_dbfs is None or floor_dbfs <= limit_dbfs + _ACCEPTED_DB:
        return ""
    return (
        f"The noise floor reaches {floor_dbfs:.1f} dBFS, and no level that is allowed brings it to {limit_dbfs:.1f}; "
        "where it is room tone, room_tone.level_offset_db lowers it."
    )
