"""Results as a notebook shows them; whatever a stranger wrote is text there, never markup."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape


def inlined(content: bytes, kind: str) -> str:
    """The content of a file as an address that a page can hold.

    Args:
        kind: its media type, such as ``image/png``.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def picture(content: bytes, kind: str, about: str) -> str:
    """A picture on a page.

    Args:
        about: what is said where it cannot be shown.
    """
    return f'<img alt="{escape(about)}" src="{inlined(content, kind)}">'


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under named columns; numbers have four digits."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"<td>{escape(text)}</td>"
