"""Names of classes, wherever they come from: folders, arrays or the Hub."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ...formats.fields import is_line


def class_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they are shown and typed: composed letters, one line each.

    Raises:
        ValueError: one cannot be shown, or two are the same; it is named.
    """
    classes = tuple(unicodedata.normalize("NFC", name) for name in names)
    for name in classes:
        try:
            is_line(name)
            name.encode()
        except ValueError as error:
            raise ValueError(f"the name of a class cannot be {name[:100]!a}") from error
        if not name.strip():
            raise ValueError("the name of a class is empty")
    if twice := [name for number, name in enumerate(classes) if name in classes[:number]]:
        raise ValueError(f"two classes have the name '{twice[0]}'")
    return classes
