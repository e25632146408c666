"""Image data sets as tensors: whole, uint8, on the device, taken by index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..errors import IntegrityError, PluginError, UsageError, ZooError, nearest
from ..files import file_sha256, sha256
from . import fetching, memory, sets
from .ahead import Ahead
from .declare import DataSet
from .fetching import Tell
from .own import store

EXAMPLES = Path(__file__).parent / "examples"  # a data root with the first 100 test images of some data sets


@dataclass(frozen=True)
class ImageData:
    """An image data set.

    Args:
        name: e.g. ``mnist``.
        split: e.g. ``train``.
        images: uint8 [n, c, h, w] on the device; or, where they are more than its memory holds, mapped from disk.
        labels: int64 [n] on the device; all 0 where there are no classes.
        classes: class names, by label; none of images without classes.
        sha256: of image file and label file together.
        change: what happens to a batch of training images, uint8 [b, c, h, w], at random; None leaves them as they are.
        ahead: reads batches of images that are mapped, those of a loop's next steps while one computes.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    sha256: str
    change: Callable[[Tensor], Tensor] | None = None
    ahead: Ahead | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, c, h, w = self.images.shape
        return c, h, w

    @property
    def device(self) -> torch.device:
        """Where batches are."""
        return self.labels.device

    def bytes(self, rows: Tensor | slice) -> Tensor:
        """Images of some rows, uint8 [b, c, h, w], on the device."""
        if isinstance(rows, slice):
            images = self.images[rows].to(self.device)
        else:
            images = self.ahead.take(rows) if self.ahead else self.images.index_select(0, rows)
        return self.change(images) if self.change else images

    def part(self, first: int, end: int) -> ImageData:
        """The images from number `first` to before `end`, as data of their own."""
        ahead = self.ahead.part(first) if self.ahead else None
        return replace(self, images=self.images[first:end], labels=self.labels[first:end], ahead=ahead)

    def parts(self, batch: int = 1000) -> Iterator[Tensor]:
        """All images in their order, uint8 [b, c, h, w], on the device, as they are."""
        for part in self.images.split(batch):
            yield part.to(self.device)

    def rows(self) -> Tensor:
        """The number of each image: int64 [n] on the device."""
        return torch.arange(len(self), device=self.device)

    def pixels(self, rows: Tensor | slice = slice(None)) -> Tensor:
        """Images of some rows, or all, as float [b, c, h, w] in [0, 1]."""
        return to_pixels(self.bytes(rows))


def to_pixels(images: Tensor) -> Tensor:
    """uint8 of any shape to float in [0, 1]."""
    return images.float() / 255


def load(
    name: str, split: str, root: Path, device: torch.device | str = "cpu", warn: Callable[[str], None] | None = None,
    tell: Tell | None = None,
) -> ImageData:  # fmt: skip
    """Read a data set, downloading it first when it is missing.

    Args:
        name: of a declared data set: ``mnist``; or of prepared images: ``photos@1a2b3c4d5e6f7081``.
        split: ``train``, ``test``, or what else it has.
        root: the data root; each data set has a folder there.
        device: where the tensors go.
        warn: told, in one line, when the files are not a known copy.
        tell: told how far a download is.
    Raises:
        UsageError: no such data set or split.
        IntegrityError: a file is truncated, damaged, or does not match its partner.
        NetworkError: it is missing and cannot be downloaded.
        PluginError: its reader fails, or gives what its declaration does not say.
    """
    if store.is_prepared(name):
        return _prepared(name, split, torch.device(device))
    data = declared(name, split)
    fetching.fetch(data, split, root, tell)
    paths = data.paths(split, root)
    images, labels = _read(data, paths, split)
    digests = {name: file_sha256(path)[1] for name, path in paths.items()}
    if warn and (unknown := unknown_copies(data, split, root, digests)):
        warn(f"{name}: not a known copy, used as it is: {unknown}")
    return ImageData(
        name, split, images.to(device), labels.to(device), data.classes, sha256("".join(digests.values()).encode())
    )


