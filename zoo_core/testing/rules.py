"""The rules that a plugin keeps, in the order in which they are looked at: each with a short name that stays.

What a rule demands is said as a sentence about the plugin; the remedy is what its author does about a broken one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Theme = Literal["face", "options", "training", "build", "evaluation", "samples", "manners"]


@dataclass(frozen=True)
class Rule:
    """A rule.

    Args:
        theme: what it is about.
        demand: what it asks for, in one line.
        remedy: what to do where it is broken.
    """

    theme: Theme
    demand: str
    remedy: str


_HOOKS = "import it inside the functions of the model, which are called when they are needed"
_SEED = "draw with torch's, Python's or NumPy's own random numbers, which the zoo seeds, and keep nothing in globals"

RULES: Mapping[str, Rule] = {
    "face-light": Rule("face", "the face imports no slow library", _HOOKS),
    "face-offline": Rule("face", "the face opens no connection and starts no program", _HOOKS),
    "face-prompt": Rule("face", "the face does not wait", "leave out time.sleep: every `zoo list` would wait for it"),
    "face-alone": Rule("face", "the face can be imported on its own", "mend what is said; python -c 'import ...'"),
    "face-quiet": Rule("face", "the face prints nothing", "leave it out: --json prints JSON and nothing else"),
    "loads": Rule("face", "hooks and card are what the zoo can use", "mend what is said; zoo_core/plugin/hookspecs.py"),
    "card-complete": Rule("face", "the card says what the model is", "write it; users see it in `zoo info`"),
    "preset-names": Rule("face", "presets have names that can be typed", "use letters, digits, '-' and '_'"),
    "preset-options": Rule("face", "all presets have options of one class", "make them all of one class"),
    "published-metrics": Rule("face", "published figures are of known metrics", "correct the name, or add the metric"),
    "tiny": Rule("face", "Card.tiny are training options", "name fields of the training options, with values in range"),
    "hooks": Rule("face", "the model has its four functions", "write build, train, sample, evaluate; see hookspecs.py"),
    "option-names": Rule("options", "no option has a name of the core's", "rename the field"),
    "option-twins": Rule("options", "no two options are one flag", "rename one of the fields"),
    "option-help": Rule("options", "each option says what it does", "option(default, 'what it does')"),
    "option-strict": Rule("options", "unknown options are refused", "leave model_config as zoo_core.Options has it"),
    "option-defaults": Rule("options", "sample and evaluate need no option", "give each option a valid default"),
    "trains": Rule("training", "train goes through with Card.tiny", "mend what is said; zoo --debug train shows where"),
    "tensors": Rule("training", "train returns tensors by name", "return module.state_dict(), or tensors by name"),
    "finite-weights": Rule("training", "trained weights are numbers", "look at loss and learning rate"),
    "seeded-weights": Rule("training", "one seed gives one set of weights", _SEED),
    "resumable": Rule("training", "a training can be resumed", "loop over run.steps(data, options)"),
    "resume": Rule("training", "a resumed training ends as an unbroken one",
                   "give run.prepare everything that changes from step to step: averages, counters, generators"),
    "rereads": Rule("training", "weights and options can be read again as they were written",
                    "let no validator change a value that it has made itself"),
    "card-datasets": Rule("training", "the card names the data sets that are read", "add them to Card.datasets"),
    "train-data": Rule("training", "what is learned does not come from test data", "read the part 'train'"),
    "build": Rule("build", "build makes a module of what train returned", "return checkpoint.fill(module)"),
    "untrained-build": Rule("build", "build makes a module of each preset without weights",
                            "let checkpoint.fill see to the tensors: checkpoint.tensors is None of an untrained model"),
    "strict-build": Rule("build", "weights that do not fit are refused", "fill the module with checkpoint.fill"),
    "build-options": Rule("build", "build heeds the options that shape the weights",
                          "make the module of checkpoint.options, as train makes it of its options"),
    "export": Rule("build", "what export gives computes the same as ONNX, for any number of items",
                   "compute the output from the inputs alone, with torch's functions; see zoo_core.Export"),
    "metrics": Rule("evaluation", "evaluate gives a number for each metric of the card",
                    "return {name: number} with the names of Card.metrics"),
    "seeded-metrics": Rule("evaluation", "the same weights and seed give the same numbers",
                           f"a metric must not be a timing: leave it out, run.json has the seconds; else {_SEED}"),
    "recorded-metrics": Rule("evaluation", "a file gives the numbers that its run recorded",
                             "take everything from the checkpoint, and nothing from what train left in globals"),
    "metrics-weights": Rule("evaluation", "other weights give other numbers", "measure build(checkpoint)"),
    "test-data": Rule("evaluation", "what is measured depends on test data", "read the part 'test'"),
    "samples": Rule("samples", "sample gives a result that can be shown", "mend what is said; zoo --debug sample"),
    "seeded-samples": Rule("samples", "one seed gives one result", _SEED),
    "samples-seed": Rule("samples", "another seed gives another result", "draw random numbers; do not seed them"),
    "samples-n": Rule("samples", "-n says how many", "use options.n"),
    "samples-weights": Rule("samples", "other weights give another result", "draw from build(checkpoint)"),
    "quiet": Rule("manners", "the hooks print nothing", "use run.warn, run.log or run.track: --json stays JSON"),
    "process": Rule("manners", "the hooks leave the process as it was", "undo what is set for all, or leave it out"),
    "tidy": Rule("manners", "the hooks write into the run folder alone", "use run.show or run.keep"),
}  # fmt: skip
