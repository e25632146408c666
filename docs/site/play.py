"""Pages that run the models in a browser: what `zoo export MODEL --format html --beside` writes, one for each model.

The program that runs them is fetched once, and lies beside them. Where it cannot be had the site has none of them, or,
where ``ZOO_PLAY`` is ``required``, is not built.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import zoo_core as zoo
from zoo_core import NetworkError, UsageError
from zoo_core.api.exporting import graph, runtime

PLACE = "play"  # beside the pages of the models


def pages(names: Iterable[str]) -> dict[str, bytes]:
    """The page of every one of these models that can be exported, ``NAME.html``, and the program that runs them all.

    Returns:
        nothing where the program is not there.

    Raises:
        NetworkError: it is not, and is required.
    """
    try:
        runtime.script()
    except NetworkError as error:
        if os.environ.get("ZOO_PLAY") == "required":
            raise
        print(f"no model can be tried in the site: {error.message}", file=sys.stderr)
        return {}
    graph.check_libraries()
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            with suppress(UsageError):  # of a model that has nothing to export
                zoo.export(name, output=Path(folder) / f"{name}.html", beside=True)
        return {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())}


def section(name: str, files: Mapping[str, bytes]) -> str:
    """What stands on a model's page; nothing where it has no page among these files."""
    page = f"{name}.html"
    if page not in files:
        return ""
    size = sum(len(content) for file, content in files.items() if file == page or file.endswith(".js"))
    return SECTION.format(name=name, place=f"{PLACE}/{page}", size=size / 1e6)


# It is loaded when it is opened: a browser loads a lazy frame within closed details as soon as it is near.
SECTION = """## Try it here

<details class="example play" ontoggle="const page = this.querySelector('iframe'); page.src ||= page.dataset.src">
<summary>Run {name} in this page: {size:.0f} MB, and nothing is sent anywhere</summary>
<iframe data-src="{place}" title="{name}, running in your browser"></iframe></details>

[Open it in full]({place}); `zoo export {name} --format html` writes it: [models without the zoo](../export.md).
"""
