"""Odd things that authors may do."""

from __future__ import annotations

from test_plugins import FACE as TEMPLATE
from test_plugins import GOOD, changed
from test_plugins import MODEL as PIXELS

from zoo_core.files import sha256

from .plugin import CLOSED, DATA, DRAWN, EXPORT, FILL, LOG, MEASURED, PREPARE, RETURN, Case

TWO_LOOPS = """    frozen = Net(options)
    run.prepare(frozen=frozen)
    for step in run.steps(data, options):
        if step.number == 0:
            frozen.load_state_dict(net.state_dict())
        run.descend((net(torch.ones(1, Z)) - frozen(torch.ones(1, Z)).detach() + 1).square().sum(), adam)
        average.update(net)
"""
NEWER = "from zoo_core.packages import handshake\nhandshake.APIS = ('0.2', '0.3')\n"

LEGAL: dict[str, Case] = {
    "nothing odd": Case(()),
    "the template": Case((("face", "", TEMPLATE), ("model", "", PIXELS))),
    "a plugin that is a module": Case((("face", "", GOOD), ("model", "", PIXELS))),
    "an export": Case((("model", FILL, FILL + EXPORT.format("")),)),
    "no data set": Case(
        (
            ("face", '    datasets=("mnist",),\n', ""),
            ("model", DATA, "    data = range(200)\n"),
            ("model", "data.pixels(step.rows)", "torch.ones(len(step.rows), 1, 28, 28)"),
            ("model", 'run.dataset("mnist", "test").pixels()', "torch.ones(20, 1, 28, 28)"),
        )
    ),
    "an infinite mask": Case(
        (
            (
                "model",
                "nn.Linear(options.hidden, 784))\n",
                "nn.Linear(options.hidden, 784))\n"
                "        self.register_buffer('mask', torch.full((2,), float('-inf')))\n",
            ),
            ("model", "self.values[name].lerp_(tensor, 0.1)", "self.values[name] = tensor.detach().clone()"),
        )
    ),
    "weights that do not lie in order": Case(
        (
            (
                "model",
                RETURN,
                "    return {k: v.mT.contiguous().mT if v.ndim > 1 else v for k, v in average.values.items()}\n",
            ),
        )
    ),
    "parameters instead of tensors": Case((("model", RETURN, "    return dict(net.named_parameters())\n"),)),
    "tied weights saved as clones": Case(
        (
            (
                "model",
                "nn.Linear(options.hidden, 784))\n",
                "nn.Linear(options.hidden, 784))\n        self.same = self.body[2]\n",
            ),
        )
    ),
    "random numbers of Python and NumPy": Case(
        (
            (
                "model",
                PREPARE,
                "    import random\n    import numpy as np\n"
                f"    net.body[0].bias.data += random.random() + float(np.random.rand())\n{PREPARE}",
            ),
            ("model", LOG, f"        average.values['body.0.bias'] += random.random()\n{LOG}"),
        )
    ),
    "a state of everything": Case(
        (
            (
                "model",
                "    def state_dict(self):\n        return dict(self.values)\n",
                "    def state_dict(self):\n        import numpy as np\n"
                "        return {'values': self.values, 'odd': (np.arange(3), {1, 2}, b'bytes', (1, (2,)), None)}\n",
            ),
            ("model", "in state.items()}", "in state['values'].items()}"),
        )
    ),
    "metrics that are tensors": Case((("model", MEASURED, changed(changed(MEASURED, "float(", ""), ")}", "}")),)),
    "an infinite metric": Case(
        (
            ("face", '"lower"),)', '"lower"), Metric("bound", "what nobody has reached"))'),
            ("model", MEASURED, changed(MEASURED, "}", ", 'bound': float('inf')}")),
        )
    ),
    "options with None, and of words": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "class Train(Budget):\n    decay: float | None = option(None, 'weight decay', ge=0)\n"
                "    kind: Literal['a', 'b'] | None = option(None, 'nothing')\n",
            ),
        )
    ),
    "an option that nothing heeds": Case(
        (("face", "class Train(Budget):\n", "class Train(Budget):\n    spare: int = option(3, 'nothing', ge=1)\n"),)
    ),
    "a helper of its own width": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "class Train(Budget):\n    critic: int = option(3, 'width of the critic', ge=1)\n",
            ),
            ("model", PREPARE, f"    run.prepare(critic=nn.Linear(2, options.critic))\n{PREPARE}"),
        )
    ),
    "test data shown, not drawn": Case(
        (
            (
                "model",
                DRAWN,
                "    x = run.examples('mnist').pixels()[: options.n]\n"
                "    sums = build(checkpoint)(torch.ones(len(x), Z)).sum((1, 2, 3))\n"
                "    return Images(x, tuple(f'{float(one):.3f}' for one in sums))\n",
            ),
        )
    ),
    "a table that is computed": Case(
        (
            ("face", "    sample_options=Sample,\n", ""),
            ("model", "from . import Sample, Train\n", ""),
            (
                "model",
                DRAWN,
                "    from zoo_core import Table\n"
                "    return Table(('mean',), ((float(build(checkpoint).body[0].weight.mean()),),))\n",
            ),
        )
    ),
    "lists and enums": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "from enum import Enum\n\nKind = Enum('Kind', {'A': 'a', 'B': 'b'})\n\n\n"
                "class Train(Budget):\n    kind: Kind = option(Kind.A, 'an enum')\n"
                "    sizes: tuple[int, ...] = option((1, 2), 'several')\n",
            ),
        )
    ),
    "several results of all kinds": Case(
        (
            (
                "model",
                DRAWN,
                "    from zoo_core import Animation, Audio, Several\n"
                "    x = build(checkpoint)(torch.randn(options.n, Z)).sigmoid()\n"
                "    sound = Audio(x.flatten()[None] * 2 - 1, 8000)\n"
                "    film = Animation(tuple(Images(one[None]) for one in x))\n"
                "    return Several({'film': film, 'sound': sound, 'images': Images(x)})\n",
            ),
        )
    ),
    "metrics with an error, or absent": Case(
        (
            ("face", '"lower"),)', '"lower"), Metric("bound", "what takes too long"))'),
            (
                "model",
                MEASURED,
                "    from zoo_core import Measured\n"
                + changed(
                    changed(MEASURED, "float(", "Measured(float("), "}", ", 0.5), 'bound': Measured(None, why='no')}"
                ),
            ),
        )
    ),
    "an average of the zoo's": Case(
        (
            ("model", "    average = Average(net)\n", ""),
            ("model", ", average=average)\n", ")\n    average = run.averaged(net, 0.9)\n"),
            ("model", "        average.update(net)\n", ""),
            ("model", RETURN, "    return average.module.state_dict()\n"),
        )
    ),
    "a loop without data": Case(
        (
            ("face", '    datasets=("mnist",),\n', ""),
            ("model", DATA, ""),
            ("model", "run.steps(data, options)", "run.steps(None, options)"),
            ("model", "data.pixels(step.rows)", "torch.rand(32, 1, 28, 28)"),
            ("model", 'run.dataset("mnist", "test").pixels()', "torch.ones(20, 1, 28, 28)"),
        )
    ),
    "a file for a moment": Case(
        (
            (
                "model",
                DATA,
                f"{DATA}    import tempfile\n    with tempfile.TemporaryFile() as file:\n        file.write(b'x')\n",
            ),
        )
    ),
    "a warning": Case(
        (
            (
                "model",
                DATA,
                f"{DATA}    import warnings, logging\n    warnings.warn('beware')\n"
                "    logging.getLogger('odd').warning('beware')\n",
            ),
        )
    ),
    "a run that looks at its test data": Case(
        (
            (
                "model",
                LOG,
                f"{LOG}        with torch.no_grad(), run.seeded():\n"
                "            loss_of(net, run.dataset('mnist', 'test').pixels())\n",
            ),
        )
    ),
    "libraries of the face that are light": Case(
        (("face", "\nCARD = Card(", "\nimport json, math, dataclasses\nCARD = Card("),)
    ),
    "two loops": Case((("model", RETURN, TWO_LOOPS + RETURN),)),
    "a second loop of one step": Case(
        (("model", RETURN, changed(TWO_LOOPS, "data, options", "data, Train(iterations=1)") + RETURN),)
    ),
    "a closed form": Case((CLOSED,), resumable=False),
    "an environment that imports NumPy, and prints": Case(
        (), beside={"sitecustomize.py": "import numpy\nprint('hello')\n"}
    ),
    "a note of the zoo's about an older API": Case(
        (("face", '    name="pixels",\n', '    name="pixels",\n    api="0.2",\n'),),
        beside={"sitecustomize.py": NEWER},
    ),
    "another program that writes here meanwhile": Case(
        (("model", DATA, f"{DATA}    import tempfile\n    tempfile.TemporaryFile().write(b'x')\n"),), crowded=True
    ),
    "a file of the user's, which the cache keeps": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "from pathlib import Path\n\n\nclass Train(Budget):\n"
                "    corpus: Path | None = option(None, 'a text')\n",
            ),
            ("model", DATA, f"{DATA}    assert not options.corpus or options.corpus.read_text() == 'words'\n"),
        ),
        options={"corpus": f"corpus.txt@{sha256(b'words')[:16]}"},
        cached={f"own/{sha256(b'words')[:16]}/corpus.txt": "words"},
    ),
}
