"""Numbers of things, for people."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "hole"), counted(2, "stretch")
    ('1 hole', '2 stretches')
    """
    if count == 1:
        return f"1 {thing}"
    return f"{count} {thing}{'es' if thing.endswith('ch') else 's'}"
