"""A published T5: a folder, or a Hub repository at a commit, with configuration, weights and tokenizer.

Any T5 or T5 1.1 that `transformers` saved as safetensors, in one file or in shards, with the ``tokenizer.json`` of its
fast tokenizer.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from zoo_core import IntegrityError, read_tensors

from .config import checked
from .t5 import T5, T5Config

FILES = ("config.json", "model.safetensors", "tokenizer.json")


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Configuration and weights of a published checkpoint.

    Raises:
        IntegrityError: it is of no T5 that this is, or damaged.
    """
    names = {field.name: field.default is MISSING for field in fields(T5Config)}  # to whether it must be there
    try:
        config = json.loads((folder / FILES[0]).read_text(encoding="utf-8"))
        if config["model_type"] != "t5":
            raise ValueError(f"its model_type is '{config['model_type']}', not 't5'")
        kept = {name: config[name] for name, needed in names.items() if needed or name in config}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(
            f"{folder} holds no T5: {error}", "give a folder that transformers saved a T5 into"
        ) from error
    checked(kept, str(folder / FILES[0]))
    tensors = read_tensors(folder / FILES[1])
    kept.setdefault("scale_decoder_outputs", config.get("tie_word_embeddings", True))
    for copy in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"):
        if copy in tensors and torch.equal(tensors[copy], tensors["shared.weight"]):
            del tensors[copy]  # some files repeat the shared embedding
    return {**kept, "tie_word_embeddings": "lm_head.weight" not in tensors}, tensors


def fill(network: T5, tensors: dict[str, Tensor]) -> None:
    """Put the weights of a checkpoint into the network.

    Raises:
        IntegrityError: they do not fit its configuration.
    """
    try:
        network.model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IntegrityError(
            f"the weights do not fit their config.json: {error}", "get the checkpoint again"
        ) from error


def tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint.

    Raises:
        IntegrityError: it cannot be read.
    """
    path = folder / FILES[2]
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise IntegrityError(f"{path} is no tokenizer: {error}", "get the file again") from error
