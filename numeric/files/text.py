"""The text of a file that somebody else wrote: regular, of bounded size, UTF-8; nothing in it is run."""

from __future__ import annotations

import os
from pathlib import Path

from ...symbolic.errors import ContentError

MAX_FILE_BYTES = 16 * 2**20


def read_bytes(path: Path, most: int, advice: str = "") -> bytes:
    """The bytes of a regular file of at most `most` of them; `ContentError` says what is wrong with another."""
    try:
        if path.is_dir():
            raise ContentError("is a directory, wanted a file")
        if not path.exists():
            raise ContentError("there is no such file")
        if not path.is_file():
            raise ContentError("is no regular file, wanted one: copy its content to a file")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise ContentError(f"is larger than {most} bytes, the limit{advice}")
    return content


def read_text(path: str | os.PathLike[str], most: int | None = None) -> str:
    """The text of a regular UTF-8 file of at most `most` bytes, without a byte order mark; else `ContentError`.

    most : the limit, `MAX_FILE_BYTES` unless said otherwise
    """
    most = MAX_FILE_BYTES if most is None else most
    content = read_bytes(Path(path), most, ": split it or give less")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError(f"byte {error.start} is not UTF-8: save the file as UTF-8") from None
    if not text.strip():
        raise ContentError("is empty")
    return text
