"""Signed weights: the right hash by another signer is refused, and nobody is asked."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import loopback
import pytest
from conftest import ROOT, SLICES
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from loopback import Hub, sha256

from zoo_core import IntegrityError, UsageError
from zoo_core.cli import run
from zoo_core.publish import signing
from zoo_core.publish.parcel import Parcel
from zoo_core.weights import manifest, pins
from zoo_core.weights.signer import Signer

FILE = "model.safetensors"


def a_key(path: Path, password: bytes = b"") -> Path:
    """A new private key."""
    how = BestAvailableEncryption(password) if password else NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    return path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, an empty cache, and a manifest of the user's own with a classifier that was signed and published."""
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("zoo_core.hub.client.WAITS", (0.0,))
    monkeypatch.setenv("ZOO_MANIFEST", str(tmp_path / pins.FILE))
    monkeypatch.setenv("ZOO_DATA", str(SLICES))  # whose few images are measured for the card in no time
    (tmp_path / "weights").mkdir()
    shutil.copy(ROOT / "weights" / "judge.mnist.safetensors", tmp_path / "weights")
    known = pins.read(ROOT / pins.FILE)["judge.mnist"]
    pins.write([dataclasses.replace(known, home=tmp_path)], tmp_path / pins.FILE)
    a_key(tmp_path / "alice.pem")
    a_key(tmp_path / "bob.pem")
    with loopback.running() as found:
        assert push(found, tmp_path / "alice.pem") == 0
        shutil.rmtree(tmp_path / "weights")  # from here on the cache has them
        assert run(["pull", "judge.mnist", "--endpoint", found.url]) == 0
        yield found


KEYS: dict[str, Callable[[], PrivateKeyTypes]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": lambda: ed25519.Ed25519PrivateKey.generate(),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_of_another_kind_is_refused(kind: str, tmp_path: Path) -> None:
    key = tmp_path / "other.pem"
    key.write_bytes(KEYS[kind]().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UsageError, match="is no private key that can be used"):
        signing._public(key)


def push(server: Hub, key: Path | None) -> int:
    sign = ("--sign-key", str(key)) if key else ()
    return run(["push", "judge.mnist", "--repo", "me/x", "--device", "cpu", "--endpoint", server.url, *sign])


def verified(name: str = "judge.mnist") -> int:
    return run(["weights", "verify", name, "--signature"])


def test_signed_weights_are_verified_offline_and_another_signer_is_refused(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = manifest.pin("judge.mnist")
    assert pin.signer and pin.signer.key and "alice" not in (tmp_path / pins.FILE).read_text()
    assert "PRIVATE" not in capsys.readouterr().out
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert verified() == 0 and f"as pinned, signed by {pin.signer}" in capsys.readouterr().out
    bobs = Signer(key=signing._public(tmp_path / "bob.pem"))
    pins.write([dataclasses.replace(pin, signer=bobs)], tmp_path / pins.FILE)
    assert run(["weights", "verify", "judge.mnist"]) == 0, "the hash is the right one"
    assert verified() == 3 and f"not signed by {bobs}" in capsys.readouterr().err
    pins.write([dataclasses.replace(pin, signer=None)], tmp_path / pins.FILE)
    assert verified() == 0 and "as pinned, not signed" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "model_signing", None)
    pins.write([pin], tmp_path / pins.FILE)
    assert verified() == 2 and "zoo-core[sign]" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["garbage", "an empty object", "no such file", "of other weights", "of nothing"])
