"""Mistakes in measuring and drawing, and bad manners of all hooks."""

from __future__ import annotations

from test_plugins import changed

from .plugin import DATA, DRAWN, LOG, MEASURED, RETURN, Case, model

USING: dict[str, Case] = {
    # -- evaluate
    "an evaluation that raises": model(MEASURED, "    return {'nll': 1 / 0}\n", "metrics", "ZeroDivisionError"),
    "an evaluation that exits": model(MEASURED, "    raise SystemExit(1)\n", "metrics", "SystemExit"),
    "a metric missing": model(MEASURED, "    return {}\n", "metrics", "returned [], its card says ['nll']"),
    "a metric too many": model(MEASURED, "    return {'nll': 1.0, 'elbo': 2.0}\n", "metrics", "its card says"),
    "a metric that is None": model(MEASURED, "    return {'nll': None}\n", "metrics", "NoneType"),
    "a metric that is a text": model(MEASURED, "    return {'nll': 'low'}\n", "metrics", "'nll' is str, not a number"),
    "a metric that is no number": model(
        MEASURED, "    return {'nll': float('nan')}\n", "metrics", "'nll' is not a number"
    ),
    "metrics without names": model(MEASURED, "    return [1.0]\n", "metrics", "returned list"),
    "an evaluation of luck": model(
        MEASURED, f"    torch.seed()\n{MEASURED}", "seeded-metrics", "other numbers for the same weights"
    ),
    "a metric that is a timing": model(
        MEASURED,
        changed(
            f"    import time\n    began = time.perf_counter()\n{MEASURED}",
            'return {"nll": ',
            'loss_of(build(checkpoint), run.dataset("mnist", "test").pixels())\n    return {"nll": 1e3 * '
            "(time.perf_counter() - began) + 0 * ",
        ),
        "seeded-metrics",
        "other numbers for the same weights: nll",
        remedy="a metric must not be a timing",
    ),
    "a constant evaluation": model(
        MEASURED,
        "    return {'nll': 98.5}\n",
        "metrics-weights",
        "the same numbers for other weights",
        "doubtful",
    ),
    "an evaluation of fresh weights": model(
        MEASURED,
        changed(MEASURED, "build(checkpoint)", "Net(checkpoint.options)"),
        "metrics-weights",
        "the same numbers for other weights",
        "doubtful",
    ),
    "an evaluation of what train left": Case(
        (
            ("model", "\nZ = 4\n", "\nZ, LEFT = 4, []\n"),
            ("model", RETURN, f"    LEFT.append(float(loss))\n{RETURN}"),
            ("model", MEASURED, "    return {'nll': LEFT[-1]}\n"),
        ),
        "recorded-metrics",
        "fails in a process that has not trained",
    ),
    "an evaluation on training data": model(
        MEASURED, changed(MEASURED, '"test"', '"train"'), "test-data", "measures on mnist/train"
    ),
    "an evaluation that reads test data in vain": model(
        MEASURED,
        "    run.dataset('mnist', 'test')\n" + changed(MEASURED, '"test"', '"train"'),
        "test-data",
        "its numbers depend on mnist/train alone",
    ),
    # -- sample
    "a sample that raises": model(DRAWN, "    return 1 / 0\n", "samples", "ZeroDivisionError"),
    "a sample that exits": model(DRAWN, "    raise SystemExit(1)\n", "samples", "SystemExit"),
    "nothing drawn": model(DRAWN, "    return None\n", "samples", "returned NoneType"),
    "a tensor drawn": model(DRAWN, "    return torch.zeros(2, 1, 28, 28)\n", "samples", "returned Tensor"),
    "images out of range": model(DRAWN, "    return Images(torch.full((2, 1, 28, 28), 2.0))\n", "samples", "in [0, 1]"),
    "images of no channels": model(
        DRAWN, "    return Images(torch.zeros(2, 28, 28))\n", "samples", "float [n, 1 or 3, h, w]"
    ),
    "images that are no numbers": model(
        DRAWN, "    return Images(torch.full((2, 1, 28, 28), float('nan')))\n", "samples", "finite"
    ),
    "unseeded images": model(DRAWN, f"    torch.seed()\n{DRAWN}", "seeded-samples", "the same seed"),
    "unseeded texts": model(
        DRAWN,
        "    import os; from zoo_core import Texts\n    return Texts((os.urandom(4).hex(),))\n",
        "seeded-samples",
        "the same seed",
    ),
    "an unseeded table": model(
        DRAWN,
        "    import time; from zoo_core import Table\n    return Table(('x',), ((time.perf_counter_ns(),),))\n",
        "seeded-samples",
        "the same seed",
    ),
    "an unseeded figure": model(
        DRAWN,
        "    import time; from zoo_core import Figure, Series\n    x = (float(time.time_ns()),)\n"
        "    return Figure('t', 'x', 'y', (Series('a', x, x),))\n",
        "seeded-samples",
        "the same seed",
    ),
    "a sample that seeds itself": model(
        DRAWN, f"    torch.manual_seed(7)\n{DRAWN}", "samples-seed", "seeds the random numbers itself"
    ),
    "a sample with noise of its own": model(
        DRAWN,
        changed(DRAWN, "Z)", "Z, generator=torch.Generator().manual_seed(0))"),
        "samples-seed",
        "--seed does nothing",
        "doubtful",
    ),
    "a sample that ignores -n": model(DRAWN, changed(DRAWN, "options.n", "4"), "samples-n", "ignores -n"),
    "a sample that ignores the weights": model(
        DRAWN,
        "    return Images(torch.rand(options.n, 1, 28, 28))\n",
        "samples-weights",
        "does not seem to look at the checkpoint",
        "doubtful",
    ),
    "a sample of fresh weights": model(
        DRAWN,
        changed(DRAWN, "build(checkpoint)", "Net(checkpoint.options)"),
        "samples-weights",
        "does not seem to look at the checkpoint",
        "doubtful",
    ),
    "a sample of what train left": Case(
        (
            ("model", "\nZ = 4\n", "\nZ, LEFT = 4, []\n"),
            ("model", RETURN, f"    LEFT.append(float(loss))\n{RETURN}"),
            ("model", DRAWN, f"    LEFT[0]\n{DRAWN}"),
        ),
        "seeded-samples",
        "fails in a process that has not trained",
    ),
    "a sample that cannot be saved": model(
        DRAWN,
        "    from zoo_core import Figure, Series\n"
        "    return Figure(None, 'x', 'y', (Series('a', (torch.rand(()),), (1.0,)),))\n",
        "samples",
        "",
    ),
    # -- manners
    "a training in double precision for all": model(
        DATA, f"{DATA}    torch.set_default_dtype(torch.float64)\n", "process", "torch.set_default_dtype"
    ),
    "a sample that goes elsewhere": model(
        DRAWN, f"    import os; os.chdir('/')\n{DRAWN}", "process", "the working folder"
    ),
    "an evaluation that takes all threads": model(
        MEASURED, f"    torch.set_num_threads(3)\n{MEASURED}", "process", "torch.set_num_threads"
    ),
    "a training that prints": model(LOG, f"{LOG}        print('step', step.number)\n", "quiet", "print 'step 0"),
    "a sample that prints": model(DRAWN, f"    print('drawing')\n{DRAWN}", "quiet", "print 'drawing"),
    "an evaluation that complains": model(
        MEASURED, f"    import sys; print('hm', file=sys.stderr)\n{MEASURED}", "quiet", "print 'hm"
    ),
    "a training that writes here": model(DATA, f"{DATA}    open('log.txt', 'w').close()\n", "tidy", "log.txt"),
    "a training that saves here": model(
        LOG, f"{LOG}        torch.save(net.state_dict(), 'best.pt')\n", "tidy", "run folder: best.pt"
    ),
    "a training that makes folders here": model(
        DATA, f"{DATA}    import os\n    os.makedirs('logs/of/mine', exist_ok=True)\n", "tidy", "run folder: logs"
    ),
    "a training that writes at home": model(
        DATA,
        f"{DATA}    import pathlib\n    (pathlib.Path.home() / 'best.pt').touch()\n",
        "tidy",
        "best.pt in the user's folder",
    ),
    "a sample that writes into the cache": model(
        DRAWN,
        "    import os, pathlib\n"
        f"    (pathlib.Path(os.environ['XDG_CACHE_HOME']) / 'odd').mkdir(exist_ok=True)\n{DRAWN}",
        "tidy",
        "odd in the user's folder",
    ),
    "an evaluation that leaves something behind": model(
        MEASURED, f"    import tempfile; tempfile.mkdtemp('left')\n{MEASURED}", "tidy", "left in the user's folder"
    ),
}
