"""Data sets of texts, each with its summaries, read from JSON lines and checked line by line.

Files lie as ``<root>/<folder>/{train,dev,test}.jsonl``; `builtin` declares them. A set that is missing is fetched
through the library `datasets` where the Hub has it. Nothing here imports torch.

SciTLDR: Cachola et al. 2020, https://arxiv.org/abs/2004.15011. XSum: Narayan et al. 2018,
https://arxiv.org/abs/1808.08745. ACL abstracts: titles and abstracts of the ACL Anthology, 2016-2021.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import NetworkError, UsageError, nearest
from ..files import read_bytes, sha256, write_json_lines
from . import sets
from .declare import DataSet, TextFields

LONGEST = 1_000_000  # characters of one text


EXAMPLES = Path(__file__).parent / "examples"  # a data root with the first test papers of the ACL abstracts
_BREAK = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“'(\[]*[A-Z0-9])")


@dataclass(frozen=True)
class TextData:
    """Texts, each with one or several reference summaries.

    Args:
        name, split: e.g. ``scitldr``, ``test``.
        sentences: the sentences of each source.
        references: of each source, at least one.
        keys: what tells each from others: its id, its words, its title.
        sha256: of the file.
    """

    name: str
    split: str
    sentences: tuple[tuple[str, ...], ...]
    references: tuple[tuple[str, ...], ...]
    keys: tuple[frozenset[str], ...]
    sha256: str

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def sources(self) -> list[str]:
        """Each source as one text."""
        return [" ".join(sentences) for sentences in self.sentences]

    def take(self, rows: Iterable[int]) -> TextData:
        """The texts of some rows, in this order."""
        rows = list(rows)
        sentences = tuple(self.sentences[row] for row in rows)
        references = tuple(self.references[row] for row in rows)
        keys = tuple(self.keys[row] for row in rows)
        return replace(self, sentences=sentences, references=references, keys=keys)

    def without(self, *others: TextData) -> TextData:
        """The texts that occur in none of the others, neither by id nor by text nor by title."""
        theirs = {key for other in others for keys in other.keys for key in keys}
        return self.take(row for row in range(len(self)) if not self.keys[row] & theirs)


def load(name: str, split: str, root: Path) -> TextData:
    """Read a text data set, fetching it first when it is missing.

    Raises:
        UsageError: no such data set, or a line is not what it must be; the line is named.
        NetworkError: it is missing and cannot be fetched.
    """
    data, path = sets.find(name, "texts"), file(name, split, root)
    if not os.path.isfile(path):
        _fetch(name, split, path, fields_of(data))
    return read(path, fields_of(data), name, split)


def file(name: str, split: str, root: Path) -> Path:
    """Where one split lies.

    Raises:
        UsageError: no such data set or split.
    """
    data = sets.find(name, "texts")
    if split not in data.splits:
        raise UsageError(f"{name} has no part '{split}'", nearest(split, data.splits))
    return data.home(root) / data.files[split][0].name


def fields_of(data: DataSet) -> TextFields:
    """Which fields of a declared data set's lines are what."""
    assert data.texts  # a declaration of texts has them
    return data.texts


def read(path: Path, fields: TextFields, name: str, split: str = "") -> TextData:
    """Read JSON lines.

    Args:
        fields: which fields are what.
    Raises:
        UsageError: the file cannot be read, has no lines, or a line is no JSON object with these fields.
    """
    data = read_bytes(path)
    rows = [_row(path, number, line, fields) for number, line in _lines(path, data)]
    if not rows:
        raise UsageError(f"{path} is empty", "write one JSON object a line")
    sentences, references, keys = (tuple(column) for column in zip(*rows, strict=True))
    return TextData(name, split, sentences, references, keys, sha256(data))