def test_a_bundle_that_is_something_else_is_refused(
    server: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    pin = manifest.pin("judge.mnist")
    path = manifest.available(pin)
    assert path
    bundle = tmp_path / "bundle"
    if how == "of other weights":
        (tmp_path / FILE).write_bytes(b"other weights")
        other = dataclasses.replace(pin, sha256=sha256(b"other weights"))
        bundle.write_bytes(signature(tmp_path, other, tmp_path / FILE))
    elif how == "of nothing":  # by the right signer, who has left the weights out
        bundle.write_bytes(signature(tmp_path, dataclasses.replace(pin, file="other.safetensors"), path))
    elif how != "no such file":
        bundle.write_bytes(b"{}" if how == "an empty object" else b"\x80garbage")
    with pytest.raises(IntegrityError, match=r"is not signed by the key|does not cover"):
        signing.check(pin, path, bundle)


def signature(folder: Path, pin: pins.Pin, main: Path) -> bytes:
    """A bundle of Alice's."""
    made = signing.sealed(Parcel(pin, {}, main), signing.Wish(folder / "alice.pem")).files[pins.BUNDLE]
    assert isinstance(made, bytes)
    return made


def test_who_leaves_files_out_of_a_signature_has_not_signed_them(server: Hub, tmp_path: Path) -> None:
    """The library leaves out what the signature itself tells it to."""
    library: Any = signing.library()
    pin = manifest.pin("judge.mnist")
    path = manifest.available(pin) or Path()
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(path, folder / FILE)
    hashing = library.hashing.Config().use_file_serialization().set_ignored_paths(paths=[folder / FILE])
    library.signing.Config().use_elliptic_key_signer(private_key=tmp_path / "alice.pem").set_hashing_config(
        hashing
    ).sign(folder, tmp_path / "bundle")
    with pytest.raises(IntegrityError, match=r"does not cover model\.safetensors"):
        signing.check(pin, path, tmp_path / "bundle")


def test_the_signer_of_a_pin_must_sign_what_replaces_it(
    server: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = manifest.pin("judge.mnist")
    assert push(server, None) == 0, "the same weights, whose signature stays"
    assert manifest.pin("judge.mnist").signer == pin.signer and verified() == 0
    update = ["pull", "judge.mnist", "--update", "--yes", "--endpoint", server.url]
    path = manifest.available(pin) or Path()
    bobs = signing.sealed(Parcel(pin, {}, path), signing.Wish(tmp_path / "bob.pem")).files[pins.BUNDLE]
    assert isinstance(bobs, bytes)
    server.put("me/x", {pins.BUNDLE: bobs})
    before = (tmp_path / pins.FILE).read_bytes()
    assert run(update) == 3 and "not signed by" in capsys.readouterr().err
    assert (tmp_path / pins.FILE).read_bytes() == before
    commit = server.put("me/x", {pins.BUNDLE: signature(tmp_path, pin, path)})
    assert run(update) == 0
    assert manifest.pin("judge.mnist").commit == commit and manifest.pin("judge.mnist").signer == pin.signer


def test_it_must_be_said_who_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry: list[str] = ["push", "judge.mnist", "--repo", "me/x", "--dry-run"]
    for wrong in (["--sign"], ["--identity", "me@example.org"], ["--sign", "--issuer", "https://example.org"]):
        assert run([*dry, *wrong]) == 2 and "--sign-key FILE" in capsys.readouterr().err
    (tmp_path / "none.pem").write_text("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----")
    for key in (tmp_path / "none.pem", a_key(tmp_path / "locked.pem", b"password"), tmp_path / "nowhere.pem"):
        with pytest.raises(UsageError) as refused:
            signing._public(key)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "what", [{}, {"key": "x"}, {"identity": "me"}, {"key": "A" * 60, "identity": "me", "issuer": "you"},
             {"identity": "\x1b[2J", "issuer": "x"}, {"key": 7}],
)  # fmt: skip
def test_a_signer_of_a_manifest_passes_a_schema(tmp_path: Path, what: dict[str, Any]) -> None:
    text = pins.rendered([pins.Pin("a", "b", FILE, 1, "0" * 64, "MIT")], tmp_path / "m.toml")[0]
    entry = "\n".join(f"{key} = {json.dumps(value)}" for key, value in what.items())
    (tmp_path / "m.toml").write_text(f'{text}\n[weights."a.b".signer]\n{entry}\n')
    with pytest.raises(IntegrityError, match="cannot read the weights manifest"):
        pins.read(tmp_path / "m.toml")
    signer = Signer(identity="me@example.org", issuer="https://example.org")
    pins.write([pins.Pin("a", "b", FILE, 1, "0" * 64, "MIT", signer=signer)], tmp_path / "n.toml")
    assert pins.read(tmp_path / "n.toml")["a.b"].signer == signer
    assert str(signer) == "me@example.org (https://example.org)"
