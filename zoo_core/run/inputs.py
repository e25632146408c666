"""What a hook reads: data sets, texts, files of the Hub, other models. All of it goes into the run's record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..cards import paths
from ..cards.checkpoint import Checkpoint
from ..cards.images import OwnImage
from ..cards.options import Options
from ..data import augmentation, given, images, texts
from ..data.declare import TextFields
from ..data.images import ImageData
from ..data.own import files as own_files
from ..data.texts import TextData
from ..errors import IntegrityError, UsageError, ZooError, one_line
from ..files import sha256
from ..weights import shards
from .reporter import Progress, Reporter

OpenModel = Callable[[str, "Inputs"], tuple[nn.Module, Checkpoint[Options]]]  # by name: a module, and its weights


FEW_IMAGES, FEW_TEXTS = 500, 20  # of each data set that a quick evaluation reads


def _described(shape: tuple[int, int, int], classes: Sequence[str]) -> str:
    """Images in a few words: ``images of 3 x 32 x 32 of cat, dog``."""
    shown = ", ".join(classes[:6]) + (f" and {len(classes) - 6} more" if len(classes) > 6 else "")
    return f"images of {' x '.join(map(str, shape))}" + (f" of {shown}" if classes else "")


class Inputs:
    """Reads for one run, and keeps account of what was read.

    Args:
        device: where tensors go.
        data_root: where data sets lie.
        reporter: told what is not as expected.
        open_model: loads another model of the zoo.
        few: data sets are cut to their first items.
    """

    def __init__(
        self, device: torch.device, data_root: Path, reporter: Reporter, open_model: OpenModel | None, few: bool = False
    ) -> None:
        self._few = few
        self.device, self.data_root, self.reporter, self._open_model = device, data_root, reporter, open_model
        self.data: dict[str, str] = {}  # sha256 of every data set read, by name and split
        self.counts: dict[str, int] = {}  # how many images or texts each has
        self.classes: tuple[str, ...] = ()  # of the last images read
        self.shape: tuple[int, int, int] | None = None  # channels, height, width of these
        self.expected: tuple[int, int, int] | None = None  # shape that images must have, where weights say it
        self.notes: dict[str, Any] = {}  # what else the training found out
        self.judges: dict[str, str] = {}  # sha256 of every other model used, by name

    def described(self) -> dict[str, Any]:
        """What the weights say of the last images read: their classes, shape and range."""
        shaped = {"shape": list(self.shape), "range": [0.0, 1.0]} if self.shape else {}
        noted = {"notes": dict(self.notes)} if self.notes else {}
        return {"classes": list(self.classes), **shaped, **noted}

    @contextmanager
    def _download(self, needed: bool) -> Iterator[None]:
        """Say that a data set is on its way, where it has to be fetched."""
        if needed:
            self._tell(0, 1)
        yield
        if needed:
            self._tell(1, 1)
            self.reporter.close()

    def _tell(self, done: int, total: int) -> None:
        self.reporter.progress(Progress("download", done, total))

    def dataset(self, name: str, split: str, augment: str = "none") -> ImageData:
        """See `Run.dataset`."""
        with self._download(not images.is_there(name, split, self.data_root)):
            data = images.load(name, split, self.data_root, self.device, self.reporter.warn, self._tell)
        data = data.part(0, FEW_IMAGES) if self._few else data
        self._note(f"{name}/{split}", data)
        return replace(data, change=augmentation.of(augment))

    def _note(self, what: str, data: ImageData) -> None:
        self.data[what], self.counts[what] = data.sha256, len(data)
        self.classes, self.shape = data.classes, data.shape
        if self.expected and data.shape != self.expected:
            raise IntegrityError(
                f"the weights are of {_described(self.expected, ())}, and {what} has {_described(data.shape, ())}",
                "what the file says of its data cannot be; get it again, or train again",
            )

    def examples(self, name: str) -> ImageData:
        """See `Run.examples`."""
        if images.is_there(name, "test", self.data_root) or not images.is_there(name, "test", images.EXAMPLES):
            return self.dataset(name, "test")
        self.reporter.warn(
            f"{name} is not in {self.data_root}; shown are of the 100 test images that come with the zoo"
        )
        data = images.load(name, "test", images.EXAMPLES, self.device)
        self._note(f"{name}/examples", data)
        return data

    def own_images(self, own: Sequence[OwnImage], checkpoint: Checkpoint[Options], invert: bool) -> Tensor:
        """See `Run.own_images`."""
        if not own:
            raise UsageError("no image was given", "name one: --image FILE")
        pixels = torch.stack([given.prepared(image, checkpoint.shape) for image in own])
        pixels = 255 - pixels if invert else pixels
        self.data["own images"] = sha256(pixels.numpy().tobytes())
        if known := self._familiar(getattr(checkpoint.options, "data", None)):
            names = [image.name for image in own]
            for note in given.unlike(names, pixels, known, invert):
                self.reporter.warn(note)
        return pixels.to(self.device)

    def _familiar(self, name: object) -> ImageData | None:
        """Test images of what a model has learned, where they are at hand."""
        for root in (self.data_root, images.EXAMPLES):
            with suppress(ZooError):  # a data set that is not installed here, or was removed from the cache
                if isinstance(name, str) and images.is_there(name, "test", root):
                    return images.load(name, "test", root)
        return None

    def texts(self, name: str, split: str) -> TextData:
        """See `Run.texts`."""
        with self._download(not os.path.isfile(texts.file(name, split, self.data_root))):
            data = texts.load(name, split, self.data_root)
        data = data.take(range(min(FEW_TEXTS, len(data)))) if self._few else data
        self.data[f"{name}/{split}"], self.counts[f"{name}/{split}"] = data.sha256, len(data)
        return data

    def example_texts(self, name: str) -> TextData:
        """See `Run.example_texts`."""
        if os.path.isfile(texts.file(name, "test", self.data_root)):
            return self.texts(name, "test")
        self.reporter.warn(f"{name} is not in {self.data_root}; shown are of the papers that come with the zoo")
        return texts.load("acl-titles", "test", texts.EXAMPLES)

    def own_texts(self, path: Path, fields: TextFields) -> TextData:
        """See `Run.own_texts`."""
        if paths.is_kept(path):
            self.own(path)
        data = texts.read(path, fields, path.name)
        data = data.take(range(min(FEW_TEXTS, len(data)))) if self._few else data
        self.data[one_line(paths.written(path) if paths.is_kept(path) else path.name)] = data.sha256
        return data

    def own(self, path: Path) -> Path:
        """See `Run.own`."""
        if not paths.is_kept(path):
            path = own_files.keep(path)
        self.data[paths.written(path)] = own_files.check(path)
        return path

    def files(self, source: str, names: Sequence[str]) -> Path:
        """See `Run.files`."""
        return shards.folder(source, names)

    def load(self, name: str, data: ImageData | None = None) -> nn.Module:
        """See `Run.load`."""
        if self._open_model is None:
            raise UsageError(f"this run cannot load '{name}'", "make it with open_model")
        module, checkpoint = self._open_model(name, self)
        called = Path(name).name
        if data and (checkpoint.shape, checkpoint.classes) != (data.shape, data.classes):
            raise UsageError(
                f"{called} was trained on {_described(checkpoint.shape, checkpoint.classes)}, and {data.name} has "
                f"{_described(data.shape, data.classes)}",
                f"zoo train judge --data {data.name} makes one that fits",
            )
        self.judges[called] = checkpoint.sha256 or ""
        return module.to(self.device)