def _lines(path: Path, data: bytes) -> Iterable[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: not text in UTF-8", "convert the file to UTF-8") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _row(
    path: Path, number: int, line: str, fields: TextFields
) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    """Sentences, references and keys of one line."""
    where = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not JSON: {error}", "write one JSON object a line") from error
    if not isinstance(row, dict):
        raise UsageError(f"{where}: a JSON {type(row).__name__}, not an object", "write one JSON object a line")
    source = _texts(row, fields.source, where, "--source-field")
    references = _texts(row, fields.target, where, "--target-field")
    sentences = source if len(source) > 1 else split_sentences(source[0])
    title = row.get(fields.title) if fields.title else None
    title = title if isinstance(title, str) else ""
    known = [f"id {row[fields.id]}" if fields.id in row else "", _words(" ".join(source)), _words(title)]
    return sentences, references, frozenset(key for key in known if key)


def _texts(row: Mapping[str, Any], field: str, where: str, flag: str) -> tuple[str, ...]:
    """A field that holds a text or a list of them."""
    if field not in row:
        raise UsageError(f"{where}: it has no '{field}'", f"{nearest(field, row)}  ({flag} names another field)")
    value = row[field] if isinstance(row[field], list) else [row[field]]
    if not all(isinstance(text, str) for text in value):
        raise UsageError(f"{where}: '{field}' is neither a text nor a list of texts", f"{flag} names another field")
    texts = tuple(" ".join(text.split()) for text in value if text.strip())
    if not texts:
        raise UsageError(f"{where}: '{field}' is empty", "remove the line")
    if sum(map(len, texts)) > LONGEST:
        raise UsageError(f"{where}: '{field}' has more than {LONGEST:,} characters", "split it")
    return texts


def plain(text: str, what: str) -> str:
    """A text as it is given to a model: blanks made single.

    Raises:
        UsageError: it is empty, binary, or too long.
    """
    if "\0" in text:
        raise UsageError(f"{what} is binary", "give plain text in UTF-8")
    if len(text) > LONGEST:
        raise UsageError(f"{what} has {len(text):,} characters; {LONGEST:,} is the most", "give a part of it")
    if not (words := " ".join(text.split())):
        raise UsageError(f"{what} is empty", 'give some: --text "...", --file paper.txt, or a pipe')
    return words


def read_plain(path: Path) -> str:
    """A text file.

    Raises:
        UsageError: it cannot be read, is empty, binary, or too long.
    """
    if os.path.isfile(path) and (size := path.stat().st_size) > 4 * LONGEST:  # bytes of a character
        raise UsageError(f"{path} has {size / 1e6:.1f} MB; {LONGEST:,} characters is the most", "give a part of it")
    try:
        return plain(read_bytes(path).decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8", "convert it, or extract the text of it first") from error


def read_sources(path: Path, field: str) -> list[str]:
    """The texts of JSON lines, without references."""
    return read(path, TextFields(field, field), path.name).sources


def split_sentences(text: str) -> tuple[str, ...]:
    """A text as sentences: cut after . ! ? before a capital letter or a digit."""
    return tuple(_BREAK.split(text))


def _words(text: str) -> str:
    """Letters and digits alone, in lower case: equal for texts that differ in blanks and signs only."""
    return re.sub(r"\W+", "", text).lower()


def _fetch(name: str, split: str, path: Path, fields: TextFields) -> None:
    """Fetch a split through the library `datasets` (from the Hub's Parquet copy: scripts are code) and keep it."""
    remedy = f"put {path.name} into {path.parent}, or set --data-root / ZOO_DATA"
    repo, configuration = fields.hub
    if not repo:
        raise NetworkError(f"{name} is not in {path.parent}, and the Hub has no copy that the zoo knows", remedy)
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{name} is not in {path.parent}, and ZOO_OFFLINE is set", remedy)
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise NetworkError(
            f"{name} is not in {path.parent}", f"pip install datasets fetches it; or {remedy}"
        ) from error
    theirs = {"dev": "validation"}.get(split, split)
    try:
        rows = load_dataset(repo, configuration, split=theirs, revision="refs/convert/parquet")
    except Exception as error:  # the library raises its own kinds for network, cache and Hub
        raise NetworkError(f"{name} cannot be fetched: {' '.join(str(error).split())}", remedy) from error
    write_json_lines(path, rows, overwrite=True)
