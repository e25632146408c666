"""The rules about a plugin's options: each can be a flag of the command line, and says what it does."""

from __future__ import annotations

from ..api.reserved import check_options
from ..cards.options import flags, resolve
from ..errors import PluginError, UsageError
from ..plugin.registry import Model
from .book import Book, Broken, require

VERBS = ("train", "sample", "evaluate")


def check_flags(book: Book, model: Model) -> None:
    """Look at the classes of options of all verbs."""
    card = model.card
    kinds = {"train": card.train_options, "sample": card.sample_options, "evaluate": card.evaluate_options}
    _check_names(book, model)
    with book.rule("option-help"):
        for verb, kind in kinds.items():
            for flag in flags(kind):
                require(flag.help.strip(), f"option {flag.name} of {verb} has no help")
    with book.rule("option-strict"):
        for verb, kind in kinds.items():
            try:
                kind.model_validate({"no_such_option": 1})
            except ValueError:
                continue
            raise Broken(f"the options of {verb} accept unknown names")
    with book.rule("option-defaults"):
        for verb in ("sample", "evaluate"):
            try:
                resolve(kinds[verb], {})
            except UsageError as error:
                raise Broken(f"zoo {verb} {model.name} needs more than its name: {error.message}") from error


def _check_names(book: Book, model: Model) -> None:
    """Whether all names are free, and each is one flag's."""
    taken, twice = "", ""
    for verb in VERBS:
        try:
            check_options(model, verb)
        except PluginError as error:
            twice, taken = (error.message, taken) if "two options" in error.message else (twice, error.message)
    with book.rule("option-names"):
        require(not taken, taken)
    with book.rule("option-twins"):
        require(not twice, twice)
