"""Weights that travel: ``zoo push`` and ``zoo pull``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import hub
from ..api import naming
from ..api.calls import Circumstances
from ..errors import UsageError
from ..weights import manifest, pins
from . import render
from .answers_weights import (
    Packed,
    Pull,
    Pulled,
    Push,
    PushDry,
    Pushed,
    located,
    pin_facts,
)
from .groups import Command
from .listing import ModelName, json_flag
from .streams import reserved
from .updates import endpoint_option, update
from .values import RunPath
from .verbs import PATH
from .weights import chosen

if TYPE_CHECKING:
    from ..publish.parcel import Parcel
    from ..publish.signing import Wish
    from ..publish.space import Space

_all = click.option("--all", "every", is_flag=True, help="Every one that the manifest pins.")


@click.command(cls=Command)
@click.argument("name", required=False, type=ModelName())
@click.argument("run", required=False, type=RunPath(path_type=Path))
@click.option(
    "--repo", required=True, metavar="ORG/NAME", help="Where to; with --all, ORG alone: ORG/zoo-MODEL-PRESET."
)
@_all
@click.option("--private", is_flag=True, help="Make the repository private.")
@click.option("--tag", default="", metavar="NAME", help="Name the commit, e.g. v1.")
@endpoint_option
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--manifest", "file", type=PATH, help="Manifest to pin in.  [the one in use]")
@click.option("--licence", default="", metavar="SPDX", help="Of weights that were trained on images of your own.")
@click.option("--pictures", is_flag=True, help="Publish pictures of such weights, too: they may show your images.")
@click.option("--sign", is_flag=True, help="Sign the weights: with --sign-key, or as --identity through Sigstore.")
@click.option("--sign-key", type=PATH, help="Private key (elliptic curve, PEM) to sign with.")
@click.option("--identity", default="", help="Whom Sigstore will vouch for, e.g. an address of mail.")
@click.option("--issuer", default="", metavar="URL", help="Who checks the identity, e.g. https://accounts.google.com.")
@click.option("--new-version", default="", metavar="ORG/NAME", help="Say on the page that ORG/NAME replaces these.")
@click.option(
    "--demo", is_flag=True, help="Publish a page of the weights, too: a Space, ORG/NAME-demo; it is tried first."
)
@click.option("--dirty", is_flag=True, help="Publish a run whose code was changed since its commit, too.")
@click.option(
    "--device", default="auto", show_default=True, help="For sampling, and for measuring what was not measured."
)
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def push(
    name: str | None, run: Path | None, repo: str, every: bool, private: bool, tag: str, endpoint: str | None,
    dry_run: bool, file: Path | None, licence: str, pictures: bool, sign: bool, sign_key: Path | None,
    identity: str, issuer: str, new_version: str, demo: bool, dirty: bool, device: str, data_root: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Publish weights on the Hub, and pin them: those of a finished RUN, or the pinned ones."""
    if every == bool(name):
        raise UsageError("say which weights: MODEL [RUN], or --all", "zoo push cgan RUN --repo me/zoo-cgan")
    if every and new_version:
        raise UsageError("--new-version is of one repository, and --all are many", "push that one alone")
    file, run = file or manifest.path(), naming.located(run) if run else None
    if not dry_run and os.path.exists(file) and not os.access(file, os.W_OK):
        raise UsageError(f"the pin cannot be written into {file}", "choose another one with --manifest")
    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    wish = _wish(sign, sign_key, identity, issuer)
    plan = _Push(repo, every, private, tag, endpoint, dirty, circumstances, licence, pictures, new_version, wish, demo)
    with reserved(as_json):
        answer: Push | PushDry = (
            {"command": "push --dry-run", "weights": plan.show(name, run, file, as_json)} if dry_run
            else {"command": "push", "weights": plan.send(name, run, file, as_json)}
        )  # fmt: skip
    if as_json:
        render.json_out(answer)


def _wish(sign: bool, key: Path | None, identity: str, issuer: str) -> Wish | None:
    """How weights are to be signed, if they are.

    Raises:
        UsageError: it is not said who signs.
    """
    if not (sign or key or identity or issuer):
        return None
    from ..publish.signing import Wish

    return Wish(key, identity, issuer)


