"""Decoding a supply into a spool, and what is said of images that cannot be used: which, why, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

from ...errors import UsageError, one_line, shortened
from .decoding import Levels
from .spool import Spool
from .supply import Entry, Supply

SMALLEST, LARGEST, USUAL = 8, 128, 64  # pixels a side that the networks take, and what is proposed beyond them
FEWEST = 10  # images of a class
SHOWN = 3  # culprits that an error names
BLOCK = 2048  # images that are decoded at a time

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Wish:
    """How images are to be prepared.

    Args:
        size: pixels a side of the square that is cropped and resized to; None leaves them as they are.
        skip_broken: leave out what cannot be read, and test images that are in the training part too.
    """

    size: int | None = None
    skip_broken: bool = False


@dataclass(frozen=True)
class Missing:
    """Entries that did not get into a spool.

    Args:
        broken: why, by part and name.
        twice: names of test images that training has.
    """

    broken: dict[tuple[str, str], str] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    def reasons(self) -> list[str]:
        """Names of what is broken, each with why."""
        return [one_line(f"{name} ({why})") for (_, name), why in self.broken.items()]

    def said(self) -> list[str]:
        """What is to be told of them, a line each."""
        told = {
            "left out, broken": self.reasons(),
            "left out of the test part, since training has them": self.twice,
        }
        return [f"{what}: {len(names):,} images: {shortened(names)}" for what, names in told.items() if names]


def fill(spool: Spool, supply: Supply, wish: Wish, pool: Executor, tell: Tell) -> Missing:
    """Write all images of a supply; what was left out.

    Raises:
        UsageError: some cannot be used, and are not to be left out; or they differ in size.
    """
    total, done = sum(map(len, supply.parts.values())), 0
    missing = Missing()
    learned: set[bytes] = set()  # digests of training images
    for part, entries in supply.parts.items():
        for block in _blocks(entries):
            for entry, levels in zip(block, pool.map(lambda entry: _levels(entry, wish.size), block), strict=True):
                if isinstance(levels, str):
                    missing.broken[part, entry.name] = levels
                    continue
                if (digest := spool.digest(levels)) in learned and part == "test":
                    missing.twice.append(one_line(entry.name))
                    continue
                if not spool.fits(levels):
                    raise _sizes_differ(supply, pool)
                _check_size(levels)
                spool.add(part, levels, entry.label)
                if part == "train":
                    learned.add(digest)
            done += len(block)
            tell(done, total)
    if not wish.skip_broken:
        _check_missing(missing, supply)
    if spool.shape is None:
        raise UsageError(f"no image can be read: {shortened(missing.reasons(), SHOWN) or 'there is none'}", "mend them")
    return missing


def _check_missing(missing: Missing, supply: Supply) -> None:
    """Whether every image was written.

    Raises:
        UsageError: some were not.
    """
    if missing.broken:
        counted = f"{len(missing.broken):,} of {sum(map(len, supply.parts.values())):,} images"
        raise UsageError(
            f"{counted} cannot be read: {shortened(missing.reasons(), SHOWN)}", "mend them, or --skip-broken"
        )
    if missing.twice and not supply.held_out:
        counted = f"{len(missing.twice):,} of {len(supply.parts['test']):,} images"
        raise UsageError(
            f"{counted} of the test part are in the training part, too: {shortened(missing.twice, SHOWN)}",
            "remove them from one part, or --skip-broken",
        )


def _blocks(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Entries, some at a time."""
    for start in range(0, len(entries), BLOCK):
        yield entries[start : start + BLOCK]


def _levels(entry: Entry, size: int | None) -> Levels | str:
    """An image's levels, or why there are none."""
    try:
        return entry.read(size)
    except ValueError as error:
        return str(error)


def _sizes_differ(supply: Supply, pool: Executor) -> UsageError:
    """The error for images of several sizes: which, and a size that would do."""
    entries = [entry for part in supply.parts.values() for entry in part]
    sizes = Counter(size for size in pool.map(_measured, entries) if size)
    common = ", ".join(f"{w} x {h} ({n:,})" for (w, h), n in sizes.most_common(SHOWN))
    rest = f" and {len(sizes) - SHOWN} other sizes" if len(sizes) > SHOWN else ""
    side = min(sizes.most_common(1)[0][0])
    return UsageError(f"the images are of several sizes: {common}{rest}", _cropped(side))


def _measured(entry: Entry) -> tuple[int, int] | None:
    """Width and height of an image that can be read."""
    try:
        return entry.measure()
    except ValueError:
        return None


def _cropped(side: int) -> str:
    """What to do with images of a side: a size that the networks take."""
    proposed = USUAL if side > LARGEST else max(SMALLEST, side)
    return f"--size {proposed} crops each to a square and resizes it; any size from {SMALLEST} to {LARGEST} will do"


def _check_size(levels: Levels) -> None:
    """Whether the networks can take images of this size.

    Raises:
        UsageError: they cannot.
    """
    h, w = levels.shape[:2]
    if min(h, w) < SMALLEST or max(h, w) > LARGEST:
        raise UsageError(
            f"the images have {w} x {h} pixels; from {SMALLEST} to {LARGEST} a side can be learned",
            _cropped(min(h, w)),
        )


def check_counts(name: str, supply: Supply, spool: Spool) -> None:
    """Whether every class has enough images, and some in each part.

    Raises:
        UsageError: one has not.
    """
    counts = {part: Counter(spool.labels.get(part, ())) for part in ("train", "test")}
    for label, of in enumerate(supply.classes or ("",)):
        what = f"the class '{of}' of {name}" if of else name
        if (n := sum(each[label] for each in counts.values())) < FEWEST:
            raise UsageError(f"{what} has {n} images; {FEWEST} is the least", "add some, or leave the class out")
        for part, each in counts.items():
            if not each[label]:
                raise UsageError(
                    f"{what} has no images in the {part} part; copies of an image are only in one of them",
                    "add other images, or leave the class out",
                )
