"""Other libraries that do what a model of the zoo does, and the zoo beside them: of texts, of a VAE, of three tasks."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from _runs import Bare, Timed
from _turns import Mark, Work
from torch import Tensor, nn

import zoo_core as zoo
from zoo_core import TextData
from zoo_core.data import images
from zoo_core.run.reporter import Silent

BATCH, SOURCE, TARGET = 8, 256, 64  # texts that pass together, and tokens of each
VOCABULARY = 4096


# -- pythae ----------------------------------------------------------------------------------------


def pythae(root: Path) -> Work:
    """Its trainer with its own VAE, around the layers of `vae.mlp-64d`."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as Theirs
    from pythae.models import VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    logging.disable(logging.WARNING)

    def go_on(mark: Mark) -> None:
        class Ends(TrainingCallback):  # type: ignore[misc]
            def on_train_step_end(self, *_: Any, **__: Any) -> None:
                mark(100)

        pixels = images.load("mnist", "train", root).pixels()
        with tempfile.TemporaryDirectory() as folder:
            config = BaseTrainerConfig(
                output_dir=folder, num_epochs=1000, per_device_train_batch_size=100, learning_rate=1e-3, no_cuda=True,
                steps_saving=None,
            )  # fmt: skip
            model = Theirs(VAEConfig(input_dim=(1, 28, 28), latent_dim=64, reconstruction_loss="bce"), *_layers())
            data = BaseDataset(pixels, torch.zeros(len(pixels)))
            BaseTrainer(model, train_dataset=data, training_config=config, callbacks=[Ends()]).train()

    return go_on


def _layers() -> tuple[Any, Any]:
    """Our layers as pythae's encoder and decoder."""
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from zoo_vae import CARD, Train
    from zoo_vae.model import VAE

    ours = VAE(cast(Train, CARD.presets["mlp-64d"].options), (1, 28, 28))

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = ours.encoder

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = self.layers(x.flatten(1)).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = ours.decoder

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z).sigmoid().view(-1, 1, 28, 28))

    return Encoder(), Decoder()


# -- avalanche -------------------------------------------------------------------------------------

HIDDEN, RATE, TASKS = 400, 0.05, 3


def three_tasks(root: Path, who: str) -> Work:
    """Three tasks of permuted MNIST with elastic weight consolidation, each measured after each: again and again."""
    learn = _ours if who == "zoo" else _avalanche
    n = len(images.load("mnist", "train", root))

    def go_on(mark: Mark) -> None:
        mark(0)
        while True:
            learn(root)
            mark(TASKS * n)

    return go_on


def _ours(root: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        zoo.train(
            "ewc", tasks=TASKS, epochs=1, batch_size=128, hidden=HIDDEN, learning_rate=RATE, held_out=0, momentum=0,
            output=Path(folder) / "run", reporter=Silent(), device="cpu", data_root=root,
        )  # fmt: skip


def _avalanche(root: Path) -> None:
    from avalanche.benchmarks.classic import PermutedMNIST
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.supervised import EWC

    warnings.filterwarnings("ignore")
    stream = PermutedMNIST(n_experiences=TASKS, seed=1, dataset_root=str(root))
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10)
    )
    strategy = EWC(
        model=network, optimizer=torch.optim.SGD(network.parameters(), lr=RATE), criterion=nn.CrossEntropyLoss(),
        ewc_lambda=100, train_mb_size=128, train_epochs=1, eval_mb_size=1000,
        evaluator=EvaluationPlugin(accuracy_metrics(stream=True), loggers=[]),
    )  # fmt: skip
    for experience in stream.train_stream:
        strategy.train(experience)
        strategy.eval(stream.test_stream)


# -- transformers ----------------------------------------------------------------------------------


def networks() -> tuple[Any, Any]:
    """A T5 of ours of the size `mini`, with random weights, and that of transformers with the same."""
    from transformers import T5Config, T5ForConditionalGeneration
    from zoo_t5_summarizer.model import SIZES
    from zoo_t5_summarizer.t5 import T5

    torch.manual_seed(0)
    size: dict[str, Any] = {**SIZES["t5", "mini"], "vocab_size": VOCABULARY, "dropout_rate": 0.0}
    ours = T5(**size).eval()
    special: dict[str, Any] = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    theirs = T5ForConditionalGeneration(T5Config(**size, **special)).eval()
    theirs.load_state_dict(ours.model.state_dict(), strict=False)
    theirs.tie_weights()
    return ours, theirs


def writing(who: str, tokens: int) -> Work:
    """Greedy decoding of so many tokens for each of eight texts, which are read first."""
    from zoo_t5_summarizer.decoding import decode

    ours, theirs = networks()
    source = torch.randint(200, VOCABULARY, (BATCH, SOURCE))
    with torch.no_grad():
        ours.model.shared.weight[1] = theirs.shared.weight[1] = 0  # </s> is never the likeliest

    def once() -> Tensor:
        if who == "zoo":
            return decode(ours, source, longest=tokens)[0]
        said: Tensor = theirs.generate(
            source, attention_mask=torch.ones_like(source), do_sample=False, num_beams=1, max_new_tokens=tokens,
            suppress_tokens=[0],
        )  # fmt: skip
        return said[:, 1:]

    def go_on(mark: Mark) -> None:
        while True:
            mark(once().numel())

    return go_on


def pairs(who: str) -> Work:
    """Fine-tuning on pairs that all have the same length, so that no way has more padding than another."""
    from zoo_t5_summarizer import Train

    options = Train(pretrain_epochs=0, early_stopping="off", epochs=10_000)
    generator = torch.Generator().manual_seed(0)
    words = [
        "".join(chr(97 + int(letter)) for letter in row) for row in torch.randint(26, (500, 4), generator=generator)
    ]
    chosen = torch.randint(len(words), (400, SOURCE), generator=generator).tolist()
    texts = [" ".join(words[i] for i in row) for row in chosen]

    def go_on(mark: Mark) -> None:
        from zoo_t5_summarizer.training import finetune

        model = zoo.load("t5-summarizer.mini").train()
        data = TextData("pairs", "train", tuple((t,) for t in texts), tuple((t,) for t in texts), (), "0" * 64)
        run = (Bare if who == "bound" else Timed)(torch.device("cpu"), 0, Path(), reporter=Silent())
        run.mark = lambda batches: mark(BATCH * batches)
        with run.seeded():
            finetune(run, cast(Any, model), data, data, options)

    return go_on if who != "transformers" else _trainer


def _trainer(mark: Mark) -> None:
    """The Trainer of transformers, with pairs of random tokens of these lengths."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Ends(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            mark(BATCH)

    source, target = (torch.randint(200, VOCABULARY, (400, n)) for n in (SOURCE, TARGET))
    before = nn.functional.pad(target, (1, 0))[:, :-1]
    names = ("input_ids", "labels", "decoder_input_ids")
    rows = [dict(zip(names, row, strict=True)) for row in zip(source, target, before, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        how = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=BATCH, num_train_epochs=10_000, use_cpu=True,
            save_strategy="no", report_to=[], label_smoothing_factor=0.1, disable_tqdm=True, optim="adamw_torch_fused",
        )  # fmt: skip
        Trainer(networks()[1].train(), how, train_dataset=rows, callbacks=[Ends()]).train()
