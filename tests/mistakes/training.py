"""Mistakes in training, and in building what was trained."""

from __future__ import annotations

from test_plugins import changed

from .plugin import (
    CLOSED,
    DATA,
    EXPORT,
    FILL,
    FIRST_ONLY,
    FITTING,
    LENIENT,
    LOG,
    LOOP,
    PREPARE,
    RETURN,
    Case,
    face,
    field,
    model,
)

TWO_LOOPS = """    target = net(torch.ones(1, Z)).detach()
    for step in run.steps(data, options):
        run.descend((net(torch.ones(1, Z)) - target + 1).square().sum(), adam)
        average.update(net)
"""

GOES_ON = """
Z = 4


def going_on(run, data, options):
    try:
        yield from run.steps(data, options)
    except Exception:
        pass
"""

TRAINING: dict[str, Case] = {
    # -- training
    "a training that raises": model(DATA, f"{DATA}    1 / 0\n", "trains", "ZeroDivisionError"),
    "a training that exits": model(DATA, f"{DATA}    import sys; sys.exit(3)\n", "trains", "SystemExit"),
    "a data set that there is not": model(DATA, changed(DATA, "mnist", "minst"), "trains", "minst"),
    "a loss that is no number": model(
        "        run.descend", "        loss = loss * float('nan')\n        run.descend", "trains", "nll"
    ),
    "an optimiser left out": model(", adam=adam", "", "trains", "was not prepared"),
    "a network left out": model("net=net, ", "", "trains", "a module that was not prepared"),
    "a scheduler left out": model(", schedule=schedule", "", "trains", "a scheduler of the optimiser 'adam'"),
    "a module returned": model(RETURN, "    return net\n", "tensors", "returned Net, not tensors"),
    "nothing returned": model(RETURN, "    return None\n", "tensors", "returned NoneType"),
    "no tensors returned": model(RETURN, "    return {}\n", "tensors", "not tensors"),
    "a float among the tensors": model(
        RETURN, "    return {**average.values, 'loss': 1.5}\n", "tensors", "'loss': float"
    ),
    "a tensor without values": model(
        RETURN,
        "    return {**average.values, 'x': torch.zeros(2, device='meta')}\n",
        "tensors",
        "'x': a tensor without values",
    ),
    "tensors by number": model(RETURN, "    return {1: torch.zeros(2)}\n", "tensors", "returned 1"),
    "weights that are no numbers": model(
        RETURN, "    return {k: v * float('nan') for k, v in average.values.items()}\n", "finite-weights", "diverged"
    ),
    "weights of luck": model(
        PREPARE,
        f"    torch.seed()\n    nn.init.normal_(net.body[0].weight)\n{PREPARE}",
        "seeded-weights",
        "the same seed does not give the same weights",
    ),
    "weights of the clock": model(
        LOG,
        f"        average.values['body.0.bias'] += __import__('time').time() % 1\n{LOG}",
        "seeded-weights",
        "the same seed",
    ),
    "a counter that every training moves": Case(
        (
            ("model", "\nZ = 4\n", "\nZ, SEEN = 4, []\n"),
            ("model", LOG, f"        SEEN.append(1); average.values['body.0.bias'] += len(SEEN)\n{LOG}"),
        ),
        "seeded-weights",
        "the same seed",
    ),
    "random numbers of the module": Case(
        (
            ("model", "\nZ = 4\n", "\nimport numpy as np\nZ, LUCK = 4, np.random.default_rng(0)\n"),
            ("model", LOG, f"        average.values['body.0.bias'] += LUCK.random()\n{LOG}"),
        ),
        "seeded-weights",
        "the same seed",
    ),
    "an average left out": model(", average=average", "", "resume", "a resumed run ends with other weights"),
    "a counter left out": Case(
        (
            ("model", LOOP, f"    count = 0\n{LOOP}        count += 1\n"),
            ("model", LOG, f"        average.values['body.0.bias'] += count\n{LOG}"),
        ),
        "resume",
        "other weights",
    ),
    "a generator left out": Case(
        (
            ("model", LOOP, f"    luck = torch.Generator().manual_seed(0)\n{LOOP}"),
            ("model", LOG, f"        average.values['body.0.bias'] += torch.rand(1, generator=luck)\n{LOG}"),
        ),
        "resume",
        "other weights",
    ),
    "a loop of one's own": model(
        LOOP,
        "    for _ in range(4):\n        loss = loss_of(net, data.pixels())\n",
        "resumable",
        "does not go through run.steps, and prepares the optimiser 'adam'",
        "doubtful",
    ),
    "a training of one step": Case(
        (("face", '"iterations": 4', '"iterations": 1'),), "resumable", "makes one step", "doubtful", "two steps"
    ),
    "a second loop with what the first one made, computed between them": Case(
        (("model", RETURN, TWO_LOOPS + RETURN),),
        "resume",
        "broken off in loop 2 after step 1",
        remedy="compute inside the loop",
    ),
    "a training that goes on when it is stopped": Case(
        (("model", "\nZ = 4\n", GOES_ON), ("model", LOOP, changed(LOOP, "in run.steps(", "in going_on(run, "))),
        "resumable",
        "goes on when run.steps raises an error",
        remedy="let it through",
    ),
    "training on the test part": model(
        DATA, changed(DATA, "train", "test"), "train-data", "reads mnist/test and nothing else"
    ),
    "training on both parts": model(
        LOG,
        f"        run.descend(loss_of(net, run.dataset('mnist', 'test').pixels()), adam)\n{LOG}",
        "train-data",
        "the weights depend on mnist/test",
    ),
    # -- build
    "an export of luck": model(
        FILL,
        FILL + EXPORT.format(" + torch.rand(1)"),
        "export",
        "what was exported differs from torch by",
        remedy="the same for the same input",
    ),
    "an export of something else": model(
        FILL, f"{FILL}\n\ndef export(checkpoint):\n    return build(checkpoint)\n", "export", "Net, not an Export"
    ),
    "a build that fails": model(FILL, "    return {}['net']\n", "build", "KeyError: 'net'"),
    "a build that exits": model(FILL, "    raise SystemExit(1)\n", "build", "SystemExit"),
    "a build of something else": model(
        FILL, "    return dict(checkpoint.tensors or {})\n", "build", "gives dict, not a torch module"
    ),
    "a build that needs weights": model(
        FILL,
        f"    checkpoint.tensors['body.0.bias']\n{FILL}",
        "untrained-build",
        "build fails without weights: TypeError",
    ),
    "a build of one preset": model(
        FILL,
        f"    assert checkpoint.options.hidden < 64, 'too wide'\n{FILL}",
        "untrained-build",
        "for the preset 'wide'",
    ),
    "a lenient build": model(FILL, LENIENT, "strict-build", "accepts a checkpoint without 'body.0.bias'"),
    "a build that looks for one tensor": model(
        FILL, FIRST_ONLY, "strict-build", "accepts a checkpoint without 'body.0.bias'"
    ),
    "a build that takes what fits": model(FILL, FITTING, "strict-build", "with 'body.0.bias' of another shape"),
    "a build without tensors": model(
        FILL, "    return Net(checkpoint.options)\n", "strict-build", "accepts a checkpoint without"
    ),
    "a build that fails at a missing tensor": model(
        FILL,
        f"    if checkpoint.tensors: checkpoint.tensors['body.2.bias']\n{FILL}",
        "strict-build",
        "without 'body.2.bias' build raises KeyError",
    ),
    "a build that ignores an option": model(
        FILL, changed(FILL, "checkpoint.options", "Train()"), "build-options", "build ignores --hidden"
    ),
    "a build that ignores a choice": model(
        FILL,
        "    options = checkpoint.options.model_copy(update={'activation': 'relu'})\n"
        "    return checkpoint.fill(Net(options))\n",
        "build-options",
        "build ignores --activation",
    ),
    "a closed form whose build ignores an option": Case(
        (CLOSED, ("model", FILL, changed(FILL, "checkpoint.options", "Train()"))),
        "build-options",
        "build ignores --hidden",
    ),
    "an attribute that only train sets": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "class Train(Budget):\n    remat: bool = option(False, 'thrift')\n",
            ),
            ("model", "        between = nn", "        self.remat = False\n        between = nn"),
            ("model", PREPARE, f"    net.remat = options.remat\n{PREPARE}"),
        ),
        "build-options",
        "with --remat, and build does not",
        "doubtful",
    ),
    "an option that is another one when it is read again": field(
        'twice: int = option(2, "nothing", ge=1)\n\n'
        '    @__import__("pydantic").field_validator("twice")\n    def _twice(cls, value: int) -> int:\n'
        "        return value + 1\n",
        "rereads",
        "the option 'twice' is another one",
    ),
    "a data set that the card does not name": face(
        'datasets=("mnist",)', 'datasets=("fashion-mnist",)', "card-datasets", "reads mnist"
    ),
    "tensors that cannot be written": model(
        RETURN,
        "    return {**average.values, 'odd': torch.eye(2).to_sparse()}\n",
        "tensors",
        "Tensor that doesn't have storage",
    ),
}
