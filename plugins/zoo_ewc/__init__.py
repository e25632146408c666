"""Elastic weight consolidation (Kirkpatrick et al. 2017): weights that mattered before are held fast."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from zoo_core import Claim, Equation, Plugin, Preset, option
from zoo_core.kits import continual


class Train(continual.TaskOptions):
    """The tasks, the network, and how earlier tasks are protected."""

    strategy: Literal["ewc", "online-ewc", "naive", "joint"] = option(
        "ewc", "a penalty per earlier task; one running penalty; none; or all tasks at once, the upper bound"
    )
    lambda_: float = option(100.0, "strength of the penalty", ge=0, le=1e9)
    fisher: Literal["model", "likeliest", "labels", "summed-gradient"] = option(
        "model", "squared gradient of log p(y|x) for each image, with y drawn from the model, or its likeliest answer, "
        "or the true label; or, for each batch, the square of its summed gradient, which is no Fisher information"
    )  # fmt: skip
    decay: float = option(1.0, "what remains of the running penalty after each task (online-ewc)", gt=0, le=1)
    sweep: str = option("10,100,1000", "strengths that --compare tries, too")

    @field_validator("sweep")
    @classmethod
    def _are_numbers(cls, text: str) -> str:
        if not all(float(part) >= 0 for part in text.split(",")):
            raise ValueError("a strength is negative")
        return text


MLP = Train()
CNN: dict[str, Any] = {"network": "cnn", "learning_rate": 0.01, "batch_size": 256}
TEN: dict[str, Any] = {"tasks": 10, "hidden": 1000}
VAN_DE_VEN: dict[str, Any] = {  # van de Ven & Tolias 2019, https://arxiv.org/abs/1904.07734, and their code
    **TEN, "first": "changed", "optimizer": "adam", "learning_rate": 1e-4, "batch_size": 128, "iterations": 5000,
    "held_out": 0, "fisher": "likeliest",
}  # fmt: skip


def _published(accuracy: float) -> Claim:
    source = "van de Ven & Tolias 2019, permuted MNIST, domain-incremental, https://arxiv.org/abs/1904.07734"
    return Claim(
        "accuracy", accuracy, error=0.05, source=source, protocol="images padded to 32 x 32 before they are permuted"
    )


PRESETS = {
    "mlp": Preset(
        MLP, "784-400-400-10, three tasks",
        claims=(Claim("accuracy", 96.7, "at least"), Claim("accuracy", 5.0, "above", than="naive")),
    ),
    "naive": Preset(Train(strategy="naive"), "the same without protection"),
    "cnn": Preset(Train(**CNN, lambda_=100), "the reference CNN, three tasks"),
    "cnn-summed-gradient": Preset(Train(**CNN, fisher="summed-gradient", lambda_=0.4),
                                  "the same with the squared summed gradient"),
    "cnn-naive": Preset(Train(**CNN, strategy="naive"), "the CNN without protection"),
    "ten-tasks": Preset(Train(**TEN, lambda_=30), "784-1000-1000-10, ten tasks"),
    "ten-tasks-online": Preset(Train(**TEN, strategy="online-ewc"), "the same, one running penalty"),
    "ten-tasks-naive": Preset(Train(**TEN, strategy="naive"), "the same without protection"),
    "ten-tasks-joint": Preset(Train(**TEN, strategy="joint", epochs=6), "all ten tasks at once, twice as long"),
    "van-de-ven": Preset(
        Train(**VAN_DE_VEN, lambda_=500), "the ten tasks of van de Ven & Tolias, as they trained them",
        claims=(_published(94.3), Claim("accuracy", 10.0, "above", than="van-de-ven-naive")),
    ),
    "van-de-ven-online": Preset(
        Train(**VAN_DE_VEN, strategy="online-ewc", lambda_=900, decay=0.9),  # theirs is 1000, of a penalty times 0.9
        "the same, one running penalty",
        claims=(_published(95.9),),
    ),
    "van-de-ven-naive": Preset(
        Train(**VAN_DE_VEN, strategy="naive"), "the same without protection", claims=(_published(78.5),)
    ),
    "van-de-ven-joint": Preset(
        Train(**VAN_DE_VEN, strategy="joint"), "all ten of these tasks at once", claims=(_published(97.6),)
    ),
    "split-task": Preset(
        Train(**continual.SPLIT, scenario="task", lambda_=10_000), "Split MNIST, task-incremental: two digits a task"
    ),
    "split-class": Preset(
        Train(**continual.SPLIT, scenario="class"), "Split MNIST, class-incremental: which digit so far"
    ),
}  # fmt: skip

CARD = continual.card(
    name="ewc",
    summary="Elastic weight consolidation: tasks of images learned one after another",
    idea="After each task the Fisher information says how much each weight mattered; while the next task is learned, "
    "a spring of that stiffness pulls every weight back to where it was.",
    paper="Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, "
    "https://arxiv.org/abs/1612.00796; online: Schwarz et al. 2018, Progress & Compress: A scalable framework for "
    "continual learning, https://arxiv.org/abs/1805.06370; one penalty per task: Huszár 2018, On Quadratic Penalties "
    "in Elastic Weight Consolidation, https://arxiv.org/abs/1712.03847",
    limits=(
        "It must be told when a task ends. Where each task has classes of its own and nobody says which task an image "
        "is of (--scenario class), it forgets nearly as if unprotected.",
        "The penalty is quadratic around each task's end, and the Fisher information diagonal: after many tasks the "
        "weights that are left free are few.",
        "What was published for ten permuted tasks is not reached here, with a cause that is not found.",
    ),
    presets=PRESETS,
    tiny={},
    equations=(
        Equation(
            "L(θ) = L_t(θ) + λ/2 Σ F_i (θ_i - θ*_i)²", "Kirkpatrick et al. 2017, equation 3", ".model:Learner.pull",
            "tests/test_continual.py::test_the_pull_settles_where_loss_and_penalty_balance",
        ),
        Equation(
            "F_i = E[(∂ log p(y|x) / ∂θ_i)²],  y ~ p(y|x)", "Kirkpatrick et al. 2017",
            ".fisher:squared_gradients",
            "tests/test_continual.py::test_fisher_of_logistic_regression_in_closed_form",
        ),
        Equation(
            "Σ_t F_t (θ - θ_t)² = F (θ - m)² + constant,  F = Σ F_t,  m = Σ F_t θ_t / F", "Huszár 2018",
            ".model:Learner.consolidate", "tests/test_continual.py::test_merged_penalty_is_the_sum_of_the_penalties",
        ),
    ),
)  # fmt: skip

plugin = Plugin(CARD)
