"""What a judge sees in real images: computed once for a judge and the images, and kept in the zoo's cache.

Shapes: m real images, d features.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ...data.images import ImageData
from ...files import sha256
from ...weights import computed
from ..distances import Track, radii2, untracked
from .judging import judged

SPOTS = 16  # images that are judged once more, to see that what was kept is of this judge


@dataclass(frozen=True)
class Reference:
    """Real images through the eyes of a judge.

    Args:
        features: [m, d].
        answers: int64 [m], the judged classes.
        radius2: [m], squared distance of each to its k-th neighbour.
    """

    features: Tensor
    answers: Tensor
    radius2: Tensor


def reference(judge: nn.Module, real: ImageData, k: int, track: Track = untracked) -> Reference:
    """What a judge sees in real images.

    Args:
        judge: see `judged`.
        k: of the neighbours.
        track: wraps the loop to show progress.
    """
    facts = _facts(judge, [real.images], k, real.device)
    name = _name(real, facts)
    kept = computed.recall(name, facts)
    if kept and (known := _known(judge, real, kept)):
        return known
    features, probabilities = judged(judge, real.images, track=track)
    made = Reference(features, probabilities.argmax(1), radii2(features, k))
    computed.keep(name, facts, asdict(made))
    return made


def once(
    kind: str, judge: nn.Module, real: ImageData, others: Tensor, k: int, make: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """What follows from a judge, real images and others, made now unless it is kept already.

    Args:
        kind: tells it from whatever else follows from these.
        others: uint8 [n, c, h, w].
        k: of the neighbours.
    """
    facts = {**_facts(judge, [real.images, others], k, real.device), "kind": kind}
    name = _name(real, facts)
    kept = computed.recall(name, facts)
    if kept is None:
        kept = make()
        computed.keep(name, facts, kept)
    return kept


def _name(real: ImageData, facts: Mapping[str, object]) -> str:
    """Of a file: it begins with the data, with which it is removed."""
    return f"{real.sha256[:16]}-{sha256(json.dumps(facts, sort_keys=True).encode())[:32]}"


def _facts(
    judge: nn.Module, images: Sequence[Tensor], k: int, device: torch.device
) -> dict[str, str | int | list[list[int]]]:
    """What something follows from: code is known by its name, tensors and images by their bytes."""
    weights, seen = hashlib.sha256(), hashlib.sha256()
    for name, tensor in judge.state_dict().items():
        weights.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        weights.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    for part in (part for each in images for part in each.split(1000)):
        seen.update(part.cpu().contiguous().numpy().data)
    return {
        "judge": f"{type(judge).__module__}.{type(judge).__qualname__}", "weights": weights.hexdigest(),
        "images": seen.hexdigest(), "shapes": [list(each.shape) for each in images], "neighbours": k,
        "device": device.type, "torch": str(torch.__version__),
    }  # fmt: skip


def _known(judge: nn.Module, real: ImageData, kept: Mapping[str, Tensor]) -> Reference | None:
    """What was kept, if it is whole, and what this judge sees in some of the images; else None."""
    m, spots = len(real), torch.arange(0, len(real), max(1, len(real) // SPOTS))
    features, probabilities = judged(judge, real.images[spots])
    like = {"features": (m, features.shape[1]), "answers": (m,), "radius2": (m,)}
    if {name: tuple(tensor.shape) for name, tensor in kept.items()} != like:
        return None
    known = Reference(**{name: tensor.to(features.device) for name, tensor in kept.items()})
    near = torch.allclose(known.features[spots], features, 1e-4, 1e-5 * float(features.abs().max()))
    return known if near and torch.equal(known.answers[spots], probabilities.argmax(1)) else None
