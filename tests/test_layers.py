"""The architecture, read from syntax trees: who may import whom, and which library belongs to which file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*(ROOT / "zoo_core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])
ORDER = [  # a room knows those above it in this list, never those beside or below it
    {"errors", "lazy", "signals", "threads"},
    {"sharing"},
    {"draws"},
    {"files", "formats"},
    {"packages"},
    {"results", "hub", "cards"},
    {"data", "weights"},
    {"run"},
    {"plugin"},
    {"kits"},
    {"api"},
    {"demo", "publish", "reproduce", "testing", ""},  # the last is the package itself, with its public names
    {"cli"},
    {"__main__"},
]
FLOORS = 10  # at most so many rooms stand on top of one another
PUBLIC = {
    "zoo_core",
    *(f"zoo_core.{name}" for name in ("data", "draws", "kits", "sharing", "testing")),
}  # what a plugin may import
ONLY = {  # a library that only some files may import
    "safetensors": set(),  # the format is read and written in weights/tensorfile.py; tests compare with the library
    "huggingface_hub": {"zoo_core/hub/client.py"},
    "yaml": set(),  # the Hub's library reads and writes the metadata of cards
    "click": {
        f"zoo_core/cli/{name}.py"
        for name in (
            "__init__",
            "commands",
            "data",
            "demo",
            "explain",
            "export",
            "groups",
            "hub",
            "listing",
            "own_data",
            "plan",
            "plugin",
            "plugins",
            "replay",
            "reproduce",
            "runs",
            "sweep",
            "trainings",
            "updates",
            "values",
            "verbs",
            "weights",
        )
    },
    "rich": {
        f"zoo_core/cli/{name}.py"
        for name in (
            "live",
            "render",
            "render_claims",
            "render_data",
            "render_metrics",
            "render_models",
            "render_plugin",
            "render_results",
            "render_runs",
            "screen",
        )
    },
    "torchvision": set(),  # a requirement of users' notebooks; tests compare with its readers
    "scipy": {"zoo_core/data/builtin/svhn.py"},
    "accelerate": {
        "zoo_core/run/devices.py",
        "zoo_core/run/descent.py",
        "zoo_core/run/parts.py",
        "zoo_core/run/run.py",
    },
    "pluggy": {"zoo_core/plugin/hookspecs.py", "zoo_core/plugin/registry.py"},
    "matplotlib": {"zoo_core/results/plots.py"},
    "PIL": {
        *(f"zoo_core/results/{name}.py" for name in ("encoding", "film", "images", "kinds", "media")),
        *(f"zoo_core/results/{name}.py" for name in ("pictures", "plots", "provenance")),
        "zoo_core/data/own/decoding.py",
        "zoo_core/data/given.py",
    },
    "tomlkit": {"zoo_core/packages/settings.py", "zoo_core/weights/pins.py"},
    "model_signing": {"zoo_core/publish/signing.py"},
    "cryptography": {"zoo_core/publish/signing.py"},
    "tqdm": {"zoo_core/run/notebook.py"},  # the bars of notebooks; those of the terminal are rich's
    "trackio": {"plugins/zoo_trackio/__init__.py"},
    "gradio": {"zoo_core/demo/page.py"},
    "fastapi": {"zoo_core/demo/page.py", "zoo_core/demo/serving.py"},
    "uvicorn": {"zoo_core/demo/serving.py"},
    "transformers": set(),  # it takes seconds to import; the tests compare with it
    "tokenizers": {f"plugins/zoo_t5_summarizer/{name}.py" for name in ("tokens", "model", "training", "published")},
    "rouge_score": {"plugins/zoo_t5_summarizer/rouge.py"},
    "ray": {"zoo_core/reproduce/on_ray.py"},
    "submitit": {"zoo_core/reproduce/on_slurm.py"},
    "onnx": {"zoo_core/api/exporting/graph.py"},
    "onnxruntime": {"zoo_core/api/exporting/graph.py"},
    "datasets": {"zoo_core/data/texts.py", "zoo_core/data/own/hub_rows.py"},
}
HEAVY = {
    "torch",
    "scipy",
    "numpy",
    "PIL",
    "matplotlib",
    "huggingface_hub",
    "accelerate",
    "torchvision",
    "tokenizers",
    "ray",
    "submitit",
    "onnx",
    "onnxruntime",
    "gradio",
    "fastapi",
    "uvicorn",
}
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


def module_of(file: Path) -> str:
    """The name that a file is imported by."""
    parts = file.relative_to(ROOT if file.is_relative_to(ROOT / "zoo_core") else ROOT / "plugins").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def room(module: str) -> str:
    """``zoo_core.run.state`` belongs to ``run``."""
    return module.partition(".")[2].partition(".")[0]


def height(module: str) -> int:
    return next(level for level, rooms in enumerate(ORDER) if room(module) in rooms)


def _typing_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _nodes(tree: ast.Module, at_import: bool) -> Iterator[ast.stmt]:
    """Import statements: all of them, or those that run when the file is imported."""
    for node in ast.walk(tree) if not at_import else [n for n in tree.body if not _typing_only(n)]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


@cache
def imports(module: str, at_import: bool = False) -> frozenset[str]:
    """Absolute names of the modules that a module imports; of a package's names those that are modules.

    Args:
        at_import: only those that are imported along with it; else also in functions and for types.
    """
    file = MODULES[module]
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    names: set[str] = set()
    for node in _nodes(ast.parse(file.read_text(encoding="utf-8")), at_import):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            children = {f"{base}.{alias.name}" for alias in node.names}
            names |= {child if child in MODULES else base for child in children}
    return frozenset(names)


def ours(module: str) -> frozenset[str]:
    """What a module of the zoo imports of the zoo's core."""
    return frozenset(name for name in imports(module) if name.split(".")[0] == "zoo_core")


