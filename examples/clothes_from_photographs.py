"""A colour data set to try things on: clothes cut from photographs, 32 x 32, one folder a class.

Each article of Fashion-MNIST is the shape, and the light and shade, of what is cut out of a photograph, and lies on
white. The photographs are those that scikit-image ships; Fashion-MNIST comes by the zoo.

    python examples/clothes_from_photographs.py clothes
    zoo train cgan --data clothes
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from zoo_core import ZooError
from zoo_core.data.images import load
from zoo_core.run.environment import data_root

SIDE = 32
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
EDGE = 48  # level from which on an article hides what is behind it

Levels = NDArray[np.uint8]


def photographs() -> list[Levels]:
    """The photographs at half their size, so that a patch of 32 x 32 shows something: each [h, w, 3]."""
    images = [Image.fromarray(getattr(skimage.data, name)()) for name in PHOTOGRAPHS]
    return [np.array(image.reduce(2)) for image in images]


def cut(article: Levels, photograph: Levels, random: np.random.Generator) -> Levels:
    """An article [28, 28], cut from a patch of a photograph [h, w, 3], on white: [32, 32, 3]."""
    top, left = (int(random.integers(side - SIDE)) for side in photograph.shape[:2])
    cloth = photograph[top : top + SIDE, left : left + SIDE].astype(float)
    shape = np.pad(article, (SIDE - len(article)) // 2).astype(float)[..., None]
    hides = np.minimum(1, shape / EDGE)
    shaded = cloth * (0.4 + 0.6 * shape / 255)
    return (hides * shaded + (1 - hides) * 255).round().astype(np.uint8)


def write(folder: Path, train: int, test: int, root: Path) -> None:
    """Write so many images as ``FOLDER/{train,test}/CLASS/NUMBER.png``; the same ones each time."""
    random, patches = np.random.default_rng(0), photographs()
    for part, n in (("train", train), ("test", test)):
        data = load("fashion-mnist", part, root)
        for number in range(min(n, len(data))):
            article, name = data.images[number, 0].numpy(), data.classes[int(data.labels[number])]
            image = cut(article, patches[random.integers(len(patches))], random)
            place = folder / part / name.replace("/", " or ")
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:05}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write clothes cut from photographs.")
    parser.add_argument("folder", type=Path, help="where to")
    parser.add_argument("--train", type=int, default=20_000, help="images to learn, at most")
    parser.add_argument("--test", type=int, default=4_000, help="images to be tested on, at most")
    parser.add_argument("--data-root", type=Path, default=data_root(), help="where Fashion-MNIST lies, or is put")
    chosen = parser.parse_args()
    try:
        write(chosen.folder, chosen.train, chosen.test, chosen.data_root)
    except ZooError as error:
        parser.exit(error.exit_code, f"error: {error.message}\n  next: {error.hint}\n")
