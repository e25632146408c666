"""What ``zoo doctor`` looks at: plugins, weights, data, devices; each with its remedy."""

from __future__ import annotations

import os
from pathlib import Path

from .. import api, hub
from ..api.calls import blaming
from ..api.inventory import RunInfo
from ..api.naming import RUNS
from ..api.parameters import VERBS
from ..api.reserved import check_options
from ..cards.options import resolve
from ..data import sets
from ..data.checks import Found
from ..data.checks import check as look
from ..data.declare import DataSet
from ..errors import IntegrityError, PluginError, UsageError, ZooError
from ..files.places import cache_root, computed_root
from ..packages import entries, settings
from ..packages.contained import contained
from ..plugin import registry
from ..plugin.plugin import MODEL_HOOKS, Plugin
from ..plugin.registry import Model, NotImported
from ..run.environment import data_root
from ..run.mark import FIGURES, STAGES
from ..run.record import check_of, continuing
from ..weights import manifest
from ..weights.pins import Pin
from ..weights.tidy import tidy
from . import surroundings
from .surroundings import Check


def all_checks() -> list[Check]:
    """All checks, in the order in which they are shown; what killed processes left behind is removed on the way."""
    return [
        *_check_plugins(),
        *_check_data(),
        *_check_weights(),
        *_check_runs(),
        *_check_files(),
        *surroundings.checks(),
    ]


def _check_plugins() -> list[Check]:
    checks: list[Check] = []
    for name, model in api.models().items():
        try:
            checks.append(("plugin", name, True, _plugin(model), "", 0))
        except ZooError as error:
            checks.append(("plugin", name, False, error.message, error.hint, PluginError.exit_code))
    return [*checks, *_check_settings()]


def _check_settings() -> list[Check]:
    """Whether what the user allows is installed: a name that is mistyped allows nothing."""
    allowed = settings.allowed()
    entries_of = entries.installed(entries.MODELS).values()
    unknown = allowed.unknown(entries.distribution(entry) for group in entries_of for entry in group)
    return [
        ("plugin", name, False, f"{allowed.where} allows it, and no plugin of it is installed", "correct the name", 2)
        for name in unknown
    ]


def _plugin(model: Model | ZooError) -> str:
    """What there is to say of a plugin that is in order.

    Raises:
        ZooError: it is not.
    """
    if isinstance(model, NotImported):
        return f"{model.distribution}, not imported; {model.hint}"
    if isinstance(model, ZooError):
        raise model
    card = model.card
    with contained(f"plugin '{model.name}' of distribution '{model.distribution}'"):
        with blaming(model, "card"):
            for verb in VERBS:
                check_options(model, verb)
            resolve(card.train_options, card.tiny, base=card.presets[card.default_preset].options)
            for options in (card.sample_options, card.evaluate_options):
                options()
        if not card.missing:
            _import_model(model)
    needs = f"; needs {', '.join(card.missing)}: {card.install}" if card.missing else ""
    return f"{model.distribution} {model.version}{needs}"


def _import_model(model: Model) -> None:
    """Import what a declared plugin imports when its hooks are called, and see that their functions are there."""
    plugin = model.manager.get_plugin(model.name)
    if isinstance(plugin, Plugin):
        for hook in MODEL_HOOKS:
            with blaming(model, hook):
                plugin.function(hook)


def _check_data() -> list[Check]:
    """The data sets that are here, compared with what is published, and those whose declaration is broken."""
    rows: list[Check] = []
    root = data_root()
    for name, found in sets.load_all().items():
        if isinstance(found, NotImported):
            rows.append(("data set", name, True, f"{found.distribution}, not imported; {found.hint}", "", 0))
        elif isinstance(found, ZooError):
            rows.append(("data set", name, False, found.message, found.hint, PluginError.exit_code))
        elif (seen := look(found, root)).here or seen.other:
            try:
                rows.append(("data set", name, True, _data(found, seen, root), "", 0))
            except ZooError as error:
                rows.append(("data set", name, False, error.message, error.hint, 3))
    return rows


def _data(found: DataSet, seen: Found, root: Path) -> str:
    """What there is to say of a data set that is here; files that are no known copy are read.

    Raises:
        ZooError: they cannot be.
    """
    from ..data import images, texts

    here = ", ".join(seen.here) or "no part is whole"
    if not seen.other:
        return f"{here}{'' if seen.unknown else ', as published'}"
    for split in seen.here:
        if found.kind == "images":
            images.load(found.name, split, root)
        else:
            texts.load(found.name, split, root)
    return f"{here}; not a known copy, used as it is: {'; '.join(seen.other)}"


