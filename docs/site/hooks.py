"""What mkdocs calls while it builds the site: makes the pages that nobody writes, and the formulas.

The front page is README.md; models, gallery, command line and Python reference are made of cards, ledger, commands and
docstrings, so that they are as the code is. Pictures are drawn for the site by the zoo itself.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import commands
import gallery
import models
import python
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/zoo-core/zoo-core/blob/main"
WRITTEN = {  # pages that stand elsewhere in the repository
    "index.md": "README.md",
    "reference/security.md": "SECURITY.md",
    "reference/changelog.md": "CHANGELOG.md",
}
LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)\s#]+)")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made."""
    made: dict[str, str | bytes] = {
        page: moved((ROOT / source).read_text(encoding="utf-8"), page) for page, source in WRITTEN.items()
    }
    made |= models.pages() | {"gallery.md": gallery.page()} | commands.pages() | python.pages()
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def moved(text: str, page: str) -> str:
    """A page of the repository's root as it stands in the site: links lead to the site's files, or to the repository."""
    up = "../" * page.count("/")
    pages = {source: name for name, source in WRITTEN.items()}

    def target(match: re.Match[str]) -> str:
        opening, path = match.groups()
        if path in pages:
            return f"{opening}{up}{pages[path]}"
        if path.startswith("docs/") and not (ROOT / path).is_dir():
            return f"{opening}{up}{path.removeprefix('docs/')}"
        return f"{opening}{REPOSITORY}/{path}"

    return LINK.sub(target, text)


def on_page_content(content: str, **_: object) -> str:
    """Formulas become MathML, which browsers draw without any script."""
    return FORMULA.sub(
        lambda match: convert(html.unescape(match[2]), display="block" if match[1] == "div" else "inline"), content
    )
