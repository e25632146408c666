"""What a hook reads: data sets, texts, files of the Hub, other models. All of it goes into the run's record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from .. import hub
from ..data import images, texts
from ..data.images import ImageData
from ..data.texts import TextData
from .reporter import Reporter


class Inputs:
    """The part of a `Run` that reads.

    Args:
        device: where tensors go.
        data_root: where data sets lie.
        reporter: told what is not as expected.
        data: sha256 of every data set read, by name and split.
        classes: class names of the last images read.
        used: sha256 of every other model used, by name.
    """

    device: torch.device
    data_root: Path
    reporter: Reporter
    data: dict[str, str]
    classes: tuple[str, ...]
    used: dict[str, str]

    def dataset(self, name: str, split: str) -> ImageData:
        """A data set on the device, downloaded when missing; its sha256 goes into the record."""
        data = images.load(name, split, self.data_root, self.device, self.reporter.warn)
        self.data[f"{name}/{split}"] = data.sha256
        self.classes = data.classes
        return data

    def examples(self, name: str) -> ImageData:
        """Test images to show: of the data set, or, where it is not there, the first hundred, which come with the zoo."""
        if images.is_there(name, "test", self.data_root):
            return self.dataset(name, "test")
        self.reporter.warn(
            f"{name} is not in {self.data_root}; shown are of the 100 test images that come with the zoo"
        )
        data = images.load(name, "test", images.EXAMPLES, self.device)
        self.data[f"{name}/examples"], self.classes = data.sha256, data.classes
        return data

    def texts(self, name: str, split: str) -> TextData:
        """A text data set, fetched when missing; its sha256 goes into the record."""
        data = texts.load(name, split, self.data_root)
        self.data[f"{name}/{split}"] = data.sha256
        return data

    def example_texts(self, name: str) -> TextData:
        """Test texts to show: of the data set, or, where it is not there, those that come with the zoo."""
        if texts.file(name, "test", self.data_root).is_file():
            return self.texts(name, "test")
        self.reporter.warn(f"{name} is not in {self.data_root}; shown are of the papers that come with the zoo")
        return texts.load("acl-titles", "test", texts.EXAMPLES)

    def files(self, source: str, names: Sequence[str]) -> Path:
        """A folder with these files: a local one, or a Hub repository at a commit (``org/name@COMMIT``)."""
        return hub.folder(source, names)

    def load(self, name: str) -> nn.Module:
        """Another model of the zoo with its pinned weights, on the device, in eval mode.

        So a plugin can be judged by a classifier without importing its package.
        """
        from ..weights.find import module

        loaded, checkpoint = module(name)
        self.used[name] = checkpoint.sha256 or ""
        return loaded.to(self.device)