@dataclass(frozen=True)
class _Push:
    """How ``zoo push`` publishes."""

    repo: str
    every: bool
    private: bool
    tag: str
    endpoint: str | None
    dirty: bool
    circumstances: Circumstances
    licence: str
    pictures: bool
    new_version: str
    sign: Wish | None
    demo: bool

    def _parcels(self, name: str | None, run: Path | None, file: Path, look: bool) -> Iterator[Parcel]:
        """What is to be sent, one after the other; `look` for the card that a repository has already."""
        from ..publish import parcel

        names = [pin.name for pin in pins.read(file).values()] if self.every else [name or ""]
        for one in names:
            target = parcel.repository(self.repo, one) if self.every else self.repo
            hub.check_name(target)
            before = (hub.read_head(target, parcel.README, self.endpoint) or b"").decode() if look else ""
            yield parcel.pack(
                one, run, target, file.parent, self.circumstances, before=before, dirty=self.dirty,
                licence=self.licence, pictures=self.pictures, new_version=self.new_version,
            )  # fmt: skip

    def show(self, name: str | None, run: Path | None, file: Path, as_json: bool) -> list[Packed]:
        """Say what would be sent."""
        rows: list[Packed] = []
        for parcel in self._parcels(name, run, file, look=False):
            space = self._space(parcel)
            where = space.repo if space else ""
            rows.append({**pin_facts(parcel.pin), "private": self.private, "files": parcel.sizes(), "space": where})
            if where and not as_json:
                render.line(f"a page of {parcel.pin.name}, which has been tried, to {where}\n")
            if not as_json:
                render.parcel(parcel, self.private)
        return rows

    def _space(self, parcel: Parcel) -> Space | None:
        """The page of what is to be sent, tried, if one is wanted.

        Raises:
            UsageError: it could not read the weights, or does not answer.
        """
        from ..publish import space

        if self.demo and self.private:
            raise UsageError("a Space cannot read a private repository", "leave out --private, or --demo")
        return space.check(parcel) if self.demo else None

    def send(self, name: str | None, run: Path | None, file: Path, as_json: bool) -> list[Pushed]:
        """Publish, and pin each as soon as it is there."""
        from ..publish import signing
        from ..publish.parcel import send

        rows: list[Pushed] = []
        for parcel in self._parcels(name, run, file, look=True):
            parcel = signing.sealed(parcel, self.sign) if self.sign else parcel
            page = self._space(parcel)
            sent = send(parcel, file, private=self.private, tag=self.tag, endpoint=self.endpoint)
            pin = sent.pin
            where = page.send(pin, self.endpoint) if page else ""
            rows.append({**pin_facts(pin), "space": where})
            if where and not as_json:
                render.line(f"published a page of {pin.name}  {where}")
            if not as_json:
                render.line(f"published {pin.name}  {pin.total_size:,} bytes  {pin.repo}@{pin.commit}\n{sent.change}")
        return rows


@click.command(cls=Command)
@click.argument("names", nargs=-1, type=ModelName())
@_all
@click.option("--update", "newer", is_flag=True, help="Pin the newest commit, once you have seen what is other there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@endpoint_option
@json_flag
def pull(names: tuple[str, ...], every: bool, newer: bool, yes: bool, endpoint: str | None, as_json: bool) -> None:
    """Fetch pinned weights, so that everything works without a network."""
    if yes and not newer:
        raise UsageError("--yes answers what --update asks", "leave it out, or say --update")
    if newer:
        return update(chosen(names, every), endpoint, yes, as_json)
    rows: list[Pulled] = []
    for pin in chosen(names, every):
        where = "bundled" if manifest.is_bundled(pin) else f"{pin.repo}@{pin.commit[:12]}"
        path, _ = manifest.held(pin, pin.check_files, endpoint)
        wrong = manifest.configured(pin, endpoint)
        rows.append({**located(pin), "detail": wrong})
        if wrong:
            render.note(f"{pin.name} is whole; the configuration beside it is not here: {wrong}")
        if not as_json:
            render.line(f"{pin.name}  {pin.total_size:,} bytes, sha256 as pinned  {where}  {path}")
    if as_json:
        answer: Pull = {"command": "pull", "weights": rows}
        render.json_out(answer)
