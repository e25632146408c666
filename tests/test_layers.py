"""The layering of the code, read from its syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*(ROOT / "zoo_core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])
HEAVY = {
    "tensorfile",
    "run",
    "inputs",
    "images",
    "distances",
    "state",
    "devices",
    "curves",
    "learning",
    "accuracy",
}  # import torch at their top
ONLY = {  # a library that only some files may import
    "safetensors": {"zoo_core/weights/tensorfile.py"},
    "huggingface_hub": {"zoo_core/hub/client.py"},
    "yaml": {"zoo_core/publish/modelcard.py"},
    "click": {"zoo_core/cli/__init__.py", "zoo_core/cli/commands.py", "zoo_core/cli/plugins.py", "zoo_core/cli/hub.py"},
    "rich": {"zoo_core/cli/render.py"},
    "torchvision": {"zoo_core/data/images.py"},
    "accelerate": {"zoo_core/run/run.py"},
    "pluggy": {"zoo_core/plugin/hookspecs.py", "zoo_core/plugin/registry.py"},
    "transformers": set(),  # it takes seconds to import; the tests compare with it
    "tokenizers": {f"plugins/zoo_t5_summarizer/{name}.py" for name in ("tokens", "model", "training", "published")},
    "rouge_score": {"plugins/zoo_t5_summarizer/rouge.py"},
    "datasets": {"zoo_core/data/texts.py"},
}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


def imports(tree: ast.AST, top_only: bool = False) -> set[str]:
    """Modules that a file imports; relative ones keep their dots."""
    nodes = list(ast.walk(tree))
    if top_only:
        nodes = list(tree.body)  # type: ignore[attr-defined]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found |= {base} if node.module else {base + alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_layers(file: Path) -> None:
    name, tree = str(file.relative_to(ROOT)), ast.parse(file.read_text())
    modules, at_top = imports(tree), imports(tree, top_only=True)
    roots = {module.split(".")[0] for module in modules}
    for library, allowed in ONLY.items():
        assert library not in roots or name in allowed, f"{name} imports {library}"
    assert not roots & FORBIDDEN_MODULES
    light = (
        name.startswith("zoo_core/") and file.stem not in {*HEAVY, "folder", "find", "bundle", "parcel"}
    ) or file.name == "__init__.py"
    if light:
        assert not {m.split(".")[0] for m in at_top} & {"torch", "numpy", "PIL", "matplotlib"}, (
            f"{name} is slow to import"
        )
        assert not {m.lstrip(".").split(".")[-1] for m in at_top if m.startswith(".")} & HEAVY, (
            f"{name} is slow to import"
        )
    if name.startswith("plugins/"):
        own = file.parent.name
        others = {m for m in roots if m.startswith("zoo_")} - {own, "zoo_core"}
        assert not others, f"{name} imports another plugin: {others}"
        assert not {m for m in modules if m.startswith(("zoo_core.cli", "zoo_core.hub", "zoo_core.registry"))}
    else:
        assert not {m for m in roots if m.startswith("zoo_") and m != "zoo_core"}, f"{name} names a plugin"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_nothing_is_evaluated_or_unpickled(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "torch.load", "torch.save", "os.system", "__import__"}, called
            assert not any(k.arg == "shell" for k in node.keywords), f"a shell at line {node.lineno}"