def _prepared(name: str, split: str, device: torch.device) -> ImageData:
    """A part of the user's own images, as `own.prepare` has left it."""
    part = store.load(name, split)
    images, labels, ahead = torch.from_numpy(part.images), torch.from_numpy(part.labels).to(device), None
    if memory.has_room(part.images.nbytes, device):
        images = images.clone() if device.type == "cpu" else images.to(device)
    else:
        ahead = Ahead(part.path, part.images.shape[1:], device)
    return ImageData(name, split, images, labels, part.classes, part.sha256, ahead=ahead)


def digest(name: str, split: str, root: Path) -> tuple[str, int]:
    """The sha256 of a part as `load` gives it, and how many images it has; those of the user are not read for it.

    Raises:
        ZooError: see `load`.
    """
    if store.is_prepared(name) and (part := store.find(name).parts.get(split)):
        return part.sha256, part.n
    data = load(name, split, root)
    return data.sha256, len(data)


def declared(name: str, split: str) -> DataSet:
    """The declaration of a data set of images that has a split.

    Raises:
        UsageError: there is none.
    """
    data = sets.find(name, "images")
    if split not in data.splits:
        raise UsageError(f"{name} has no part '{split}'", nearest(split, data.splits))
    return data


def is_there(name: str, split: str, root: Path) -> bool:
    """Whether the files of a data set lie under `root`, or, of the user's own images, in the zoo's cache."""
    return store.is_prepared(name) or all(
        os.path.isfile(path) for path in declared(name, split).paths(split, root).values()
    )


def _read(data: DataSet, paths: dict[str, Path], split: str) -> tuple[Tensor, Tensor]:
    """What a data set's reader gives, checked: uint8 [n, c, h, w] and int64 [n].

    Raises:
        IntegrityError: the files hold something else than the data set.
        PluginError: the reader fails.
    """
    assert data.read  # a declaration of images has one
    try:
        images, labels = (torch.as_tensor(values) for values in data.read(paths, split))
    except ZooError:
        raise
    except Exception as error:  # a reader may be anybody's
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(f"the reader of {data.name} failed: {reason}", "report it to its authors") from error
    where, remedy = next(iter(paths.values())), "remove the files and run again to download them"
    if images.dtype != torch.uint8 or images.dim() != 4 or labels.dim() != 1 or labels.is_floating_point():
        raise PluginError(f"the reader of {data.name} gives no images and labels", "report it to its authors")
    if len(images) != len(labels) or not len(images):
        raise IntegrityError(f"{where} has {len(images)} images, and there are {len(labels)} labels", remedy)
    farthest = int(labels.min()) if int(labels.min()) < 0 else int(labels.max())
    if images.shape[1:] != data.shape or not 0 <= farthest < len(data.classes):
        raise IntegrityError(
            f"{where.parent} holds images of {list(images.shape[1:])} with labels up to {farthest}, not of "
            f"{list(data.shape)} with labels from 0 to {len(data.classes) - 1}",
            remedy,
        )
    return images.contiguous(), labels.long()


def unknown_copies(data: DataSet, split: str, root: Path, digests: dict[str, str]) -> str:
    """Which files of a split are not those that are published; empty where all are."""
    noted = fetching.noted(data.home(root))
    others = [
        f"{file.name} (sha256 {digests[file.name][:12]}…)" for file in data.files[split]
        if digests[file.name] not in (file.known, noted.get(file.name))
    ]  # fmt: skip
    return " and ".join(others)


def check_enough(there: int, n: int | None) -> None:
    """Whether there are as many images as somebody wants to see.

    Args:
        n: what was asked for; None where nothing was said.
    Raises:
        UsageError: there are fewer.
    """
    if n is not None and n > there:
        raise UsageError(f"-n {n}: there are {there:,} images to show", f"-n {there}; or --data-root with more")


def epoch_order(n: int, seed: int, epoch: int, device: torch.device | str = "cpu") -> Tensor:
    """The order of one epoch: a permutation that depends on nothing but its arguments.

    So a resumed run needs no memory of the past, and all processes of a run agree.

    Returns:
        int64 [n] on `device`.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.randperm(n, generator=generator).to(device)
