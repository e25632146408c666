"""Who has signed pinned weights, as a manifest says it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from ..files import sha256
from ..formats.fields import Line, matches

CHECKED = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, config=CHECKED)
class Signer:
    """Who has signed weights: a key, or somebody whom Sigstore vouches for.

    Args:
        key: public key (elliptic curve), DER in base 64.
        identity: an address, of a person or of a workflow.
        issuer: address of whoever has checked the identity.
    Raises:
        ValueError: one of them cannot be, or it is neither the one nor the other.
    """

    key: Annotated[str, matches(r"([A-Za-z0-9+/]{40,2000}={0,2})?", "it is no key")] = ""
    identity: Line = ""
    issuer: Line = ""

    def __post_init__(self) -> None:
        if bool(self.key) == bool(self.identity and self.issuer) or bool(self.identity) != bool(self.issuer):
            raise ValueError("a signer is a key, or an identity and its issuer")

    def __str__(self) -> str:
        if self.key:
            return f"the key {sha256(self.key.encode())[:16]}"
        return f"{self.identity} ({self.issuer})"
