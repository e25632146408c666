"""Mistakes in a face: importing it, the card, the options, and the functions that it names."""

from __future__ import annotations

from .plugin import Case, face, field, model, module, top

FACES: dict[str, Case] = {
    # -- importing the face
    "the face is no Python": top("def broken(:", "loads", "SyntaxError"),
    "the face raises": top("1 / 0", "loads", "ZeroDivisionError"),
    "the face exits": top("import sys; sys.exit(3)", "loads", "SystemExit"),
    "the face ends the process": top("import os; os._exit(0)", "face-alone", "it ends the process"),
    "the face prints": top("print('hello')", "face-quiet", "prints 'hello'"),
    "the face prints an error": top("import sys; print('oops', file=sys.stderr)", "face-quiet", "prints 'oops'"),
    "the face imports torch": top("import torch", "face-light", "imports torch"),
    "the face imports NumPy": top("import numpy as np", "face-light", "imports numpy"),
    "the face imports pictures": top("from PIL import Image", "face-light", "imports PIL"),
    "the face imports the Hub": top("import huggingface_hub", "face-light", "huggingface_hub"),
    "the face imports plots": top("import matplotlib", "face-light", "matplotlib"),
    "the face asks the network": top(
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "face-offline",
        "opens a connection when it is imported: 127.0.0.1",
    ),
    "the face asks the network in secret": top(
        "import socket\ntry:\n    socket.getaddrinfo('example.invalid', 80)\nexcept OSError:\n    pass\n",
        "face-offline",
        "opens a connection when it is imported: example.invalid",
    ),
    "the face starts a program": top(
        "import subprocess; subprocess.run(['true'])", "face-offline", "starts a program when it is imported: true"
    ),
    "the face sleeps": top("import time; time.sleep(3)", "face-prompt", "sleeps when it is imported: 3 s"),
    # -- the card
    "no plugin where the entry point says": face("\nplugin = ", "\nplugni = ", "loads", "has no attribute 'plugin'"),
    "an argument that Plugin has not": face("model=", "modle=", "loads", "modle"),
    "a field that a card has not": face("summary=", "sumary=", "loads", "sumary"),
    "a card of another name": face('name="pixels"', 'name="pixel"', "loads", "its card is named 'pixel'"),
    "a summary of two lines": face("images of noise", "images\\nof noise", "loads", "summary must be one line"),
    "an idea that steers the terminal": face("the mean image", "the \\x1b[31mimage", "loads", "control characters"),
    "no summary": face('summary="A network that makes images of noise"', 'summary=""', "card-complete", "'summary'"),
    "no idea": face('"It learns the mean image."', '""', "card-complete", "'idea'"),
    "no paper": face('paper="none"', 'paper=""', "card-complete", "'paper'"),
    "no licence": face('licence="MIT"', 'licence=""', "card-complete", "'licence'"),
    "no summary of a preset": face('"16 wide"', '""', "card-complete", "the preset 'small'"),
    "a direction that is none": face('"lower"', '"less"', "loads", "better must be 'lower', 'higher' or empty"),
    "negative decimals": face('"lower")', '"lower", -1)', "loads", "decimals must be 0 to 17"),
    "a metric twice": face('"lower"),)', '"lower"), Metric("nll", "again"))', "loads", "name one twice"),
    "data sets as a text": face('datasets=("mnist",)', 'datasets="mnist"', "loads", "datasets must be a tuple"),
    "a preset with a blank": face('"wide": Preset', '"very wide": Preset', "loads", "'very wide' is no name"),
    "a preset with a dot": face('"wide": Preset', '"v1.5": Preset', "preset-names", "the preset 'v1.5' has a dot"),
    "a default preset that is none": face(
        "    sample_options", "    default_preset='big',\n    sample_options", "loads", "does not exist: 'big'"
    ),
    "presets of other options": face("Preset(Train(hidden=64)", "Preset(Budget()", "loads", "must be Train"),
    "presets of nearly the same options": Case(
        (
            ("face", "\nCARD = Card(", "\nclass Wide(Train):\n    pass\n\n\nCARD = Card("),
            ("face", "Preset(Train(hidden=64)", "Preset(Wide(hidden=64)"),
        ),
        "preset-options",
        "options of different classes: Train, Wide",
    ),
    "an unknown metric published": face(
        '{"nll": 100.0}', '{"elbo": 100.0}', "published-metrics", "a published figure of 'elbo'"
    ),
    "a published figure that is a text": face('{"nll": 100.0}', '{"nll": "100"}', "loads", "must be a finite number"),
    "tiny options that there are not": face('"batch_size": 32', '"batchsize": 32', "tiny", "no option '--batchsize'"),
    "tiny options out of range": face('"iterations": 4', '"iterations": 0', "tiny", "--iterations 0"),
    "tiny options of another type": face('"iterations": 4', '"iterations": "four"', "tiny", "--iterations four"),
    # -- options
    "an option o": field('o: int = option(1, "one")', "option-names", "option -o", "Sample"),
    "an option h": field('h: int = option(1, "one")', "option-names", "option -h"),
    "an option help": field('help: int = option(1, "one")', "option-names", "option --help"),
    "an option seed": field('seed: int = option(1, "one")', "option-names", "option --seed"),
    "an option weights": field('weights: int = option(1, "one")', "option-names", "option --weights", "Sample"),
    "an option preview": field('preview: int = option(1, "one")', "option-names", "option --preview", "Sample"),
    "an option json": field('json: int = option(1, "one")', "option-names", "option --json"),
    "an option output": field('output: int = option(1, "one")', "option-names", "option --output"),
    "twins": field(
        'a_b: int = option(1, "one")\n    a_b_: int = option(1, "one")', "option-twins", "two options --a-b"
    ),
    "an option without help": field('depth: int = option(1, "")', "option-help", "option --depth of train has no help"),
    "an option that is no option": field(
        "depth: int = 1", "option-help", "option --depth of sample has no help", "Sample"
    ),
    "an option that no flag can say": field(
        'd: dict[str, int] = option({}, "one")', "loads", "which no flag can express"
    ),
    "an option that must be given": field("depth: int", "loads", "option 'depth' must have a default", "Sample"),
    "a default out of range": face(
        "option(4,", "option(0,", "option-defaults", "zoo sample pixels needs more than its name"
    ),
    "options that take anything": field(
        'model_config = {"extra": "allow"}', "option-strict", "accept unknown names", "Sample"
    ),
    # -- functions of the model
    "no model": face('".model"', '".nowhere"', "hooks", "No module named"),
    "a model that cannot be imported": model("\nZ = 4", "\nimport no_such_library", "hooks", "no_such_library"),
    "a model that exits": model("\nZ = 4", "\nraise SystemExit(3)", "hooks", "SystemExit"),
    "a misspelled train": model("def train(", "def trian(", "hooks", "has no function 'train'"),
    "a misspelled sample": model("def sample(", "def smaple(", "hooks", "has no function 'sample'"),
    "a misspelled build": model("def build(", "def biuld(", "hooks", "has no function 'build'"),
    "a parameter of another name": model(
        "def train(run, options)", "def train(run, opts)", "hooks", "train takes 'opts'"
    ),
    "a parameter with a default": model(
        "def evaluate(run, checkpoint)", "def evaluate(run, checkpoint, heat=1.0)", "hooks", "takes 'heat'"
    ),
    "a hook misspelled": module("def train(run", "def trian(run", "loads", "trian"),
    "a hook undecorated": module("@hookimpl\ndef evaluate", "def evaluate", "loads", "the hook 'evaluate'"),
    "a hook with a default": module(
        "def train(run, options)", "def train(run, options=None)", "loads", "'options' of its hook"
    ),
}
