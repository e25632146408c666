"""Model cards, as the Hub's own library reads and writes them: metadata at the top, text for people below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import printable
from .client import client

LONGEST = 1_000_000  # letters of a card that is worth parsing


@dataclass(frozen=True)
class Result:
    """One number of a model, in the Hub's words.

    Args:
        task: of the Hub's, e.g. ``summarization``.
        task_name: what the model does, for people.
        dataset: id of a data set of the Hub, or a name that is none.
        dataset_name: for people.
        split: which part of it.
        metric: its name.
        metric_name: what it measures, for people.
        value: as it is shown.
        error: standard error of it, if there is one.
        source_name, source_url: what measured it, and where that is.
    """

    task: str
    task_name: str
    dataset: str
    dataset_name: str
    split: str
    metric: str
    metric_name: str
    value: float
    error: float | None = None
    source_name: str = ""
    source_url: str = ""


class ModelCard:
    """The README.md of a repository.

    Args:
        text: the whole file; metadata in it that no library can read counts as text.
    """

    def __init__(self, text: str) -> None:
        self._card = _parsed(text)

    @property
    def text(self) -> str:
        """What stands below the metadata."""
        return str(self._card.text)

    def get(self, key: str) -> Any:
        """A field of the metadata; None where there is none."""
        return self._card.data.get(key)

    def with_all(self, text: str, metadata: Mapping[str, Any], name: str, results: Sequence[Result]) -> str:
        """The file with another text, these fields of the metadata replaced, and these results.

        Args:
            metadata: field to value; None removes one.
            name: of the model that the results are of.
        """
        data = self._card.data
        for key, value in metadata.items():
            data[key] = _clean(value)
        data["model_name"] = name
        data["eval_results"] = [_eval_result(result) for result in results] or None
        self._card.text = printable(text)
        return str(self._card)


def _parsed(text: str) -> Any:
    """A card of the library."""
    hub = client()
    try:
        if len(text) > LONGEST:
            raise ValueError("it is too long")
        card = hub.ModelCard(text, ignore_metadata_errors=True)
        methods = set(dir(hub.ModelCardData))  # which a field of that name would hide
        if any(not isinstance(key, str) or key in methods for key in card.data.__dict__):
            raise ValueError("it has fields that are none")
        card.data.to_yaml()
    except Exception:  # whatever a text that anybody can have written makes a parser raise
        card = hub.ModelCard("")
        card.text = text
    return card


def _eval_result(result: Result) -> Any:
    """A result as the library has it."""
    words = {key: _clean(value) for key, value in vars(result).items()}
    return client().EvalResult(
        task_type=words["task"], task_name=words["task_name"], dataset_type=words["dataset"],
        dataset_name=words["dataset_name"], dataset_split=words["split"] or None, metric_type=words["metric"],
        metric_name=words["metric_name"], metric_value=result.value,
        metric_args=None if result.error is None else {"standard_error": result.error},
        source_name=words["source_name"] or None if result.source_url else None, source_url=words["source_url"] or None,
    )  # fmt: skip


def _clean(value: Any) -> Any:
    """The same with every text in it printable and on one line."""
    if isinstance(value, str):
        return " ".join(printable(value).split())
    if isinstance(value, Mapping):
        return {key: _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list | tuple) else value
