"""Collections: the models of an owner on one page of the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import answers
from .client import check_online, client, explained, patiently
from .names import check_name


@dataclass(frozen=True)
class Collected:
    """A collection as it is now.

    Args:
        slug: its name in addresses: ``OWNER/TITLE-ID``.
        added: repositories that were put into it.
        others: what it holds besides those that were asked for; people may have put it there.
    """

    slug: str
    added: tuple[str, ...]
    others: tuple[str, ...]


def collect(
    owner: str, title: str, repos: Mapping[str, str], *, description: str = "", private: bool = False,
    endpoint: str | None = None,
) -> Collected:  # fmt: skip
    """Put repositories into a collection, which is made where there is none of this title; nothing is taken out.

    Args:
        owner: a user or an organisation.
        repos: of models, each with a note.
        private: of a collection that this makes.
    Raises:
        UsageError: the owner's name is none.
        NetworkError: the server cannot be reached, does not let us in, or has no such repository.
    """
    check_online()
    check_name(f"{owner}/x")
    api = client().HfApi(endpoint=endpoint)
    with explained(f"the collection '{title}' of {owner}", endpoint=endpoint):
        made = patiently(
            lambda: answers.read(
                answers.Collection,
                api.create_collection(title, namespace=owner, description=description, private=private, exists_ok=True),
            )
        )
        there = {item.item_id for item in made.items if item.item_type == "model"}
        added = [repo for repo in repos if repo not in there]
        for repo in added:
            patiently(
                lambda repo=repo: api.add_collection_item(  # type: ignore[misc]
                    made.slug, repo, "model", note=repos[repo], exists_ok=True
                )
            )
    return Collected(made.slug, tuple(added), tuple(sorted({item.item_id for item in made.items} - set(repos))))
