"""What of a trained model runs without the zoo, as a plugin's function ``export`` says it.

    def export(checkpoint: Checkpoint[Train]) -> Export:
        g = build(checkpoint)
        return Export(g, lambda z, y: (g(z, y) + 1) / 2, g.takes, "images", {"y": checkpoint.classes})

The inputs say what a page for people needs; see `Export`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from ..errors import PluginError
from .takes import Takes

if TYPE_CHECKING:
    from torch import Tensor, nn

Gives = Literal["images", "probabilities"]
Asks = Literal["noise", "label", "point", "picture", "numbers"]


@dataclass(frozen=True)
class Export:
    """A computation of a trained model: tensors in, one tensor out, the same for the same input.

    Args:
        module: whose weights it uses; in eval mode, on the CPU.
        call: computes the output from the inputs in the order of `takes`, with torch's functions alone.
        takes: the inputs, by name; each begins with the number of items, a letter.
        gives: ``images``, float [b, c, h, w] in [0, 1]; or ``probabilities``, float [b, k], rows of which add up to 1.
        names: of what is counted, by the input that counts it, and under ``probabilities``; where there are any.
    Raises:
        PluginError: a field cannot be; it is named.
    """

    module: nn.Module
    call: Callable[..., Tensor]
    takes: tuple[Takes, ...]
    gives: Gives
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.gives not in get_args(Gives):
            raise PluginError(f"an export gives {' or '.join(get_args(Gives))}, not {self.gives!r}")
        if not self.takes or not all(take.shape and isinstance(take.shape[0], str) for take in self.takes):
            raise PluginError("an export takes inputs whose first dimension is a letter, the number of items")
        for take in self.takes:
            if take.whole and (take.low is None or take.high is None):
                raise PluginError(f"the export's input {take.name} counts, and does not say from where to where")
            if (named := self.names.get(take.name)) and len(named) != int(take.high or 0) - int(take.low or 0) + 1:
                raise PluginError(f"the export's input {take.name} has other numbers than names: {len(named)}")


def asks(take: Takes) -> Asks:
    """What an input asks of a person.

    ``label`` is one of some names; ``noise`` is drawn from N(0, I) by a seed, and has no range; ``point`` lies in a
    square of the plane; ``picture`` is in [0, 1]; ``numbers`` are anything else.
    """
    if take.whole:
        return "label" if len(take.shape) == 1 else "numbers"
    is_bounded = take.low is not None and take.high is not None
    if len(take.shape) == 2 and not is_bounded:
        return "noise"
    if len(take.shape) == 2 and take.shape[1] == 2:
        return "point"
    return "picture" if len(take.shape) == 4 and (take.low, take.high) == (0, 1) else "numbers"
