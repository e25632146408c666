"""Formulas in LaTeX become MathML, which browsers draw without any script."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

CODE = re.compile(r"(^```.*?^```[^\n]*$|`[^`\n]+`)", re.M | re.S)
BLOCK, INLINE = re.compile(r"\$\$(.+?)\$\$", re.S), re.compile(r"(?<![\\$\w])\$(?!\s)([^$\n]+?)(?<!\s)\$(?!\w)")


def drawn(text: str) -> str:
    """A page of Markdown whose formulas, but not those within code, are MathML."""
    parts = CODE.split(text)
    return "".join(part if number % 2 else _drawn(part) for number, part in enumerate(parts))


def _drawn(text: str) -> str:
    text = BLOCK.sub(lambda match: f'<div class="formula">{_mathml(match[1], "block")}</div>', text)
    return INLINE.sub(lambda match: f"<span>{_mathml(match[1], 'inline')}</span>", text)


def _mathml(formula: str, display: str) -> str:
    """A formula, in which nothing is Markdown."""
    made = convert(formula.strip(), display=display)
    made = re.sub(r"<mi>(log|max|min|arg)</mi>", r'<mi>\1</mi><mspace width="0.17em" />', made)
    made = made.replace("<mo>&#x0007E;</mo>", "<mo>&#x0223C;</mo>")  # which has space on both sides
    return made.replace("*", "&#42;").replace("_", "&#95;").replace("`", "&#96;")
