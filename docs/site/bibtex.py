"""Citations of a card's papers, as BibTeX has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

PAPER = re.compile(r"(?:[^;:]*: )?(?P<who>[^,:]+?) (?P<year>\d{4}),(?: (?P<title>.*),)? (?P<address>https://\S+)$")


def entries(paper: str) -> Iterator[str]:
    """What `Card.paper` names, an entry each.

    Raises:
        ValueError: one of its parts, which semicolons separate, is not ``AUTHORS YEAR, TITLE, ADDRESS``.
    """
    for part in paper.split(";"):
        found = PAPER.match(part.strip())
        if found is None:
            raise ValueError(f"not AUTHORS YEAR, TITLE, ADDRESS: {part.strip()}")
        yield from _entry(found["who"], found["year"], found["title"] or "", found["address"])


def _entry(who: str, year: str, title: str, address: str) -> Iterator[str]:
    names = re.sub(r"\s*&\s*", " and ", who).replace(" et al.", " and others")
    arxiv, doi = re.match(r"https://arxiv\.org/abs/(.+)", address), re.match(r"https://doi\.org/(.+)", address)
    fields = {
        "author": names,
        "year": year,
        "title": "{" + title.replace("&", r"\&") + "}" if title else "",
        "url": address,
    }
    fields |= {"eprint": arxiv[1], "archivePrefix": "arXiv"} if arxiv else {}
    fields |= {"doi": doi[1]} if doi else {}
    yield f"@{'article' if doi else 'misc'}{{{re.sub(r'[^a-z]', '', names.split()[0].lower())}{year},"
    yield from (f"  {name} = {{{value}}}," for name, value in fields.items() if value)
    yield "}"