def _check_weights() -> list[Check]:
    checks: list[Check] = [
        ("weights", plugin, False, carried.message, carried.hint, 3)
        for plugin, carried in manifest.carried().items() if isinstance(carried, ZooError)
    ]  # fmt: skip
    try:
        pins = manifest.read()
    except ZooError as error:
        return [*checks, ("weights", manifest.path().name, False, error.message, error.hint, error.exit_code)]
    for name, pin in pins.items():
        try:
            checks.append(("weights", name, True, f"{pin.total_size:,} bytes, {_weights(pin)}", "", 0))
        except ZooError as error:
            checks.append(("weights", name, False, error.message, error.hint, error.exit_code))
    return checks


def _weights(pin: Pin) -> str:
    """What there is to say of pinned weights that are in order, once their model was built of them, without memory.

    Raises:
        ZooError: they are missing, are not the pinned ones, or today's model cannot be built of them.
    """
    path = manifest.available(pin)
    if not path and not pin.repo:
        manifest.locate(pin)  # says that it is missing
    if not path:
        return f"not here; zoo pull {pin.name}"
    model = _model_of(pin)
    if isinstance(model, str):
        manifest.verified(pin)
        return f"sha256 as pinned; not built: {model}"
    from ..weights import find, shards

    contents = shards.read(path, pin.check)
    checkpoint = find.checkpoint(model.card, contents, pin.name)
    if not registry.check_fits(model, checkpoint, pin.name):
        with blaming(model, "build"):
            model.build(checkpoint)
    if damage := manifest.damage_of_config(pin):
        raise IntegrityError(f"the weights are as pinned; {damage}", f"zoo pull {pin.name}")
    return "sha256 as pinned, fits its model"


def _model_of(pin: Pin) -> Model | str:
    """The model that a pin is of, or why it cannot be loaded here, which the check of plugins says in full."""
    try:
        model = registry.load(pin.plugin)
    except NotImported as error:
        return f"{error.distribution} is not imported"
    except UsageError:
        return f"{pin.plugin} is not installed"
    except PluginError:
        return f"{pin.plugin} is broken"
    return f"{model.name} needs {', '.join(model.card.missing)}" if model.card.missing else model


def _check_runs() -> list[Check]:
    """The runs here: whether each can be read, and whether its weights are those of its record."""
    checks: list[Check] = []
    for run in api.runs():
        try:
            checks.append(("run", run.name, True, _run(run), "", 0))
        except ZooError as error:
            checks.append(("run", run.name, False, error.message, error.hint, error.exit_code))
    return checks


def _run(run: RunInfo) -> str:
    """What there is to say of a run that is in order.

    Raises:
        ZooError: it is not.
    """
    from ..weights import peek, shards

    if run.error:
        raise run.error
    if run.state in ("stopped", "trained"):
        return f"{run.model}, {run.state}; {continuing(run.path)} continues it"
    if run.state == "finished":
        shards.read(peek.main_file(run.path), check_of(run.path, run.record))
        return f"{run.model}, finished; sha256 as in its record"
    return f"{run.model}, {run.state}"


def _check_files() -> list[Check]:
    from ..weights import computed

    left, (count, size) = tidy(workplaces()), hub.sweep()
    said = "no leftovers"
    if left.files + count:
        said = f"removed {left.files + count} that killed processes left, {left.size + size:,} bytes"
    removed, whole = computed.sweep()
    kept = f"{whole} files, whole" + (f"; removed {removed} that were damaged" if removed else "")
    return [("files", "half-written", True, said, "", 0), ("files", "computed", True, kept, "", 0)]


def workplaces() -> list[Path]:
    """Where half-written files may lie: here, in the runs here, and where data sets are."""
    root = data_root()
    own = list(RUNS.iterdir()) if os.path.isdir(RUNS) else []
    caches = [cache_root(), cache_root() / "sources", computed_root()]
    inner = [run / folder for run in own for folder in (FIGURES, STAGES)]
    return [Path(), *own, *inner, root, *root.glob("*"), *root.glob("*/raw"), *caches]
