"""T5 (Raffel et al. 2020) as `transformers` has it, with the doors that this plugin's decoding uses.

A checkpoint to start from is a folder, or a Hub repository at a commit, with ``config.json``,
``model.safetensors`` and ``tokenizer.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache, EncoderDecoderCache, T5Config, T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from zoo_core import IntegrityError

from .tokens import END, PAD

FILES = ("config.json", "model.safetensors", "tokenizer.json")
FIELDS = (
    "vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads", "dropout_rate",
    "relative_attention_num_buckets", "relative_attention_max_distance", "layer_norm_epsilon", "feed_forward_proj",
    "tie_word_embeddings",
)  # fmt: skip


@dataclass
class State:
    """What decoding remembers: the encoded source, its mask, and keys and values."""

    encoded: Tensor
    mask: Tensor
    cache: EncoderDecoderCache

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, int64 [b'], in this order."""
        self.encoded, self.mask = self.encoded[rows], self.mask[rows]
        self.cache.reorder_cache(rows)  # type: ignore[arg-type]  # any index will do

    def reorder(self, rows: Tensor) -> None:
        """The same for rows of the same text each: what was read stays as it is."""
        self.cache.self_attention_cache.reorder_cache(rows)  # type: ignore[arg-type]


class T5(nn.Module):
    """A T5 with the given configuration, a subset of `T5Config`."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        special: dict[str, Any] = {"pad_token_id": PAD, "eos_token_id": END, "decoder_start_token_id": PAD}
        self.model = T5ForConditionalGeneration(T5Config(**config, **special))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits [b, t, v] of the token after each of target [b, t], given source [b, s]."""
        return self.model(
            input_ids=source, attention_mask=source != PAD, decoder_input_ids=target, use_cache=False
        ).logits

    def start(self, source: Tensor) -> State:
        """Read the source [b, s]; PAD is skipped."""
        mask = source != PAD
        encoded = self.model.get_encoder()(input_ids=source, attention_mask=mask).last_hidden_state
        return State(encoded, mask, EncoderDecoderCache(DynamicCache(), DynamicCache()))

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """Logits [b, v] after one more token [b] of each text."""
        out = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=state.encoded), attention_mask=state.mask,
            decoder_input_ids=tokens[:, None], past_key_values=state.cache, use_cache=True,
        )  # fmt: skip
        return out.logits[:, 0]


def configuration(folder: Path) -> dict[str, Any]:
    """What of a checkpoint's ``config.json`` makes the network.

    Raises:
        IntegrityError: it is of no T5.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config["model_type"] != "t5":
            raise ValueError(f"its model_type is '{config['model_type']}', not 't5'")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"{folder} holds no T5: {error}", "give a folder that transformers saved a T5 into"
        ) from error
    return {name: config[name] for name in FIELDS if name in config}


def load(folder: Path, network: T5) -> None:
    """Put the weights of a checkpoint into the network; only safetensors are read.

    Raises:
        IntegrityError: they do not fit.
    """
    try:
        loaded: Any = T5ForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True, dtype=torch.float32
        )
    except Exception as error:  # a damaged file makes the library raise what it likes
        raise IntegrityError(f"the weights in {folder} cannot be read: {error}", "get them again") from error
    model, report = loaded
    if report["missing_keys"] or report["mismatched_keys"]:
        missing = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
        raise IntegrityError(
            f"{folder} does not hold a whole T5: {missing[0]} is missing or of another shape", "get it again"
        )
    network.model.load_state_dict(model.state_dict())
