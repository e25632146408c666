"""A computation of a trained model as ONNX (https://onnx.ai), always compared with torch."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ...cards.exports import Export
from ...cards.takes import Takes
from ...errors import IntegrityError, PluginError, UsageError
from ...results.encoding import KEY, said

if TYPE_CHECKING:
    import onnx

os.environ.setdefault(
    "ORT_DISABLE_TELEMETRY", "1"
)  # else ONNX Runtime gives the user an id, and writes down what it did

OPSET = 18
TOLERANCE = 1e-4  # between torch and ONNX Runtime, of every number of the output
MEND = "the call of an export must give the same for the same input, and use torch's functions alone"
SIZES = (1, 2, 7)  # items that are computed together in the comparison


@dataclass(frozen=True)
class Graph:
    """A model in the format ONNX.

    Args:
        data: the file.
        difference: the largest absolute one from torch, over random inputs.
    """

    data: bytes
    difference: float


class _Called(nn.Module):
    """An export as a module, which is what torch's exporter takes."""

    def __init__(self, export: Export) -> None:
        super().__init__()
        self.module, self._call = export.module, export.call

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the export computes."""
        return self._call(*inputs)


def check_libraries() -> None:
    """Whether what an export needs is installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"an export needs libraries of its own: {error}", "pip install 'zoo-core[onnx]'") from error


@torch.no_grad()
def made(export: Export, facts: Mapping[str, Any]) -> Graph:
    """The file of an export, once it is known that it computes what torch does.

    Args:
        facts: what it says of itself, under the key ``zoo`` of its metadata.
    Raises:
        PluginError: it computes nothing that it says it does.
        IntegrityError: it computes something else than torch.
    """
    module = _Called(export).eval()
    _check_output(export, module(*_inputs(export, 2)))
    data = _described(_converted(export, module), facts)
    return Graph(data, _difference(export, module, data))


def _check_output(export: Export, output: object) -> None:
    """Whether an output for two items is what it is said to be."""
    ranks = {"images": 4, "probabilities": 2}
    if not isinstance(output, Tensor) or output.dtype != torch.float32:
        raise PluginError("the call of an export gives a tensor of float32 and nothing else")
    if output.dim() != ranks[export.gives] or len(output) != 2:
        raise PluginError(f"an export that gives {export.gives} gives {list(output.shape)} for two items")
    names = export.names.get(export.gives)
    if names and export.gives == "probabilities" and len(names) != output.shape[1]:
        raise PluginError(f"an export gives {output.shape[1]} probabilities, and has {len(names)} names for them")


def _inputs(export: Export, n: int) -> tuple[Tensor, ...]:
    """Random inputs for n items, the same for the same n."""
    generator = torch.Generator().manual_seed(n)
    return tuple(_input(take, n, generator) for take in export.takes)


def _input(take: Takes, n: int, generator: torch.Generator) -> Tensor:
    shape = [n if isinstance(side, str) else side for side in take.shape]
    if take.low is None or take.high is None:
        return torch.randn(shape, generator=generator)
    if take.whole:
        return torch.randint(int(take.low), int(take.high) + 1, shape, generator=generator)
    spread = torch.rand([n, *[1] * (len(shape) - 1)], generator=generator)  # noise at full range looks like one class
    return take.low + (take.high - take.low) * spread * torch.rand(shape, generator=generator)


def _converted(export: Export, module: nn.Module) -> onnx.ModelProto:
    """What torch's exporter makes of a module, for any number of items."""
    sides = [{i: torch.export.Dim.DYNAMIC for i, side in enumerate(take.shape) if isinstance(side, str)}
             for take in export.takes]  # fmt: skip
    loud = logging.getLogger("torch.onnx"), logging.getLogger("onnxscript")
    levels = [logger.level for logger in loud]
    try:
        for logger in loud:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                module, _inputs(export, 2), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
                input_names=[take.name for take in export.takes], output_names=[export.gives],
                dynamic_shapes=(tuple(sides),),
            )  # fmt: skip
    except Exception as error:  # whatever torch says of what it cannot export
        raise PluginError(f"torch cannot export it: {type(error).__name__}: {str(error)[:300]}", MEND) from error
    finally:
        for logger, level in zip(loud, levels, strict=True):
            logger.setLevel(level)
    model: onnx.ModelProto = program.model_proto  # type: ignore[union-attr]  # None is of the older exporter
    return model


def _described(model: onnx.ModelProto, facts: Mapping[str, Any]) -> bytes:
    """The file of a model that says where it comes from, and nothing of the folders of whoever made it."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info, graph, model):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "b"
    graph.ClearField("value_info")
    model.producer_name, model.producer_version = "zoo-core", str(facts["versions"].get("zoo-core", ""))
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, said(facts)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _difference(export: Export, module: nn.Module, data: bytes) -> float:
    """The largest difference between what ONNX Runtime computes and torch.

    Raises:
        IntegrityError: it is not below the tolerance.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    torch.set_flush_denormal(True)  # as `run` has it: a session lets its thread compute with subnormal numbers
    worst = 0.0
    for n in SIZES:
        inputs = _inputs(export, n)
        feeds = {take.name: value.numpy() for take, value in zip(export.takes, inputs, strict=True)}
        (output,) = session.run([export.gives], feeds)
        expected = module(*inputs)
        if tuple(output.shape) != tuple(expected.shape):
            raise IntegrityError(f"ONNX Runtime gives {list(output.shape)}, torch {list(expected.shape)}", MEND)
        worst = max(worst, float((torch.from_numpy(output) - expected).abs().nan_to_num(torch.inf).max()))
    if not worst <= TOLERANCE:
        reason = f"what was exported differs from torch by {worst:.2g}, more than {TOLERANCE:g}; nothing was written"
        raise IntegrityError(reason, MEND)
    return worst
