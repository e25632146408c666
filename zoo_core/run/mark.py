"""What a run folder says of itself, in ``.zoo-run``, and where in it files may lie."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .. import files, formats
from ..errors import IntegrityError, UsageError
from ..files import write_json
from ..formats import schemas

MARK, LOCK = ".zoo-run", ".zoo-run.lock"  # what says that a folder is a run of the zoo, and whose it is now
FIGURES, STAGES, TRACKS = "figures", "stages", "tracks"  # folders of pictures, weights of stages, what observers write
HISTORY = "history.csv"  # what was logged at which step
UNMARKED = "remove that file, and the run is known by its other files; or choose another --output"


def read(folder: Path) -> schemas.Mark:
    """What a folder says of itself; nothing where it is not marked.

    Raises:
        IntegrityError: it says what cannot be.
    """
    path = folder / MARK
    if not os.path.isfile(path):
        return schemas.Mark()
    try:
        said = json.loads(files.read_text(path))
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{path} is damaged: {error}", UNMARKED) from error
    return schemas.fitted(schemas.Mark, said, str(path), UNMARKED)


def write(folder: Path, mark: schemas.Mark) -> None:
    """Mark a folder."""
    write_json(folder / MARK, {**formats.MARK.stamp(), **mark.model_dump(exclude={"format"})})


def is_inside(folder: Path, name: str) -> bool:
    """Whether a file that a mark lists is one in this folder, and not behind a link."""
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())


def check_inside(folder: Path, name: str) -> None:
    """Whether a file of the run lies in the folder, and not behind a link, which somebody else has laid.

    Raises:
        UsageError: it does not.
    """
    if os.path.islink(folder / name) or not is_inside(folder, name):
        raise UsageError(f"{folder / name} is a link; it is not followed", "choose another --output")


def move(path: Path, target: Path) -> None:
    """Move a file, where there is one, into a folder that is made for it; what lies there already makes room."""
    if os.path.lexists(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            os.replace(target, free_name(target))
        os.replace(path, target)


def free_name(path: Path) -> Path:
    """The next name beside a path that nothing has: ``curves-1.png``."""
    number = 1
    while os.path.lexists(free := path.with_name(f"{path.stem}-{number}{path.suffix}")):
        number += 1
    return free
