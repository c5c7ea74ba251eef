"""Where FFmpeg's errors end: opening files, and one context manager that translates every error."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer

from mediaclean.errors import NO_SPACE, MediacleanError, MediaError, OutputError

# Metadata may hold any bytes; this error handler carries them through a copy unchanged.
_METADATA_ERRORS = "surrogateescape"

_NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}


def open_input(path: Path) -> InputContainer:
    """The file, open for reading; use it as a context manager inside `reading`."""
    # The prefix keeps names such as "http:x" or "pipe:" local files.
    return av.open(f"file:{path}", metadata_errors=_METADATA_ERRORS)


def path_of(container: InputContainer | OutputContainer) -> Path:
    """The file that a container was opened from or for."""
    return Path(str(container.name).removeprefix("file:"))


def codec_of(stream: Any) -> str:
    """The codec's name, "" where FFmpeg has none; a stream without a codec context has no other names to ask for."""
    context = stream.codec_context
    return str(context.codec.canonical_name if context is not None else getattr(stream, "name", None) or "")


def open_output(path: Path, muxer: str, options: dict[str, str]) -> OutputContainer:
    """A new file, open for writing; use it as a context manager inside `writing`."""
    return av.open(f"file:{path}", "w", format=muxer, container_options=options, metadata_errors=_METADATA_ERRORS)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn every error of FFmpeg and of the file system into a `MediaError` about `path`."""
    try:
        yield
    except MediacleanError:
        raise
    except (av.error.FFmpegError, OSError, ValueError, RuntimeError, LookupError, UnicodeError) as exc:
        raise _unreadable(path, exc) from exc


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn every error of FFmpeg and of the file system into an `OutputError` about `path`."""
    try:
        yield
    except MediacleanError:
        raise
    except (av.error.FFmpegError, OSError, ValueError, RuntimeError, LookupError, UnicodeError) as exc:
        raise _unwritable(path, exc) from exc


def _unreadable(path: Path, exc: Exception) -> MediaError:
    code = getattr(exc, "errno", None)
    if isinstance(exc, FileNotFoundError):
        return MediaError(f"{path}: no such file", "check the path")
    if isinstance(exc, IsADirectoryError):
        return MediaError(f"{path}: is a folder, not a media file")
    if code in _NO_ACCESS:
        return MediaError(f"{path}: may not be read (permission denied)", f"chmod u+r {path}")
    return MediaError(f"{path}: cannot be read as media ({_reason(exc)})", f"ffprobe {path}")


def _unwritable(path: Path, exc: Exception) -> OutputError:
    code = getattr(exc, "errno", None)
    if code in NO_SPACE:
        return OutputError(f"{path}: no space left on the disk", "free some space, or choose another folder with -o")
    if code in _NO_ACCESS:
        return OutputError(
            f"{path}: may not be written (permission denied or read-only)", "choose another folder with -o"
        )
    if isinstance(exc, FileNotFoundError):
        return OutputError(f"{path.parent}: no such folder", f"mkdir -p {path.parent}")
    return OutputError(f"{path}: cannot be written ({_reason(exc)})", "try another container, for example -o NAME.mkv")


def _reason(exc: Exception) -> str:
    """FFmpeg's own words: the last line of its log where it left one, else the error's text."""
    log = getattr(exc, "log", None)
    if log:
        return str(log[2]).strip()
    return str(getattr(exc, "strerror", None) or exc)
