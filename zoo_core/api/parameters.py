"""The flags of the verbs that belong to no model, as data: the command line and the contract of plugins read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A flag that belongs to a verb.

    Args:
        names: ``--seed``, ``-o``; a word without dashes is the name of its value in Python.
        help: one line.
        type: of the value; bool is a switch.
        default: the value when nothing is said.
        metavar: what the help calls its value.
        least: the smallest number allowed.
        many: it may be given several times.
    """

    names: tuple[str, ...]
    help: str
    type: type = str
    default: Any = None
    metavar: str | None = None
    least: float | None = None
    many: bool = False

    @property
    def field(self) -> str:
        """The name of its value in Python."""
        return next((name for name in self.names if not name.startswith("-")), self.names[-1].lstrip("-")).replace(
            "-", "_"
        )

    def words(self) -> set[str]:
        """Every name that an option of a model may not have, as Python spells it."""
        spelled = {part for name in self.names for part in name.split("/")}
        return {name.lstrip("-").replace("-", "_") for name in spelled}


JSON = Parameter(("--json", "as_json"), "Print JSON on standard output and nothing else.", bool, False)
DEBUG = Parameter(("--debug",), "Show the traceback of an error.", bool, False)
HELP = Parameter(("-h", "--help"), "Show this message and exit.", bool, False)
_CIRCUMSTANCES = (
    Parameter(("--seed",), "Covers weights, data order, noise, sampling.", int, 0),
    Parameter(("--device",), "auto, cpu, cuda, cuda:N or mps.", str, "auto", "DEVICE"),
    Parameter(("--data-root",), "Where data sets lie.  [ZOO_DATA, else a cache folder]", Path),
    JSON,
    DEBUG,
)
_WEIGHTS = (
    Parameter(("--preset",), "Whose pinned weights to use; MODEL.NAME says the same.", metavar="NAME"),
    Parameter(("--weights",), "A weights file, a run folder or ORG/NAME@COMMIT instead (not pinned).", Path),
    Parameter(("--untrained",), "Fresh random weights instead of trained ones.", bool, False),
)
_TRAINED = (
    Parameter(("--seed",), "Covers weights, data order, noise.  [0, or that of the run]", int),
    *(one for one in _CIRCUMSTANCES if one.names != ("--seed",)),
)
TRAIN = (
    Parameter(("--preset",), "Starting values of the options; MODEL.NAME says the same.", metavar="NAME"),
    Parameter(("--from", "file"), "TOML file of options: above the preset, below the flags.", Path),
    Parameter(("--continue", "continue_"), "Weights to go on from: a run, a file, pinned ones, ORG/NAME@COMMIT.", Path),
    Parameter(("-o", "--output"), "Run folder.  [runs/MODEL.PRESET-seedN, named after other options, too]", Path),
    Parameter(("--resume",), "Continue an unfinished run, to the same end: zoo train --resume RUN.", bool, False),
    Parameter(("--overwrite",), "Replace the run that is there.", bool, False),
    Parameter(("--precision",), "Arithmetic of the networks.  [fp32]", str, None, "fp32|tf32|bf16|fp16"),
    Parameter(("--compile",), "Compile the networks first; pays off in long runs.", bool, False),
    Parameter(("--deterministic",), "On a GPU, the same command gives the same bits, or an error.", bool, False),
    Parameter(("--save-every",), "Seconds between two states.", float, 60.0, least=0),
    Parameter(("--save-steps",), "Steps between two states instead.", int, 0, least=0),
    Parameter(("--no-evaluate",), "End with the weights; --resume measures them.", bool, False),
    Parameter(("--evaluate-quick",), "Measure on a small part of the test data.", bool, False),
    Parameter(("--track",), "An observer of the training: tensorboard, trackio.", metavar="NAME...", many=True),
    *_TRAINED,
)
_OF_A_RUN = ("resume", "overwrite", "save_every", "save_steps", "track")  # what a plan has no use for
PLAN = tuple(flag for flag in TRAIN if flag.field not in _OF_A_RUN)
SAMPLE = (
    *_WEIGHTS,
    Parameter(
        ("-o", "--output"),
        "File to write, in the format of its suffix: .png .jpg .webp .gif .npz .safetensors .wav .jsonl .csv .txt; "
        "FOLDER/ for a file of each item; - for standard output.  [MODEL-SEED, numbered if taken; texts: none]",
        metavar="PATH",
    ),
    Parameter(("--overwrite",), "Replace the file that is there.", bool, False),
    Parameter(("--preview/--no-preview",), "Show a small preview in the terminal.", bool, True),
    *_CIRCUMSTANCES,
)
REPLAY = (  # of `zoo sample` itself
    Parameter(("--replay",), "Draw again what this file holds, and say whether it is the same.", Path, metavar="FILE"),
    Parameter(("--weights",), "With --replay: where its weights are, if neither pinned nor in runs/.", Path),
    Parameter(("-o", "--output"), "With --replay: where to write what is drawn; nowhere if not said.", metavar="PATH"),
    Parameter(("--overwrite",), "Replace the file that is there.", bool, False),
    Parameter(("--device",), "With --replay: another device than the file names.", metavar="DEVICE"),
    Parameter(("--data-root",), "Where data sets lie.  [ZOO_DATA, else a cache folder]", Path),
    JSON,
    DEBUG,
)
EVALUATE = (
    *_WEIGHTS,
    Parameter(("--pictures",), "Folder for the tables and pictures of the numbers; numbered if taken.", Path),
    Parameter(("--overwrite",), "Replace the tables and pictures that are there.", bool, False),
    *_CIRCUMSTANCES,
)
VERBS = {"train": TRAIN, "sample": SAMPLE, "evaluate": EVALUATE}
