"""What cards say of formulas, inputs and outputs is so: code and tests are there, modules take and give that."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from conftest import ROOT

import zoo_core as zoo
from zoo_core import Card
from zoo_core.cards.takes import Takes
from zoo_core.cli import run
from zoo_core.packages import entries
from zoo_core.plugin import equations, registry

MODELS = [name for name, model in registry.load_all().items() if isinstance(model, registry.Model)]
EQUATIONS = [(name, one) for name in MODELS for one in registry.load(name).card.equations]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "equation"), EQUATIONS, ids=lambda value: getattr(value, "code", value))
def test_a_formula_leads_to_its_lines_and_to_a_test_that_uses_them(name: str, equation: zoo.Equation) -> None:
    lines = equations.find(entries.find(entries.MODELS, name, "model", ""), equation)
    source = lines.path.read_text(encoding="utf-8").splitlines()
    called = equation.code.rpartition(":")[2].rpartition(".")[2]
    assert re.match(rf"\s*def {called}\(", source[lines.first - 1])
    assert all(text == source[number - 1].strip() or text in source[number - 1] for number, text in lines.text)
    file, _, test = equation.test.partition("::")
    functions = {node.name: node for node in tree(ROOT / file).body if isinstance(node, ast.FunctionDef)}
    assert test in functions, f"{name}: there is no {equation.test}"
    used = names_in(functions[test])
    used |= {word for helper in used & set(functions) for word in names_in(functions[helper])}
    owner = equation.code.rpartition(":")[2].partition(".")[0]  # a method is called through its class
    assert {called, owner, USED_BY.get(equation.code, called)} & used, f"{equation.test} does not use {called}"


USED_BY = {  # what a test calls that is made of the code in question
    ".t5:Attention.forward": "T5", ".model:Autoencoder.forward": "load", ".fisher:squared_gradients": "importance",
}  # fmt: skip


def names_in(function: ast.FunctionDef) -> set[str]:
    """Every name and attribute in a function, those of its arguments too."""
    nodes = list(ast.walk(function))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return (
        names
        | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        | {node.arg for node in nodes if isinstance(node, ast.arg)}
    )


@pytest.mark.parametrize("name", MODELS)
def test_every_model_explains_itself(name: str) -> None:
    card = registry.load(name).card
    assert card.equations and card.takes and card.gives
    assert run(["explain", name]) == 0


@pytest.mark.parametrize("name", [name for name in MODELS if name != "t5-summarizer"])
def test_a_module_takes_and_gives_what_its_card_says(name: str) -> None:
    card, module = registry.load(name).card, zoo.load(name)
    takes: tuple[Takes, ...] = module.takes  # type: ignore[assignment]
    said = [part.partition(":")[0] for part in card.takes.split("; ")]
    assert [str(one).partition(" in ")[0] for one in takes] == [part.partition(" in ")[0] for part in said]
    assert all(str(one) in part for one, part in zip(takes, said, strict=True) if one.low is not None)
    shapes = [[2 if side == "b" else int(side) for side in one.shape] for one in takes]
    given = [torch.randint(0, 9, shape) if one.whole else torch.rand(shape)
             for one, shape in zip(takes, shapes, strict=True)]  # fmt: skip
    out = module(*given)
    out = out if isinstance(out, tuple) else (out,)
    stated = [[2 if side == "b" else int(side) for side in shape.split(", ")]
              for shape in re.findall(r"\[(b[^\]]*)\]", card.gives)]  # fmt: skip
    stated *= len(out) if "each" in card.gives else 1
    assert [list(one.shape) for one in out] == stated


def test_a_formula_without_code_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = entries.find(entries.MODELS, "ewc", "model", "")
    for code in (".fisher:nothing", ".nothing:f", "nothing.at.all:f", ".model:Learner.nothing", ":train"):
        with pytest.raises(zoo.PluginError, match=f"ewc has no {re.escape(code)}"):
            equations.find(entry, zoo.Equation("x", "y", code))


def test_what_is_no_code_is_no_card() -> None:
    card: Card = registry.load("ewc").card
    import dataclasses

    from zoo_core.plugin.checking import check_card

    for code in ("", "x", "model:", "model:f()", "../model:f", "a b:f"):
        with pytest.raises(ValueError, match="equations"):
            check_card(dataclasses.replace(card, equations=(zoo.Equation("x", "y", code),)))