CORE = [module for module in MODULES if module.split(".")[0] == "zoo_core"]


@pytest.mark.parametrize("module", CORE)
def test_no_room_knows_a_higher_one(module: str) -> None:
    for other in ours(module):
        assert height(other) <= height(module), f"{module} imports {other}, which stands above it"
        if height(other) == height(module):
            assert room(other) == room(module), f"{module} imports {other}, which stands beside it"


def test_no_files_go_in_a_circle() -> None:
    """Types included: a type that is only named for a checker binds two files all the same."""
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"a circle: {' -> '.join([*above[above.index(module) :], module])}"
        for name in ours(module) - done if module in MODULES else ():
            visit(name, (*above, module))
        done.add(module)

    for module in CORE:
        visit(module, ())


def test_the_house_is_low() -> None:
    below: dict[str, set[str]] = {}
    for module in CORE:
        below.setdefault(room(module), set()).update({room(name) for name in ours(module)} - {room(module)})

    def floor(place: str) -> int:
        return 1 + max((floor(lower) for lower in below.get(place, ())), default=0)

    floors = {place: floor(place) for place in below}
    assert max(floors.values()) <= FLOORS, floors


@pytest.mark.parametrize("module", MODULES)
def test_a_library_stays_in_its_file(module: str) -> None:
    name = str(MODULES[module].relative_to(ROOT))
    roots = {imported.split(".")[0] for imported in imports(module)}
    for library, allowed in ONLY.items():
        assert library not in roots or name in allowed, f"{name} imports {library}"
    assert not roots & FORBIDDEN


@pytest.mark.parametrize("module", [m for m in MODULES if m.split(".")[0] != "zoo_core"])
def test_plugins_use_what_is_public(module: str) -> None:
    own = module.split(".")[0]
    for other in imports(module):
        if other.startswith("zoo_") and other.split(".")[0] != own:
            public = any(other == name or (name != "zoo_core" and other.startswith(name + ".")) for name in PUBLIC)
            assert public, f"{module} imports {other}"


def test_the_core_names_no_plugin() -> None:
    plugins = {module.split(".")[0] for module in MODULES} - {"zoo_core"}
    for module in CORE:
        assert not {name.split(".")[0] for name in imports(module)} & plugins, module


COMMANDS = sorted(  # most are imported when they are asked for; help imports all of them, a doctor nobody
    module for module in MODULES if room(module) == "cli" and module != "zoo_core.cli.doctor"
)
LIGHT = ["zoo_core", *COMMANDS, *sorted({m.split(".")[0] for m in MODULES} - {"zoo_core"})]


@pytest.mark.parametrize("start", LIGHT)
def test_what_a_light_command_imports_is_light(start: str) -> None:
    """Followed from import to import: neither the command line nor a face reaches a slow library."""
    seen: dict[str, str] = {start: ""}
    for module in (queue := [start]):
        parents = {".".join(module.split(".")[:i]) for i in range(1, module.count(".") + 1)}
        for name in imports(module, at_import=True) | parents if module in MODULES else ():
            assert name.split(".")[0] not in HEAVY, f"{module} imports {name}; it is imported by {seen[module]}"
            if name in MODULES and name not in seen:
                seen[name] = module
                queue.append(name)


@pytest.mark.parametrize("package", sorted({room(m) for m in CORE if MODULES[m].name == "__init__.py"} - {""}))
def test_a_room_says_what_is_in_it_and_what_it_imports(package: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / "zoo_core" / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    said = re.search(r"^Imports ([^.]+)\.$", text, re.M)
    used = {room(name) for module in CORE if room(module) == package for name in ours(module)} - {package, ""}
    assert said and set(re.split(r",\s+", said[1])) == used, f"zoo_core/{package}/__init__.py: Imports {sorted(used)}"


def test_the_core_knows_no_kit() -> None:
    """Kits stand beside the plugins: what uses one is a plugin, not the zoo."""
    for module in CORE:
        assert room(module) == "kits" or "kits" not in {room(name) for name in ours(module)}, module


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_evaluated_or_unpickled(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "torch.load", "torch.save", "os.system", "__import__"}, called
            assert not any(k.arg == "shell" for k in node.keywords), f"a shell at line {node.lineno}"


@pytest.mark.parametrize("module", MODULES)
def test_a_file_fits_a_sitting_and_a_function_a_screen(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.body[0].lineno
            lines = (node.end_lineno or start) - start + 1
            assert lines <= 30, f"{module}.{node.name} has {lines} lines below its docstring"
