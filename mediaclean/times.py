"""Times as editors read them."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """A time as editors read it.

    >>> clock(5.25), clock(3725.5)
    ('0:05.2', '1:02:05.5')
    """
    tenths = int(seconds * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{rest // 10:02d}.{rest % 10}"
