"""Image data sets as tensors: whole, uint8, on the device, taken by index.

Files lie as torchvision lays them (`<root>/MNIST/raw/train-images-idx3-ubyte`); torchvision itself
is imported only to download what is missing, since its import costs as much as torch's.

IDX format: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import IntegrityError, NetworkError, UsageError, nearest
from ..files import read_bytes, sha256
from .labels import CLASSES


@dataclass(frozen=True)
class Source:
    """Where a data set lies and what its original files hash to (sha256, by file name)."""

    folder: str
    known: dict[str, str]


SOURCES = {
    "mnist": Source(
        "MNIST",
        {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion-mnist": Source(
        "FashionMNIST",
        {
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
}
SPLITS = {"train": "train", "test": "t10k"}
EXAMPLES = Path(__file__).parent / "examples"  # a data root with the first 100 test images of each set
SUMS = "SHA256SUMS"  # written beside files that torchvision downloaded and verified


@dataclass(frozen=True)
class ImageData:
    """A labelled image data set.

    Args:
        name, split: e.g. ``mnist``, ``train``.
        images: uint8 [n, 1, 28, 28] on the device.
        labels: int64 [n] on the device.
        classes: class names, by label.
        sha256: of image file and label file together.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    sha256: str

    def __len__(self) -> int:
        return len(self.images)

    def bytes(self, rows: Tensor | slice) -> Tensor:
        """Images of some rows, uint8 [b, 1, 28, 28]."""
        return self.images[rows] if isinstance(rows, slice) else self.images.index_select(0, rows)

    def pixels(self, rows: Tensor | slice = slice(None)) -> Tensor:
        """Images of some rows, or all, as float [b, 1, 28, 28] in [0, 1]."""
        return to_pixels(self.bytes(rows))


def to_pixels(images: Tensor) -> Tensor:
    """uint8 of any shape to float in [0, 1]."""
    return images.float() / 255


def load(
    name: str, split: str, root: Path, device: torch.device | str = "cpu", warn: Callable[[str], None] | None = None
) -> ImageData:
    """Read a data set, downloading it first when it is missing.

    Args:
        name: ``mnist`` or ``fashion-mnist``.
        split: ``train`` or ``test``.
        root: the data root, in torchvision's layout.
        device: where the tensors go.
        warn: told, in one line, when the files are not a known copy.
    Raises:
        UsageError: no such data set or split.
        IntegrityError: a file is truncated, is no IDX file, or does not match its partner.
        NetworkError: it is missing and cannot be downloaded.
    """
    if name not in SOURCES:
        raise UsageError(f"there is no data set '{name}'", nearest(name, SOURCES))
    source, classes = SOURCES[name], CLASSES[name]
    raw, paths = root / source.folder / "raw", _paths(name, split, root)
    if not is_there(name, split, root):
        _download(source.folder, root)
    files = [read_bytes(path, "check --data-root") for path in paths]
    images, labels = (_idx(path, data, dims) for path, data, dims in zip(paths, files, (3, 1), strict=True))
    if len(images) != len(labels) or not len(images):
        raise IntegrityError(f"{paths[0]} has {len(images)} images, {paths[1].name} {len(labels)} labels", _REMOVE)
    if images.shape[1:] != (28, 28) or int(labels.max()) >= len(classes):
        raise IntegrityError(
            f"{raw} holds images of {list(images.shape[1:])} with labels up to {int(labels.max())}, "
            f"not 28 x 28 with labels below {len(classes)}", _REMOVE)  # fmt: skip
    digests = [sha256(data) for data in files]
    if warn:
        _warn_unknown(name, source, raw, paths, digests, warn)
    return ImageData(
        name, split, images[:, None].to(device), labels.long().to(device), classes,
        sha256("".join(digests).encode()),
    )  # fmt: skip


def is_there(name: str, split: str, root: Path) -> bool:
    """Whether the files of a data set lie under `root`."""
    return all(os.path.isfile(path) for path in _paths(name, split, root))


def _paths(name: str, split: str, root: Path) -> list[Path]:
    """The image file and the label file of a data set."""
    raw, stem = root / SOURCES[name].folder / "raw", SPLITS[split]
    return [raw / f"{stem}-images-idx3-ubyte", raw / f"{stem}-labels-idx1-ubyte"]


_REMOVE = "remove the file and run again to download it, or point --data-root elsewhere"


def _idx(path: Path, data: bytes, dims: int) -> Tensor:
    """Decode an IDX file of unsigned bytes: 0, 0, 8, number of dimensions, sizes (big-endian), values."""
    if data[:4] != bytes((0, 0, 8, dims)):
        raise IntegrityError(f"{path} is no IDX file of {dims} dimensions", _REMOVE)
    start = 4 + 4 * dims
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    if len(data) != start + math.prod(shape):
        raise IntegrityError(f"{path} has {len(data)} bytes, its header says {start + math.prod(shape)}", _REMOVE)
    if not math.prod(shape):
        raise IntegrityError(f"{path} is empty", _REMOVE)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=start).view(shape)


def _warn_unknown(
    name: str, source: Source, raw: Path, paths: list[Path], digests: list[str], warn: Callable[[str], None]
) -> None:
    listed = (raw / SUMS).read_text().split() if os.path.isfile(raw / SUMS) else []
    files = [
        (p.name, d) for p, d in zip(paths, digests, strict=True) if d != source.known.get(p.name) and d not in listed
    ]
    if files:
        which = " and ".join(f"{file} (sha256 {digest[:12]}…)" for file, digest in files)
        warn(f"{name}: not a known copy, used as it is: {which}")


def _download(folder: str, root: Path) -> None:
    """Download through torchvision, which checks the archives' MD5; moved into place when whole."""
    remedy = f"connect to the network, or put the files into {root / folder / 'raw'}, or set --data-root / ZOO_DATA"
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{folder} is not in {root}, and ZOO_OFFLINE is set", remedy)
    temporary = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=root, prefix=".download-"))
        from torchvision import datasets

        getattr(datasets, folder)(str(temporary), download=True)
        raw = temporary / folder / "raw"
        files = [f for f in sorted(raw.iterdir()) if f.name.endswith("-ubyte")]
        (raw / SUMS).write_text("".join(f"{sha256(f.read_bytes())}  {f.name}\n" for f in files))
        (root / folder).mkdir(exist_ok=True)
        shutil.rmtree(root / folder / "raw", ignore_errors=True)
        os.replace(raw, root / folder / "raw")
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors; torchvision raises RuntimeError
        reason = " ".join(str(error).split())
        raise NetworkError(f"{folder} is not in {root} and cannot be downloaded: {reason}", remedy) from error
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def epoch_order(n: int, seed: int, epoch: int, device: torch.device | str = "cpu") -> Tensor:
    """The order of one epoch: a permutation that depends on nothing but its arguments.

    So a resumed run needs no memory of the past, and all processes of a run agree.

    Returns:
        int64 [n] on `device`.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.randperm(n, generator=generator).to(device)
