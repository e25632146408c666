"""Builds the documentation site: ``python docs/site/build.py [FOLDER]``, into site/ if not said.

Models, gallery, command line and Python reference are made of cards, ledger, commands and docstrings, so that they are
as the code is; the front page is README.md. All pages are written to a folder first, and Zensical makes the site of it:
a warning of it, such as a link that leads nowhere, ends the build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import commands
import formulas
import gallery
import layers
import models
import python
import yaml
from shared import DOCS, REPOSITORY, ROOT, SITE

ELSEWHERE = {  # pages that stand outside docs/
    "index.md": "README.md",
    "reference/security.md": "SECURITY.md",
    "reference/changelog.md": "CHANGELOG.md",
}
SHIM = "https://unpkg.com/iframe-worker/shim"  # with which search works in pages that are files
OWN_SHIM = "assets/vendor/iframe-worker/index.js"
MARK = "sitemap.xml"  # of a site
ASKING = ' data-md-component="source"'  # with which a link to the repository asks its host for stars and releases
HEADS = {  # what has less beside it: the front page, and wide tables
    "index.md": "---\nhide: [navigation]\n---\n",
    "numbers.md": "---\nhide: [toc]\n---\n",
}
ROW = re.compile(r"^\|.*$", re.M)
LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)\s#]+)")


def build(site: Path, work: Path) -> None:
    """Makes the site.

    Args:
        site: folder for the site; one that was built before is replaced.
        work: folder for its sources, likewise.
    Raises:
        SystemExit: something else is in that folder.
        CalledProcessError: Zensical warns of something, and has said of what.
    """
    if site.exists() and any(site.iterdir()) and not (site / MARK).exists():
        raise SystemExit(f"{site} is not a site that was built here: name another folder, or remove it")
    for folder in (site, work):
        shutil.rmtree(folder, ignore_errors=True)
    write(work / "docs")
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    settings |= {"docs_dir": "docs", "site_dir": "site"}
    (reader,) = (plugin["mkdocstrings"] for plugin in settings["plugins"] if "mkdocstrings" in plugin)
    reader["handlers"]["python"]["options"]["extensions"] = [str(Path(__file__).with_name("sections.py"))]
    (work / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    zensical = Path(sys.executable).with_name("zensical")
    subprocess.run([zensical, "build", "--clean", "--strict", "-f", work / "mkdocs.yml"], check=True)
    shutil.copytree(work / "site", site)
    for page in site.rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)
        text = page.read_text(encoding="utf-8").replace(SHIM, f"{up}{OWN_SHIM}").replace(ASKING, "")
        page.write_text(text, encoding="utf-8")


def write(pages: Path) -> None:
    """Writes all pages, those that somebody wrote and those that are made, and their pictures, to a folder."""
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("*.py", "__pycache__", "site"))
    for name, source in ELSEWHERE.items():
        shutil.copyfile(ROOT / source, pages / name)
    for page in pages.rglob("*.md"):
        name = page.relative_to(pages).as_posix()
        text = linked(page.read_text(encoding="utf-8"), name)
        for mark, block in layers.blocks().items():
            text = text.replace(mark, block)
        page.write_text(HEADS.get(name, "") + whole(formulas.drawn(text)), encoding="utf-8")
    for made in (models.pages(), {"gallery.md": gallery.page()}, commands.pages(), python.pages()):
        for name, content in made.items():
            (pages / name).parent.mkdir(parents=True, exist_ok=True)
            (pages / name).write_bytes(content if isinstance(content, bytes) else whole(content).encode())


def whole(text: str) -> str:
    """A page in whose tables no line ends between a number and its error."""
    return ROW.sub(lambda row: row[0].replace(" ± ", "\u00a0±\u00a0"), text)


def linked(text: str, page: str) -> str:
    """A page with its links as they are in the site: to other pages of it, or to the repository."""
    source = ELSEWHERE.get(page, f"docs/{page}")
    up = "../" * page.count("/")
    known = {written: name for name, written in ELSEWHERE.items()}

    def target(match: re.Match[str]) -> str:
        opening, path = match.groups()
        where = (ROOT / source).parent.joinpath(path).resolve()
        if not where.is_relative_to(ROOT) or not where.exists():  # e.g. a page that is made
            return match[0]
        named = where.relative_to(ROOT).as_posix()
        if named in known:
            return f"{opening}{up}{known[named]}"
        if where.is_dir() or not named.startswith("docs/") or named.endswith(".py"):
            return f"{opening}{REPOSITORY}/{named}"
        return f"{opening}{up}{named.removeprefix('docs/')}"

    text = LINK.sub(target, text)
    return re.sub(rf"\]\({SITE}/(\S+)\.html\)", rf"]({up}\1.md)", text)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "site").resolve()
    build(folder, ROOT / "build" / "site")
    print(folder / "index.html")
