"""A colour data set to try things on: handwritten digits laid over photographs, 32 x 32, one folder a class.

Each digit of MNIST, enlarged to 32 x 32, inverts the colours of a patch of a photograph, as MNIST-M does (Ganin et al.
2016, https://arxiv.org/abs/1505.07818). The photographs are those that scikit-image ships; MNIST comes by the zoo.

    python examples/digits_on_photographs.py digits
    zoo train cgan --data digits
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from zoo_core.data.images import load
from zoo_core.run.environment import data_root

SIDE = 32
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


def photographs() -> list[NDArray[np.uint8]]:
    """The photographs at half their size, so that a patch of 32 x 32 shows something: each [h, w, 3]."""
    images = [Image.fromarray(getattr(skimage.data, name)()) for name in PHOTOGRAPHS]
    return [np.array(image.reduce(2)) for image in images]


def on_photograph(
    digit: NDArray[np.uint8], photograph: NDArray[np.uint8], random: np.random.Generator
) -> NDArray[np.uint8]:
    """A digit [28, 28] over a patch of a photograph [h, w, 3]: |patch - digit|, [32, 32, 3]."""
    top, left = (int(random.integers(side - SIDE)) for side in photograph.shape[:2])
    patch = photograph[top : top + SIDE, left : left + SIDE].astype(int)
    strokes = np.array(Image.fromarray(digit).resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(int)
    return np.abs(patch - strokes[..., None]).astype(np.uint8)


def write(folder: Path, train: int, test: int, root: Path) -> None:
    """Write so many images as ``FOLDER/{train,test}/DIGIT/NUMBER.png``; the same ones each time."""
    random, behind = np.random.default_rng(0), photographs()
    for part, n in (("train", train), ("test", test)):
        data = load("mnist", part, root)
        for number in range(min(n, len(data))):
            digit, label = data.images[number, 0].numpy(), int(data.labels[number])
            image = on_photograph(digit, behind[random.integers(len(behind))], random)
            place = folder / part / data.classes[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:05}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write digits on photographs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=20_000)
    parser.add_argument("--test", type=int, default=4_000)
    parser.add_argument("--data-root", type=Path, default=data_root())
    chosen = parser.parse_args()
    write(chosen.folder, chosen.train, chosen.test, chosen.data_root)
