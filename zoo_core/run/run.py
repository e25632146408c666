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

from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from ..cards.checkpoint import Checkpoint
from ..cards.groups import Budget
from ..cards.options import Options
from ..data.images import ImageData
from ..data.own import store
from ..errors import PluginError
from ..results.result import Result
from . import averaging, chance, devices, parts
from .averaging import Best
from .descent import Descent
from .inputs import Inputs, OpenModel
from .loops import Loops, Settings
from .outset import Outset
from .reads import Reads
from .reporter import Activity, Reporter, Silent
from .state import Migrate, Part
from .steps import Landmark, LookAhead, Schedule, Step
from .watching import Watcher
from .writes import Writes

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.optim.swa_utils import AveragedModel

FEW = 500  # steps; a preset's epochs are meant for sixty thousand images

torch.set_flush_denormal(True)  # numbers below 1e-38 mean nothing here, and cost a processor several times the time


@dataclass
class Run(Reads, Writes):
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
        start: the weights that this training goes on from; hooks read them as `previous`.
        migrate: makes today's identity of one that an older release of the plugin wrote.
        open_model: loads another model of the zoo, see `load`.
        few: data sets are cut to their first items, for a quick look.
        watcher: sees the run from beside.
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
    start: Checkpoint[Options] | None = None
    migrate: Migrate | None = None
    open_model: OpenModel | None = None
    few: bool = False
    watcher: Watcher = field(default_factory=Watcher)

    def __post_init__(self) -> None:
        if self.rank:
            self.reporter = Silent()
        self.inputs = Inputs(self.device, self.data_root, self.reporter, self.open_model, self.few)
        self.outset = Outset(self.start, self.reporter)
        self.loops = Loops(
            self.settings,
            self.reporter,
            self.folder,
            self.identity,
            self.resume,
            self.migrate,
            self.inputs.data,
            self.watcher,
        )
        self.shown: dict[str, Result] = {}

    @contextmanager
    def seeded(self, seed: int | None = None) -> Iterator[None]:
        """Random numbers of torch, Python and NumPy follow a seed inside, the run's if none is given, not outside."""
        outer, self.seed = self.seed, self.seed if seed is None else seed
        with chance.seeded(self.seed, self.device, self.rank):
            try:
                yield
            finally:
                self.seed = outer

    # -- what a loop is made of ----------------------------------------------------------------

    @property
    def previous(self) -> Checkpoint[Options] | None:
        """The weights that this training goes on from, if any.

        A hook that asks for them sees to them itself. For any other, modules that are prepared and have their tensors,
        by name and shape, begin with them.
        """
        return self.outset.ask()

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
                parts.prepare_module(part, self._accelerator, self.settings.compile, self.settings.precision == "fp16")
            parts.check_part(name, part)
        self.loops.parts |= named
        self.outset.fill(named)
        if self.settings.precision == "fp16":
            self._descent.scale()  # part of what a state restores, so it must be there before

    def descend(
        self, loss: Tensor | Iterable[Tensor], optimizer: torch.optim.Optimizer, clip: float | None = None
    ) -> None:
        """One step of an optimiser down the gradient of a loss, averaged over all processes.

        Only the optimiser's own parameters get gradients. A parameter that the loss does not depend on is left alone.

        Args:
            loss: a scalar; or several, each computed for itself, whose gradients are added up; if they come one by one,
                one is in memory at a time.
            optimizer: prepared with `prepare`.
            clip: the largest norm that the gradient of all parameters together may have.
        Raises:
            PluginError: the optimiser was not prepared.
        """
        self._descent.step((loss,) if isinstance(loss, Tensor) else loss, optimizer, clip)

    @cached_property
    def _descent(self) -> Descent:
        return Descent(self._accelerator, self.loops, self.settings.precision == "fp16")

    def averaged(self, module: nn.Module, decay: float = 0.999, name: str = "averaged") -> AveragedModel:
        """A copy of a prepared module that follows it: the exponential moving average of its weights (EMA).

        It is updated after each step, and is a part of the run's state. Return its weights with
        ``averaged.module.state_dict()``.

        Args:
            decay: the share of the average that stays at each step.
            name: under which its state is saved; of several averages each needs its own.
        Raises:
            PluginError: the decay is no such share.
        """
        copy = averaging.averaged(module, decay)
        self.prepare(**{name: copy})
        self.loops.after.append(lambda: copy.update_parameters(module))
        return copy

    def best(
        self, module: nn.Module, better: Literal["lower", "higher"] = "lower", patience: int | None = None,
        name: str = "best",
    ) -> Best:  # fmt: skip
        """What keeps the weights that validate best, and ends the loop when none has been better for a while.

        Args:
            module: whose weights are kept, prepared or averaged.
            better: which of two scores is better.
            patience: looks without a better score after which the loop ends; None never ends it.
            name: under which its state is saved.
        Raises:
            PluginError: `better` or `patience` is something else.
        """
        best = Best(module, better, patience, self.finish)
        self.prepare(**{name: best})
        return best

    def steps(
        self, data: Sized | None, budget: Budget | None = None, ahead: LookAhead | None = None, split: bool = True,
        landmark: Landmark | None = None,
    ) -> Iterator[Step]:  # fmt: skip
        """The steps of a training loop; each epoch is a new permutation of the data.

        Only whole batches are taken. Between two steps the run may save its state, stop at Ctrl-C or a scheduler's
        signal, or fail because a logged value is not finite.

        A hook may run several loops one after another. A resumed run skips those that were finished,
        so what they leave for later has to be among the prepared parts of the later ones.

        Args:
            data: anything with a length; None for a loop over nothing, such as an agent's.
            budget: epochs or iterations, and rows per step over all processes. Without data its iterations count;
                without these, or without a budget, the loop goes on until `finish` is called.
            ahead: is handed the steps before they are taken, to fetch what they need; `ImageData` does so by itself.
            split: whether each process has its share of the rows of a step; else each has all of them, and the hook
                shares out what is behind them, see `zoo_core.sharing`.
            landmark: whether a step, by its number, leaves what later ones need, as the last one of a task does: who
                tries a few steps only, as `zoo plan` does, takes those too.
        Raises:
            PluginError: a module of a prepared optimiser, or a scheduler of it, was not prepared; or there is data and
                no budget.
            TrainingError: a loss is not finite, or the disk is full.
            Interrupted: Ctrl-C, SIGTERM or SIGHUP; the state is saved.
        """
        self.outset.check()
        if data is None:
            total = budget.iterations or 0 if budget else 0
            nothing = Schedule.without_data(total, self.seed, self.device, self.rank, self.processes)
            return self.loops.steps(nothing, ahead)
        if budget is None:
            raise PluginError("run.steps was given data and no budget", "give it the options, or a Budget")
        schedule = Schedule.of(len(data), budget, self.seed, self.device, self.rank, self.processes, split)
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
