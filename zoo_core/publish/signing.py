"""Signed weights: who published them, beside what they are (https://github.com/sigstore/model-transparency).

A manifest may name the signer of a pin, a key or an identity that Sigstore vouches for. The signature lies in the
repository, as a bundle that is verified without asking anybody but, for Sigstore, its list of trusted roots. It covers
each file of the weights by its sha256.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import hub
from ..errors import IntegrityError, NetworkError, UsageError, ZooError, one_line
from ..files import atomic_copy, read_bytes
from ..formats.schemas import fitted
from ..formats.signed import Signed
from ..weights import manifest
from ..weights.pins import BUNDLE, Pin
from ..weights.signer import Signer
from .parcel import Parcel

CURVES = ("secp256r1", "secp384r1", "secp521r1")  # NIST P-256, P-384, P-521
KEY = "openssl ecparam -name prime256v1 -genkey -noout -out FILE makes one"
LONGEST = 10_000_000  # bytes of a bundle


@dataclass(frozen=True)
class Wish:
    """How weights are signed.

    Args:
        key: file of a private key (elliptic curve, PEM).
        identity, issuer: instead of a key, whom Sigstore will vouch for: an address, and who has checked it.
    """

    key: Path | None = None
    identity: str = ""
    issuer: str = ""

    def __post_init__(self) -> None:
        if bool(self.key) == bool(self.identity and self.issuer) or bool(self.identity) != bool(self.issuer):
            raise UsageError(
                "it is not said who signs", "--sign-key FILE, or --identity YOU@EXAMPLE.ORG --issuer https://..."
            )


def library() -> Any:
    """The library that signs.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import model_signing.hashing
        import model_signing.signing
        import model_signing.verifying
    except ImportError as error:
        raise UsageError(f"signatures need model-signing: {error}", "pip install 'zoo-core[sign]'") from error
    return model_signing


def sealed(parcel: Parcel, wish: Wish) -> Parcel:
    """A parcel with a signature of its weights, by somebody whom its pin names.

    Raises:
        UsageError: the key cannot be used, or the library is not installed.
        IntegrityError: the signature is by somebody else than was said.
        NetworkError: Sigstore cannot be reached, or did not sign.
    """
    files = parcel.pin.paths(parcel.main)
    signer = Signer(key=_public(wish.key)) if wish.key else Signer(identity=wish.identity, issuer=wish.issuer)
    with _folder(files) as folder, _quiet():
        hashing, config = _hashing(), library().signing.Config()
        place = folder.parent / BUNDLE
        try:
            if wish.key:
                config.use_elliptic_key_signer(private_key=wish.key)
            else:
                config.use_sigstore_signer()
            config.set_hashing_config(hashing).sign(folder, place)
        except Exception as error:  # whatever the library or the network raises
            said = f"{parcel.pin.name} could not be signed: {one_line(str(error))[:300]}"
            if wish.key:
                raise UsageError(said, KEY) from error
            raise NetworkError(said, "try again") from error
        bundle = place.read_bytes()
        check(replace(parcel.pin, signer=signer), parcel.main, place)
    return replace(parcel, pin=replace(parcel.pin, signer=signer), files={**parcel.files, BUNDLE: bundle})


def verify(pin: Pin, endpoint: str | None = None) -> bool:
    """Compare the weights of a pin that are on this machine with their signature.

    Returns:
        whether there is something to compare: the pin names a signer, and its weights are here.
    Raises:
        IntegrityError: they are others, or were signed by somebody else.
        NetworkError: the bundle is not here, and cannot be fetched.
        UsageError: the library is not installed.
    """
    path = manifest.available(pin)
    if not pin.signer or not path:
        return False
    check(pin, path, hub.fetch(pin.repo, pin.commit, BUNDLE, endpoint=endpoint))
    return True


def check(pin: Pin, main: Path, bundle: Path) -> None:
    """Compare weights with a signature.

    Args:
        pin: of the weights; it names the signer.
        main: the weights file, or its index.
        bundle: the signature.
    Raises:
        IntegrityError: it is of other weights, or by somebody else than the pin says.
        UsageError: the library is not installed.
    """
    files = pin.paths(main)
    with _folder(files) as folder, _quiet():
        try:
            config = _verifier(pin, folder.parent)
            config.set_hashing_config(_hashing()).verify(folder, bundle)
        except ZooError:
            raise
        except Exception as error:  # whatever the library raises of a bundle that anybody can have written
            raise IntegrityError(
                f"{pin.name} is not signed by {pin.signer}: {one_line(str(error))[:300]}",
                "do not use it; ask whoever published it",
            ) from error
    _check_covered(pin, bundle)


def _verifier(pin: Pin, folder: Path) -> Any:
    """What verifies signatures of a pin's signer."""
    signer, config = pin.signer, library().verifying.Config()
    if signer is None:
        raise UsageError(f"the manifest names no signer of {pin.name}", "zoo push ... --sign names one")
    if signer.key:
        pem = "\n".join(signer.key[i : i + 64] for i in range(0, len(signer.key), 64))
        (folder / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n")
        return config.use_elliptic_key_verifier(public_key=folder / "key.pem")
    return config.use_sigstore_verifier(identity=signer.identity, oidc_issuer=signer.issuer)


def _check_covered(pin: Pin, bundle: Path) -> None:
    """Whether a signature is of every file of a pin: whoever signs may leave files out.

    Raises:
        IntegrityError: it is not.
    """
    where = f"the signature of {pin.name}"
    try:
        envelope = json.loads(read_bytes(bundle, most=LONGEST))["dsseEnvelope"]
        payload = json.loads(base64.b64decode(envelope["payload"], validate=True))["predicate"]
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise IntegrityError(f"{where} is none: {error}", "ask whoever published it") from error
    signed = {(entry.name, entry.digest) for entry in fitted(Signed, payload, where, "ask its owner").resources}
    if left := [file.file for file in pin.files if (file.file, file.sha256) not in signed]:
        raise IntegrityError(f"{where} does not cover {left[0]}", "ask whoever published it")


def _public(key: Path) -> str:
    """The public key that belongs to a private one: DER, in base 64."""
    library()
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        private = load_pem_private_key(read_bytes(key, most=LONGEST), None)
        if not isinstance(private, EllipticCurvePrivateKey) or private.curve.name not in CURVES:
            raise TypeError("no key of an elliptic curve that signatures use")
        data = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError) as error:  # no key, or one with a password; what it says may quote the file
        raise UsageError(f"{key} is no private key that can be used: {type(error).__name__}", KEY) from error
    return base64.b64encode(data).decode()


def _hashing() -> Any:
    return library().hashing.Config().use_file_serialization(allow_symlinks=True).set_allow_symlinks(True)


@contextlib.contextmanager
def _folder(files: Mapping[str, Path]) -> Iterator[Path]:
    """A folder that holds these files alone, by their names in the repository; linked where that can be."""
    with tempfile.TemporaryDirectory(prefix="zoo-signing-") as place:
        folder = Path(place, "weights")
        for name, path in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.symlink_to(os.path.abspath(path))
            except OSError:  # no links here
                atomic_copy(path, target)
        yield folder


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the library prints goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
