"""The half of a `Run` that a hook reads from: data sets, texts, files, other models. All of it goes into the record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint
from ..cards.images import OwnImage
from ..cards.options import Options
from ..data.declare import TextFields
from ..data.images import ImageData
from ..data.texts import TextData
from ..formats.schemas import Facts, check_written
from .inputs import Inputs
from .reporter import Reporter

if TYPE_CHECKING:
    from torch import Tensor, nn


class Reads:
    """What `Run` inherits: the circumstances know where data lies and what was read of it."""

    inputs: Inputs
    reporter: Reporter

    def dataset(self, name: str, split: str, augment: str = "none") -> ImageData:
        """A data set of images on the device, downloaded when missing.

        Args:
            name: of a declared data set, or of one of the user's own as it was prepared: ``photos@1a2b3c4d5e6f7081``.
            augment: what happens to its batches at random, see `OnImages`; for training images only.
        """
        return self.inputs.dataset(name, split, augment)

    def examples(self, name: str) -> ImageData:
        """Test images to show: of the data set, or, where it is not there, the hundred that come with the zoo."""
        return self.inputs.examples(name)

    def texts(self, name: str, split: str) -> TextData:
        """A data set of texts, fetched when missing."""
        return self.inputs.texts(name, split)

    def example_texts(self, name: str) -> TextData:
        """Test texts to show: of the data set, or, where it is not there, those that come with the zoo."""
        return self.inputs.example_texts(name)

    def own_texts(self, path: Path, fields: TextFields) -> TextData:
        """JSON lines of the user's own, of which `fields` says what is what."""
        return self.inputs.own_texts(path, fields)

    def own_images(self, images: Sequence[OwnImage], checkpoint: Checkpoint[Options], invert: bool = False) -> Tensor:
        """Images of the user's own, see `OfImages`, prepared as those were that a model learned.

        Upright, the middle of them, resized with antialiasing, grey or in colour: uint8 [n, c, h, w] on the device, of
        the checkpoint's shape. The user is told of each that is unlike the test images of the checkpoint's data.

        Args:
            invert: make what is light dark, and what is dark light.
        Raises:
            UsageError: one cannot be read, or is of another shape or range than images have.
        """
        return self.inputs.own_images(images, checkpoint, invert)

    def own(self, path: Path) -> Path:
        """A file of the user's own, from an option of type `Path`, in the zoo's cache: never changed, known by content.

        An option of a training that leads to a file is kept so already: this compares the copy with its hash, and puts
        it into the record of whatever reads it.

        Raises:
            UsageError: it cannot be read, or its copy is not on this machine.
            IntegrityError: the copy has changed.
        """
        return self.inputs.own(path)

    def note(self, **facts: Any) -> None:
        """Facts that weights need beside their tensors, such as a vocabulary: `Checkpoint.notes` has them ever after.

        To be called on every way through `train`, not only inside a loop, of which a resumed run skips a part.

        Args:
            facts: what JSON can say: texts, finite numbers, lists and dictionaries of these. Of a list of texts an
                option can ask for one: ``option(None, ..., known="speakers")``.
        Raises:
            UsageError: one of them is something else.
        """
        check_written(Facts, {"notes": {**self.inputs.notes, **facts}}, "what the training noted")
        self.inputs.notes |= facts

    def files(self, source: str, names: Sequence[str]) -> Path:
        """A folder with files, large weights maybe in shards: a local one, or ``org/name@COMMIT`` of the Hub."""
        return self.inputs.files(source, names)

    def warn(self, message: str) -> None:
        """Tell the user something, in one line."""
        self.reporter.warn(message)

    def load(self, name: str, data: ImageData | None = None) -> nn.Module:
        """Another model of the zoo with its pinned weights, or a run of the user's, on the device, in eval mode.

        So a plugin can be judged by a classifier without importing its package.

        Args:
            data: whose shape and classes it must have been trained on, if that matters.
        Raises:
            UsageError: it was trained on others.
        """
        return self.inputs.load(name, data)
