"""What surrounds a hook call: device, seed, precision, processes, data, log, steps and their state.

A plugin owns its training loop and reads like its algorithm; `Run` owns the rest:

    data = run.dataset("mnist", "train")
    vae = VAE(options)
    adam = torch.optim.Adam(vae.parameters(), options.learning_rate, fused=True)
    run.prepare(vae=vae, adam=adam)
    for step in run.steps(data, options):
        loss = vae(data.pixels(step.rows)).mean()
        run.descend(loss, adam)
        run.log(loss=loss)
    return vae.state_dict()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from .. import formats
from ..cards.checkpoint import Checkpoint
from ..cards.groups import Budget
from ..cards.images import OwnImage
from ..cards.options import Options
from ..data.declare import TextFields
from ..data.images import ImageData
from ..data.own import store
from ..data.texts import TextData
from ..errors import PluginError
from ..results.kinds import Result
from ..weights import tensorfile
from . import chance, devices, parts
from .folder import RunFolder
from .inputs import Inputs, OpenModel
from .loops import Loops, Settings
from .mark import FIGURES, STAGES
from .reporter import Activity, Progress, Reporter, Silent
from .state import Migrate, Part
from .steps import LookAhead, Schedule, Step

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")
FEW = 500  # steps; a preset's epochs are meant for sixty thousand images

torch.set_flush_denormal(True)  # numbers below 1e-38 mean nothing here, and cost a processor several times the time


@dataclass
class Run:
    """The circumstances of one hook call, complete when it is made.

    Args:
        device: where tensors live.
        seed: covers weights, data order, noise and sampling.
        data_root: where data sets lie.
        activity: what the run is made for; its progress says so.
        folder: where state and pictures of a training run go; None keeps nothing.
        settings: precision, compilation, how often the state is saved.
        reporter: receives progress and warnings.
        identity: what a state must match to be resumed (model, options, seed).
        resume: continue from the folder's state where there is one.
        previous: the weights that this training goes on from.
        migrate: makes today's identity of one that an older release of the plugin wrote.
        open_model: loads another model of the zoo, see `load`.
    """

    device: torch.device
    seed: int
    data_root: Path
    activity: Activity = "training"
    folder: Path | None = None
    settings: Settings = field(default_factory=Settings)
    reporter: Reporter = field(default_factory=Reporter)
    identity: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    previous: Checkpoint[Options] | None = None
    migrate: Migrate | None = None
    open_model: OpenModel | None = None

    def __post_init__(self) -> None:
        if self.rank:
            self.reporter = Silent()
        self.inputs = Inputs(self.device, self.data_root, self.reporter, self.open_model)
        self.loops = Loops(
            self.settings, self.reporter, self.folder, self.identity, self.resume, self.migrate, self.inputs.data
        )
        self.shown: dict[str, Result] = {}

    @contextmanager
    def seeded(self, seed: int | None = None) -> Iterator[None]:
        """Random numbers of torch, Python and NumPy follow a seed inside, the run's if none is given, not outside."""
        fork = [self.device] if self.device.type == "cuda" else []
        outer, self.seed = self.seed, self.seed if seed is None else seed
        with torch.random.fork_rng(fork), chance.seeded(mine := self.seed + 1_000_003 * self.rank):
            torch.manual_seed(mine)
            try:
                yield
            finally:
                self.seed = outer

    # -- what a hook reads: all of it goes into the run's record --------------------------------

    def dataset(self, name: str, split: str, augment: str = "none") -> ImageData:
        """A data set of images on the device, downloaded when missing.

        Args:
            name: of a declared data set, or of one of the user's own as it was prepared: ``photos@1a2b3c4d5e6f7081``.
            augment: what happens to its batches at random, see `OnImages`; for training images only.
        """
        return self.inputs.dataset(name, split, augment)

    def examples(self, name: str) -> ImageData:
        """Test images to show: of the data set, or, where it is not there, the hundred that come with the zoo."""
        return self.inputs.examples(name)

    def texts(self, name: str, split: str) -> TextData:
        """A data set of texts, fetched when missing."""
        return self.inputs.texts(name, split)

    def example_texts(self, name: str) -> TextData:
        """Test texts to show: of the data set, or, where it is not there, those that come with the zoo."""
        return self.inputs.example_texts(name)

    def own_texts(self, path: Path, fields: TextFields) -> TextData:
        """JSON lines of the user's own, of which `fields` says what is what."""
        return self.inputs.own_texts(path, fields)

    def own_images(self, images: Sequence[OwnImage], checkpoint: Checkpoint[Options], invert: bool = False) -> Tensor:
        """Images of the user's own, see `OfImages`, prepared as those were that a model learned.

        Upright, the middle of them, resized with antialiasing, grey or in colour: uint8 [n, c, h, w] on the device, of
        the checkpoint's shape. The user is told of each that is unlike the test images of the checkpoint's data.

        Args:
            invert: make what is light dark, and what is dark light.
        Raises:
            UsageError: one cannot be read, or is of another shape or range than images have.
        """
        return self.inputs.own_images(images, checkpoint, invert)

    def files(self, source: str, names: Sequence[str]) -> Path:
        """A folder with files, large weights maybe in shards: a local one, or ``org/name@COMMIT`` of the Hub."""
        return self.inputs.files(source, names)

    def warn(self, message: str) -> None:
        """Tell the user something, in one line."""
        self.reporter.warn(message)

    def load(self, name: str, data: ImageData | None = None) -> nn.Module:
        """Another model of the zoo with its pinned weights, or a run of the user's, on the device, in eval mode.

        So a plugin can be judged by a classifier without importing its package.

        Args:
            data: whose shape and classes it must have been trained on, if that matters.
        Raises:
            UsageError: it was trained on others.
        """
        return self.inputs.load(name, data)

    # -- what a loop is made of ----------------------------------------------------------------

    @property
    def rank(self) -> int:
        """This process's number among those of a launcher; 0 when alone."""
        return devices.rank()

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return devices.processes()

    @cached_property
    def _accelerator(self) -> Accelerator:
        return devices.accelerator(self.device, self.settings.precision)

    def prepare(self, **named: Part) -> None:
        """Make modules, optimisers, schedulers and whatever else a resumed run needs part of this run, in place.

        Modules move to the device and compute in the run's precision; processes begin with the same weights, those of
        the first, so whatever reads weights belongs after it. What is prepared again under the same name replaces the
        earlier one.

        Args:
            named: everything with `state_dict` and `load_state_dict`, by the name that its state is saved under.
        Raises:
            PluginError: an object has no state, or its name is taken.
        """
        for name, part in named.items():
            if isinstance(part, nn.Module):
                parts.prepare_module(part, self._accelerator, self.settings.compile)
            parts.check_part(name, part)
        self.loops.parts |= named

    def descend(
        self, loss: Tensor | Iterable[Tensor], optimizer: torch.optim.Optimizer, clip: float | None = None
    ) -> None:
        """One step of an optimiser down the gradient of a loss, averaged over all processes.

        Only the optimiser's own parameters get gradients. A parameter that the loss does not depend on is left alone.

        Args:
            loss: a scalar; or several, whose gradients are added up, and of which one is in memory at a time.
            optimizer: prepared with `prepare`.
            clip: the largest norm that the gradient of all parameters together may have.
        Raises:
            PluginError: the optimiser was not prepared.
        """
        if not any(part is optimizer for part in self.loops.parts.values()):
            raise PluginError(
                f"run.descend was given an optimiser ({type(optimizer).__name__}) that was not prepared",
                "give it to run.prepare first: else a resumed run would begin with a fresh one",
            )
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        optimizer.zero_grad()
        for part in (loss,) if isinstance(loss, Tensor) else loss:
            self._accelerator.backward(part, inputs=parameters)
        if self.processes > 1:
            self.loops.agree(parts.average_gradients(parameters, self._accelerator, self.loops.asked(), self.loops.at))
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        if not self.loops.restored:
            optimizer.step()
            return
        with self.loops.restored.blamed("its optimiser"):  # moments of another shape show themselves only here
            optimizer.step()
        self.loops.restored = None

    def mean(self, tensors: list[Tensor]) -> list[Tensor]:
        """The mean over all processes of each tensor: what each of them estimated for itself."""
        if self.processes == 1:
            return tensors
        return [parts.reduce_mean(tensor, self._accelerator) for tensor in tensors]

    def steps(self, data: Sized, budget: Budget, ahead: LookAhead | None = None) -> Iterator[Step]:
        """The steps of a training loop; each epoch is a new permutation of the data.

        Only whole batches are taken. Between two steps the run may save its state, stop at Ctrl-C or a scheduler's
        signal, or fail because a logged value is not finite.

        A hook may run several loops one after another. A resumed run skips those that were finished,
        so what they leave for later has to be among the prepared parts of the later ones.

        Args:
            data: anything with a length.
            budget: epochs or iterations, and rows per step over all processes.
            ahead: is handed the steps before they are taken, to fetch what they need; `ImageData` does so by itself.
        Raises:
            PluginError: a module of a prepared optimiser, or a scheduler of it, was not prepared.
            TrainingError: a loss is not finite, or the disk is full.
            Interrupted: Ctrl-C, SIGTERM or SIGHUP; the state is saved.
        """
        schedule = Schedule.of(len(data), budget, self.seed, self.device, self.rank, self.processes)
        if not isinstance(data, ImageData):
            return self.loops.steps(schedule, ahead)
        if budget.iterations is None and schedule.total < FEW and store.is_prepared(data.name):
            self.warn(f"{len(data):,} images make {schedule.total:,} steps; --epochs or --iterations makes it more")
        return self.loops.steps(schedule, ahead or (data.ahead.over if data.ahead else None))

    def finish(self) -> None:
        """End the loop after this step, as if it were the last: what early stopping calls."""
        self.loops.end()

    def log(self, **values: Tensor | float) -> None:
        """Add values of this step to the learning curves. Costs no synchronisation."""
        self.loops.curves.add(values)

    def track(self, items: Sequence[T]) -> Iterator[T]:
        """Yield the parts of a longer computation, reporting progress after each."""
        activity: Activity = "evaluation" if self.activity == "training" else self.activity
        for done, item in enumerate(items, 1):
            yield item
            self.reporter.progress(Progress(activity, done, len(items)))
        self.reporter.close()

    def show(self, name: str, result: Result) -> None:
        """Keep a picture or table of the run under `name`; a training run writes it at once."""
        if self.rank:
            return
        self.shown[name] = result
        if self.folder:
            result = replace(result, provenance=dict(self.identity))
            result.save(RunFolder(self.folder).place(f"{FIGURES}/{name}{result.suffix}"), overwrite=True)

    def keep(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write weights of an intermediate stage, e.g. after pretraining, beside the final ones."""
        if self.folder and not self.rank:
            tensorfile.check_numbers(tensors)
            facts = {**formats.WEIGHTS.stamp(), **self.identity, "data": self.inputs.data}
            tensorfile.save(RunFolder(self.folder).place(f"{STAGES}/{name}.safetensors"), tensors, facts)
