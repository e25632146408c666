"""Writes docs/json.md and docs/json.schema.json, what the commands print with ``--json``: a test compares them.

python docs/make_json.py
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import is_typeddict

from zoo_core.cli import answers, answers_data, answers_others, answers_results, answers_runs, answers_weights

HERE = Path(__file__).parent
PAGE, SCHEMA = HERE / "json.md", HERE / "json.schema.json"
MODULES = (answers, answers_runs, answers_weights, answers_data, answers_others, answers_results)
HEAD = f"""# JSON

With `--json` a command prints one JSON object on standard output and nothing else. `format` is the version of this
page, now {answers.FORMAT}: as long as it stays, fields are added, and none is removed or comes to mean something else.
`command` says what was run; whatever fails prints `command` and `error`, and exits with `error.code`.

[json.schema.json](json.schema.json) is the same as a JSON Schema (draft 2020-12). `docs/make_json.py` writes both.
"""


def answer_types() -> Iterator[tuple[str, Any]]:
    """What can be printed, each with the command that prints it; an error last."""
    for module in MODULES:
        for kind in vars(module).values():
            if is_typeddict(kind) and kind.__module__ == module.__name__ and "command" in kind.__annotations__:
                said = typing.get_args(typing.get_type_hints(kind, include_extras=True)["command"])
                if said:
                    yield ", ".join(said), kind
    yield "any command that fails", answers.Failed


def schema() -> dict[str, Any]:
    """The JSON Schema of everything that is printed."""
    kinds = [kind for _, kind in answer_types()]
    one: Any = typing.Union[tuple(kinds)]  # noqa: UP007  # they are known at run time only
    made = TypeAdapter(one).json_schema()
    version = {"const": answers.FORMAT, "description": "version of the fields"}
    for kind in kinds:
        entry = made["$defs"][kind.__name__]
        entry["properties"] = {"format": version, **entry["properties"]}
        entry["required"] = ["format", *entry["required"]]
    for entry in made["$defs"].values():
        entry["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What zoo prints with --json",
        **_plain(made),
    }  # fmt: skip


def _plain(part: Any) -> Any:
    """The schema without the titles that only repeat a name."""
    if isinstance(part, Mapping):
        is_properties = "type" not in part and all(isinstance(value, Mapping) for value in part.values())
        return {key: _plain(value) for key, value in part.items() if key != "title" or is_properties}
    return [_plain(one) for one in part] if isinstance(part, list) else part


def page() -> str:
    """The page: a table for each command, and one for each thing that stands in several."""
    found = schema()["$defs"]
    printed = {kind.__name__: command for command, kind in answer_types()}
    blocks = [
        _block(f"zoo {command} --json" if name != "Failed" else "An error", found[name])
        for name, command in printed.items()
    ]
    blocks += [_block(name, found[name]) for name in sorted(set(found) - set(printed))]
    return HEAD + "".join(blocks)


def _block(title: str, entry: Mapping[str, Any]) -> str:
    rows = [
        f"| `{name}`{'' if name in entry['required'] else ' (where there are any)'} | {_kind(field)} | "
        f"{field.get('description', '').replace('|', chr(92) + '|')} |"
        for name, field in entry["properties"].items() if name not in ("format", "command")
    ]  # fmt: skip
    said = entry.get("description", "")
    said = "" if said.startswith("``zoo") and "; " not in said else f"\n{said}\n"
    return f"\n## {title}\n{said}\n| field | type | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _kind(field: Mapping[str, Any]) -> str:
    """The type of a field in words."""
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in field or "enum" in field:
        return " or ".join(f"`{json.dumps(value)}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}" if field.get("items") else "list"
    if isinstance(inner := field.get("additionalProperties"), Mapping) and inner:
        return f"object of {_kind(inner)}"
    return str(field.get("type", "anything"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
