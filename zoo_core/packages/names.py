"""The names people type: ``plugin``, ``plugin.preset``, ``distribution:plugin.preset``."""

from __future__ import annotations

import re


def split_name(name: str) -> tuple[str, str]:
    """Split ``vae.mlp-64d`` into model and preset; the preset is empty when left out.

    A distribution in front stays with the model: ``my.zoo:vae.mlp`` gives ``my.zoo:vae``, ``mlp``.
    """
    distribution, colon, plain = name.rpartition(":")
    plugin, _, preset = plain.partition(".")
    return distribution + colon + plugin, preset


def is_plain(name: object) -> bool:
    """Whether something can be the name of a model or a preset: letters, digits, ``-``, ``_`` and dots inside."""
    return name == "" or (isinstance(name, str) and bool(re.fullmatch(r"\w[\w-]*(\.[\w-]+)*", name)))
