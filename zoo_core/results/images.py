"""Images, as most models draw them: shown as a grid, saved as one, or one by one; walks among them move."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import PluginError
from . import encoding, html
from .kinds import Picture, Table, check_texts
from .saving import Part

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

MOVING = (".gif", ".webp")  # files that can move
FRAME = 120  # milliseconds of a step of a walk
END = 600  # of its ends


@dataclass(frozen=True, repr=False)
class Images(Picture):
    """Pictures, as `sample` returns them; ``images[0]`` and ``images[2:5]`` are some of them.

    Args:
        pixels: float [n, c, h, w] in [0, 1] on the CPU; c is 1 (grey) or 3 (RGB).
        captions: one per image, or none at all.
        columns: images per row of the grid; None makes it nearly square.
        table: what else is known of them, which a terminal and ``--json`` can say.
        right: of answers, one per image: whether it is right; its caption has the colour of that.
        walk: whether each row is a walk, step by step: as GIF or WebP it moves.
        plane: of a grid that is decoded from a rectangle of a latent plane its ends, (left, low) and (right, high): the
            first image is of (left, high), the last of (right, low). A page can then be clicked in.
    Raises:
        PluginError: wrong shape, type or range, or values that are not finite.
    """

    pixels: Tensor
    captions: tuple[str, ...] = ()
    columns: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    table: Table | None = None
    right: tuple[bool, ...] = ()
    walk: bool = False
    plane: tuple[tuple[float, float], tuple[float, float]] | None = None
    suffixes: ClassVar[tuple[str, ...]] = (*Picture.suffixes, ".npz", ".safetensors")

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 4 or p.shape[1] not in (1, 3) or not p.shape[0] or not p.is_floating_point():
            raise PluginError(f"images must be float [n, 1 or 3, h, w], not {p.dtype} {list(p.shape)}")
        if not bool(p.isfinite().all()) or float(p.min()) < 0 or float(p.max()) > 1:
            raise PluginError(f"pixels must be finite and in [0, 1], not {float(p.min()):g} to {float(p.max()):g}")
        for name, extra in (("captions", self.captions), ("answers", self.right)):
            if extra and len(extra) != len(p):
                raise PluginError(f"{len(extra)} {name} for {len(p)} images")
        if self.walk and (not self.columns or len(p) % self.columns):
            raise PluginError("the rows of a walk must be full: say how many columns it has")
        check_texts("captions", self.captions)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, which: int | slice) -> Images:
        """Some of the images, which say of themselves which they are."""
        numbers = [range(len(self))[which]] if isinstance(which, int) else list(range(len(self)))[which]
        if not numbers:
            raise IndexError(f"there are {len(self)} images, and none of them is in {which}")
        return self.taken(numbers)

    def __iter__(self) -> Iterator[Images]:
        return (self.taken([number]) for number in range(len(self)))

    def taken(self, numbers: Sequence[int]) -> Images:
        """The images of these numbers."""
        before = self.provenance.get("part") or list(range(len(self)))
        about = {**self.provenance, "part": [before[i] for i in numbers]} if self.provenance else {}
        return dataclasses.replace(
            self, pixels=self.pixels[list(numbers)], captions=tuple(self.captions[i] for i in numbers if self.captions),
            right=tuple(self.right[i] for i in numbers if self.right), provenance=about, table=None, walk=False,
            plane=None,
        )  # fmt: skip

    def draw(self) -> Image:
        """The images in a grid, with their captions."""
        from .pictures import draw_images

        return draw_images(self.pixels, self.captions, self.columns, self.right)

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`: the grid; a walk as a film; or the images themselves as arrays."""
        if suffix in (".npz", ".safetensors"):
            write = encoding.npz_bytes if suffix == ".npz" else encoding.tensor_bytes
            return write(self._arrays(), self.provenance)
        if not self.walk or suffix not in MOVING:
            return super().encoded(suffix)
        from .pictures import of_one_size

        frames = of_one_size([frame.draw() for frame in self.steps()])
        there_and_back = [*frames, *frames[-2:0:-1]]
        times = [END if number in (0, len(frames) - 1) else FRAME for number in range(len(there_and_back))]
        return encoding.film_bytes(there_and_back, times, suffix, self.provenance)

    def _arrays(self) -> dict[str, Any]:
        """The images as NumPy has them: ``images`` float32 [n, c, h, w], and captions and answers where there are."""
        import numpy as np

        more = {"right": np.array(self.right)} if self.right else {}
        texts = {"captions": np.array(self.captions)} if self.captions else {}
        return {"images": self.pixels.float().contiguous().numpy(), **more, **texts}

    def steps(self) -> Iterator[Images]:
        """A walk as its steps, each with one image of every row."""
        columns = self.columns or 1
        for step in range(columns):
            yield self.taken(range(step, len(self), columns)).without_columns()

    def without_columns(self) -> Images:
        """The same in a grid that is nearly square."""
        return dataclasses.replace(self, columns=None)

    def tile(self, number: int) -> Tile:
        """One of the images alone, pixel for pixel and without a caption."""
        return Tile(self.pixels[number], {**self.provenance, "tile": number} if self.provenance else {})

    def parts(self) -> Iterator[Part]:
        """See `Saved`: a PNG of each image, named by its caption and its number."""
        for number in range(len(self)):
            caption = self.captions[number] if self.captions else ""
            about = {"caption": caption} if caption else {}
            right = {"right": self.right[number]} if self.right else {}
            yield f"{_stem(caption)}-{number:04}.png", self.tile(number).png(), {"number": number, **about, **right}

    def extent(self) -> str:
        """See `Saved`."""
        return f"{len(self)} image{'' if len(self) == 1 else 's'}"

    def _repr_html_(self) -> str:
        if not self.walk:
            return super()._repr_html_()
        return html.picture(self.encoded(".gif"), "image/gif", repr(self))


@dataclass(frozen=True, repr=False)
class Tile(Picture):
    """One image as it is: a pixel is a pixel.

    Args:
        pixels: float [c, h, w] in [0, 1].
    """

    pixels: Tensor
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def draw(self) -> Image:
        """The image."""
        from .pictures import tiles

        return tiles(self.pixels[None])[0]

    def extent(self) -> str:
        """See `Saved`."""
        return "1 image"


def _stem(caption: str) -> str:
    """A name that a caption makes: its first line in letters that any file may have."""
    first = caption.partition("\n")[0]
    words = "".join(letter if letter.isalnum() else " " for letter in first).split()
    return "-".join(words)[:40] or "image"
