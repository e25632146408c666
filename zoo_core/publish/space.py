"""The files of a Space: the page of some weights, for others to use on the Hub. They are run before they are sent."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import urllib.request
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import hub
from ..api.handle import open_model
from ..cards.card import Card
from ..errors import UsageError, one_line
from ..weights.pins import Pin
from .metadata import hub_licence
from .parcel import README, Parcel
from .release import ZOO, Release, release_of

ENDING = "-demo"  # of the repository's name
WEIGHTS, HOST, PORT = "ZOO_DEMO_WEIGHTS", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"  # what a Space says, and a test
LONGEST = 180  # seconds until a page answers
APP = '''"""The page of {name}, on the Hub or anywhere: python app.py"""

import os
import sys

weights = os.environ.get("{weights}", {source!r})
host, port = os.environ.get("{host}", "0.0.0.0"), os.environ.get("{port}", "7860")
arguments = ["demo", {model!r}, "--weights", weights, "--host", host, "--port", port, "--no-open"]
os.execv(sys.executable, [sys.executable, "-m", "zoo_core", *arguments])
'''


@dataclass(frozen=True)
class Space:
    """The page of published weights.

    Args:
        pin: of the weights, with the commit that is to be shown.
        card: of the model.
        release: of its distribution.
    """

    pin: Pin
    card: Card
    release: Release

    @classmethod
    def of(cls, pin: Pin) -> Space:
        """The page of some weights."""
        model = open_model(pin.name).model
        return cls(pin, model.card, release_of(model, pin.trained))

    @property
    def repo(self) -> str:
        """``org/name-demo``."""
        return self.pin.repo + ENDING

    def files(self) -> dict[str, bytes]:
        """What the repository holds.

        Raises:
            UsageError: the extra is not installed, so that nobody could try the page.
        """
        source = f"{self.pin.repo}@{self.pin.commit or '0' * 40}"
        app = APP.format(name=self.pin.name, weights=WEIGHTS, host=HOST, port=PORT, source=source, model=self.card.name)
        texts = {"app.py": app, "requirements.txt": "\n".join(self._required()) + "\n", README: self._readme()}
        return {name: text.encode() for name, text in texts.items()}

    def send(self, pin: Pin, endpoint: str | None = None) -> str:
        """Publish the page of weights that have been published, in one commit.

        Args:
            pin: of the weights, with their commit.
        Returns:
            the repository.
        """
        files = replace(self, pin=pin).files()
        message = f"the page of {pin.name}"
        hub.push(self.repo, files, message=message, endpoint=endpoint, kind="space")
        return self.repo

    def _required(self) -> list[str]:
        """The distributions that it needs, those of the zoo and of the model as they are here."""
        words = shlex.split(self.card.install)
        more = words[2:] if words[:2] == ["pip", "install"] else []
        own = re.compile(rf"{ZOO}\[([\w,-]+)\]")
        extras = sorted(
            {"demo", *(one for word in more if (found := own.fullmatch(word)) for one in found[1].split(","))}
        )
        mine = [] if self.release.is_zoos else [f"{self.release.distribution}=={self.release.version}"]
        return [f"{ZOO}[{','.join(extras)}]=={version(ZOO)}", *mine, *(one for one in more if not own.fullmatch(one))]

    def _readme(self) -> str:
        try:
            gradio = version("gradio")
        except PackageNotFoundError as error:
            raise UsageError("the page of a Space needs Gradio", "pip install 'zoo-core[demo]'") from error
        facts = {
            "title": self.pin.name, "sdk": "gradio", "sdk_version": gradio, "app_file": "app.py",
            **hub_licence(self.pin.licence), "models": [self.pin.repo], "short_description": self.card.summary[:60],
        }  # fmt: skip
        lines = [f"{name}: {json.dumps(value)}" for name, value in facts.items() if value]  # JSON is YAML
        text = f"The page of [{self.pin.repo}](https://huggingface.co/{self.pin.repo}), made by `zoo push --demo`."
        return "\n".join(["---", *lines, "---", "", text, ""])


def check(parcel: Parcel) -> Space:
    """The page of what is to be sent, once it has answered on this machine, with the weights that are here.

    Raises:
        UsageError: it does not; nothing is to be sent then.
    """
    space = Space.of(parcel.pin)
    with tempfile.TemporaryDirectory(prefix="zoo-space-") as folder:
        for name, data in space.files().items():
            (Path(folder) / name).write_bytes(data)
        _answers(Path(folder), parcel.main.resolve(), space.card.name)
    return space


def _answers(folder: Path, weights: Path, model: str) -> None:
    """Start the files of a Space, and ask for the page.

    Raises:
        UsageError: there is none.
    """
    env = {**os.environ, WEIGHTS: str(weights), HOST: "127.0.0.1", PORT: "0", "ZOO_OFFLINE": "1"}
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    timer = threading.Timer(LONGEST, process.kill)
    timer.start()
    try:
        assert process.stdout and process.stderr
        address = re.search(r"http://\S+", process.stdout.readline())
        if not address:
            said = one_line(process.stderr.read().strip().rpartition("error: ")[2])
            raise UsageError(f"the Space of {model} does not run: {said[:300]}", "nothing was sent; leave out --demo")
        _ask(address[0], model)
    finally:
        process.terminate()  # so that it leaves nothing behind; if it does not end, the timer ends it
        process.wait()
        timer.cancel()


def _ask(address: str, model: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/config", timeout=LONGEST) as answer:
            page = answer.read().decode()
    except OSError as error:
        raise UsageError(
            f"the Space of {model} does not answer: {error}", "nothing was sent; leave out --demo"
        ) from error
    if f"<h1>{model}</h1>" not in json.dumps(json.loads(page), ensure_ascii=False):
        raise UsageError(f"the Space of {model} has no page of it", "nothing was sent; leave out --demo")
