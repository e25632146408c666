"""What strangers write and do: no text steers a terminal, no card that is none is taken, no face stops the others."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Zoo, answered, read_json
from test_plugins import DECLARED, FACE, GOOD, IN_THE_HOOK, changed, distribution

from zoo_core.cli import render, run, screen
from zoo_core.errors import Interrupted, PluginError, printable
from zoo_core.plugin import registry
from zoo_core.results.kinds import Figure, HeatMap, Table, Texts
from zoo_core.run.reporter import Progress

ESC = "\x1b[2J\x1b]0;title\x07"
STEERING = f"{ESC} \x9b31m \u202etxt.exe \ud800 \u2066x\u2069 \r"
MARKUP = "a[/q] [red]b :bug: [bold]c[/bold]"

Plugged = Callable[[str], None]


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugged]:
    """Install a plugin 'pixels' of the distribution zoo-odd with the face that is given, in this process."""

    def install(face: str) -> None:
        distribution(tmp_path / "site", "zoo-odd", "pixels", DECLARED.format("odd"), face)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    yield install
    for module in [name for name in sys.modules if name.partition(".")[0] == "zoo_odd"]:
        del sys.modules[module]


# -- texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("console", ["out", "err"])
def test_no_text_steers_the_terminal(console: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever prints it: a line, an error, a note, a table, a checklist; markup and emoji codes stay what they are."""
    written = io.StringIO()
    for one in (screen.out, screen.err):
        monkeypatch.setattr(one, "_file", written)
    text = f"{STEERING}{MARKUP}"
    render.line(text)
    render.error(text, text)
    render.trace(text)
    render.checks([(text, text, False, text, text)])
    reporter = render.TerminalReporter()
    reporter.warn(text)
    reporter.tell(text)
    table = screen.new_table(text, "other")
    table.add_row(text, MARKUP)
    getattr(screen, console).print(table)
    shown = written.getvalue()
    assert shown == printable(shown) and "txt.exe" in shown
    assert shown.count("[/q] [red]b :bug:") >= 8


def test_the_progress_bar_shows_names_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(screen.err, "_file", written)
    monkeypatch.setattr(screen.err, "_force_terminal", True)
    monkeypatch.setattr(screen.err, "is_interactive", True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(screen.err, "_width", 110)
    reporter = render.TerminalReporter()
    reporter.progress(Progress("training", 1, 2, {f"{ESC}[/q]:bug:": 1.0}))
    reporter._bar.refresh()
    reporter.close()
    assert "[/q]:bug:" in written.getvalue() and ESC not in written.getvalue() and "\x07" not in written.getvalue()


class Odd:
    """A thing that cannot even be said."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_json_is_json_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    circle: list[Any] = []
    circle.append(circle)
    value: dict[Any, Any] = {
        "text": STEERING + MARKUP, "nan": [1.5, float("nan"), {"deep": (float("inf"),)}], 3: Path("x"), "odd": Odd(),
        "long": 10**5000, "circle": circle, STEERING: None, "bool": True,
    }  # fmt: skip
    screen.json_out(value)
    text = capsys.readouterr().out

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    assert text == printable(text)
    text.encode()
    read = json.loads(text, parse_constant=refuse)
    assert read["text"] == value["text"] and read["nan"] == [1.5, None, {"deep": [None]}] and read["3"] == "x"
    assert read["odd"] == "Odd" and read["long"] == "int" and STEERING in read and read["bool"] is True


def test_output_goes_to_a_terminal_of_few_letters(zoo: Zoo) -> None:
    env = {"PYTHONIOENCODING": "ascii"}
    assert zoo("list", env=env).returncode == 0
    done = zoo("info", "vae", "--json", env=env)
    assert done.returncode == 0 and done.stdout.isascii() and answered(done.stdout)["model"] == "vae"
    assert zoo("sample", f"é{STEERING.replace(chr(0xD800), '')}", env=env).returncode == 2


def test_a_traceback_steers_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DEBUG", "1")
    assert run(["info", ESC + MARKUP]) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said and said == printable(said) and "[/q] [red]b :bug:" in said


def test_results_that_others_made_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"model": "x.y", "seed": 0, "device": "cpu"}
    table = Table((MARKUP, ESC), (("[/c]", float("nan")), (None, True)), facts)
    render.sampled(table, Path(f"[/p]{ESC}"), False)
    render.sampled(Texts((MARKUP + ESC,), (MARKUP + ESC,), (float("nan"),), facts), Path("x"), False)
    said = capsys.readouterr().out
    assert said == printable(said) and "[/c]" in said and "[/p]" in said and said.count("a[/q] [red]b :bug:") >= 2
    assert table.records()[0] == {MARKUP: "[/c]", ESC: None}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Table((1,), ((1,),)),  # type: ignore[arg-type]
        lambda: Table(("a",), ((object(),),)),
        lambda: Table(("a",), (([1],),)),
        lambda: Table(("a",), ((10**5000,),)),
        lambda: Table(("a",), (("\ud800",),)),
        lambda: Texts((3,)),  # type: ignore[arg-type]
        lambda: Texts(("\udc00",)),
        lambda: Figure(None, "x", "y", ()),  # type: ignore[arg-type]
        lambda: HeatMap("t", "x", "y", ((1.0,),), (1,), ("a",)),  # type: ignore[arg-type]
    ],
)
def test_results_of_odd_types_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(PluginError):
        make()


def test_a_sample_with_odd_columns_is_saved_and_shown(zoo: Zoo, tmp_path: Path) -> None:
    line = "    from zoo_core import Table; return Table(('a[/c]', 'b\\x1b[2J'), ((':bug:', float('nan')),))"
    distribution(tmp_path / "site", "zoo-odd", "pixels", "zoo_odd", changed(GOOD, IN_THE_HOOK, line))
    done = zoo("sample", "pixels", "--untrained", "-o", "x.jsonl", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 0, done.stderr
    assert "a[/c]" in done.stdout and ":bug:" in done.stdout and "\x1b" not in done.stdout
    assert read_json((tmp_path / "x.jsonl").read_text()) == {"a[/c]": ":bug:", "b\x1b[2J": None}


def test_a_sample_that_no_file_can_hold_is_the_plugins_fault(zoo: Zoo, tmp_path: Path) -> None:
    line = "    from zoo_core import Table; return Table(('a',), ((object(),),))"
    distribution(tmp_path / "site", "zoo-odd", "pixels", "zoo_odd", changed(GOOD, IN_THE_HOOK, line))
    done = zoo("sample", "pixels", "--untrained", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 4 and "zoo-odd" in done.stderr and "cell" in done.stderr


# -- notes and interrupts ----------------------------------------------------------------------------------


def test_warnings_of_the_hub_are_notes_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("zoo_core.hub")

    def slow() -> dict[str, str]:
        log.warning("waiting for %s", f"huggingface.co{ESC}[/q]")
        log.info("nothing worth saying")
        return {}

    monkeypatch.setattr("zoo_core.cli.commands.versions", slow)
    for _ in range(2):
        assert run(["version"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("note: waiting for huggingface.co") for line in lines)
    assert all("[/q]" in line and "\x1b" not in line for line in lines)
    assert not log.handlers and log.propagate


@pytest.mark.parametrize(("rank", "words"), [("", "stopped here"), ("0", "stopped here"), ("1", "")])
def test_only_the_first_process_of_a_launcher_says_that_it_was_stopped(
    rank: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> dict[str, str]:
        raise Interrupted("stopped here")

    monkeypatch.setattr("zoo_core.cli.commands.versions", stop)
    monkeypatch.setenv("RANK", rank) if rank else monkeypatch.delenv("RANK", raising=False)
    assert run(["version"]) == 130
    said = capsys.readouterr().err
    assert words in said if words else said == ""


def test_an_error_that_cannot_be_said_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    def fail() -> dict[str, str]:
        raise Mute

    monkeypatch.setattr("zoo_core.cli.commands.versions", fail)
    assert run(["version"]) == 1 and "Mute" in capsys.readouterr().err


# -- cards -------------------------------------------------------------------------------------------------

SUMMARY, METRIC = 'summary="Every pixel an independent Bernoulli variable"', 'Metric("nll", '
PRESETS = 'presets={"default": Preset(Budget(epochs=1), "one pass")}'
EXTRA = (PRESETS, PRESETS + ", ")
OPTIONS = (
    "import zoo_core\nclass Odd(zoo_core.Options):\n    x: {kind} = {value}\n\nCARD = Card(\n    sample_options=Odd,"
)
CARDS = {
    "summary of another type": (SUMMARY, "summary=3", "summary must be a text, not int"),
    "summary that steers": (SUMMARY, 'summary="a\\x1b[2J"', "summary has control characters"),
    "summary of two lines": (SUMMARY, 'summary="a\\nb"', "summary must be one line"),
    "summary without end": (SUMMARY, 'summary="a" * 10**6', "summary has more than"),
    "half a character": (SUMMARY, 'summary="\\ud800"', "summary has control characters"),
    "idea": ('idea="The', 'idea="\\u202eThe', "idea has control characters"),
    "paper": ('paper="none; a template to copy"', "paper=None", "paper must be a text"),
    "licence": ('licence="MIT"', 'licence=b"MIT"', "licence must be a text, not bytes"),
    "install": (*EXTRA, 'install="pip\\x07"', "install has control characters"),
    "task": (*EXTRA, "task=7", "task must be a text"),
    "data sets": ('datasets=("mnist",)', 'datasets="mnist"', "datasets must be a tuple, not str"),
    "libraries": (*EXTRA, 'libraries=("",)', "libraries[0]"),
    "library in a text": (*EXTRA, 'libraries="torch"', "libraries must be a tuple, not str"),
    "no metric": (METRIC, '3, Metric("nll", ', "metrics[0] must be a Metric, not int"),
    "name of a metric": (METRIC, 'Metric("n[/l]", ', "metrics[0].name 'n[/l]' is no name"),
    "metrics of one name": (METRIC, 'Metric("nll", ""), Metric("nll", ', "metrics name one twice"),
    "unit": ('"nats/image"', '"\\x9bnats"', "metrics[0].unit has control characters"),
    "better": ('"lower"', '"[red]"', "metrics[0].better"),
    "decimals": ('"lower")', '"lower", 10**9)', "metrics[0].decimals"),
    "presets of another type": (PRESETS, "presets=3", "presets must be a dictionary, not int"),
    "no presets": (PRESETS, "presets={}", "default_preset does not exist"),
    "no such default": (*EXTRA, 'default_preset="x"', "default_preset does not exist: 'x'"),
    "name of a preset": ('"default": Preset', '"a[/q]": Preset', "presets 'a[/q]' is no name"),
    "empty name of a preset": ('"default": Preset', '"": Preset', "presets '' is no name"),
    "number for a name": ('"default": Preset', "1: Preset", "presets 1 is no name"),
    "no preset": ('Preset(Budget(epochs=1), "one pass")', '"one pass"', "presets['default'] must be a Preset"),
    "options of a preset": ("Budget(epochs=1)", "{}", "presets['default'].options must be Options, not dict"),
    "summary of a preset": ('"one pass"', "None", "presets['default'].summary must be a text"),
    "published text": ('"one pass"', '"", {"nll": "1"}', "published['nll'] must be a finite number"),
    "published nothing": ('"one pass"', '"", {"nll": float("nan")}', "published['nll'] must be a finite number"),
    "published too much": ('"one pass"', '"", {"nll": 10**5000}', "published['nll'] must be a finite number"),
    "name of a figure": ('"one pass"', '"", {"n\\n": 1.0}', "is no name"),
    "tiny": (*EXTRA, "tiny=3", "tiny must be a dictionary"),
    "version": (*EXTRA, 'options_version="1"', "options_version"),
    "migrate": (*EXTRA, "migrate=3", "migrate must be a function"),
    "no options": (*EXTRA, "sample_options=dict", "sample_options must be a subclass of Options"),
    "instance of options": (*EXTRA, "evaluate_options=Budget()", "evaluate_options must be a subclass of Options"),
    "help": ("CARD = Card(", OPTIONS.format(kind="int", value='zoo_core.option(1, "a\\x1b")'), "help has control"),
    "unit of an option": (
        "CARD = Card(", OPTIONS.format(kind="int", value='zoo_core.option(1, "a", unit="\\x9b")'), "unit has control"
    ),
    "choices": (
        "CARD = Card(", "from typing import Literal\n" + OPTIONS.format(kind='Literal["a\\x1b"]', value='"a\\x1b"'),
        "choices[0] has control",
    ),
    "type of an option": ("CARD = Card(", OPTIONS.format(kind="dict", value="{}"), "which no flag can express"),
    "no default": ("CARD = Card(", OPTIONS.format(kind="int", value="zoo_core.option(..., 'a')"), "have a default"),
}  # fmt: skip


@pytest.mark.parametrize("fault", CARDS)
def test_a_card_that_is_none_is_named_with_its_field(fault: str, plugged: Plugged) -> None:
    old, *new, said = CARDS[fault]
    plugged(changed(FACE, old, "".join(new)))
    with pytest.raises(PluginError) as caught:
        registry.load("pixels")
    assert "'pixels'" in caught.value.message and "'zoo-odd'" in caught.value.message
    assert said in caught.value.message and "pip" in caught.value.hint
    loaded = registry.load_all()
    assert isinstance(loaded["pixels"], PluginError) and isinstance(loaded["vae"], registry.Model)


def test_a_good_card_passes(plugged: Plugged) -> None:
    plugged(FACE)
    assert registry.load("pixels").card.default_preset == "default"


def test_a_default_that_is_out_of_range_is_the_plugins_fault(
    plugged: Plugged, capsys: pytest.CaptureFixture[str]
) -> None:
    plugged(changed(FACE, "CARD = Card(", OPTIONS.format(kind="int", value='zoo_core.option(0, "a", ge=1)')))
    assert run(["sample", "pixels", "--help"]) == 4
    said = capsys.readouterr()
    assert "zoo-odd" in said.err and said.out == ""


# -- faces -------------------------------------------------------------------------------------------------


def named(name: str) -> str:
    """A good face of another name."""
    return changed(GOOD, 'name="pixels"', f'name="{name}"')


FACES = {
    "interrupts": "raise KeyboardInterrupt",
    "leaves": "raise GeneratorExit",
    "mute": "class Mute(Exception):\n    def __str__(self): raise SystemExit\nraise Mute",
    "steers": f"raise RuntimeError({ESC + MARKUP!r})",
    "prints": f"print({ESC + MARKUP!r})\n" + named("prints"),
    "closes": "import sys\nsys.stdout.close()\n" + named("closes"),
    "walks": "import os\nos.chdir('/')\n" + named("walks"),
    "late": changed(named("late"), "    return Card(", "    import sys; sys.exit(3)\n    return Card("),
    "lists": "from zoo_core import hookimpl\n\n@hookimpl\ndef card():\n    return [1]\n",
    "property": "class P:\n    @property\n    def x(self): raise SystemExit(5)\nplugin = P()\n",
    "dumps": named("dumps").replace("@hookimpl\ndef card", "class Own(Budget):\n    def model_dump(self, **_):"
                                          "\n        raise SystemExit(3)\n\n@hookimpl\ndef card")
                                 .replace("Budget(epochs", "Own(epochs"),
    "summarises": changed(named("summarises"), 'summary="Every', f'summary="{MARKUP} Every'),
}  # fmt: skip
WELL = {"prints", "closes", "walks", "dumps", "summarises"}  # what can be loaded


@pytest.fixture
def crowd(tmp_path: Path) -> dict[str, str]:
    """An environment with all faces at once, and distributions whose metadata or entry points are damaged."""
    site = tmp_path / "site"
    for name, code in FACES.items():
        value = "zoo_property:plugin" if name == "property" else f"zoo_{name}"
        distribution(site, f"zoo-{name}", name, value, code)
    distribution(site, "zoo-nameless", "a[/q]", "zoo_nameless", "raise SystemExit")
    distribution(site, "zoo-valueless", "valueless", "!!", None)
    distribution(site, "zoo-undecodable", "undecodable", "zoo_undecodable", "")
    (site / "zoo_undecodable-1.0.dist-info" / "entry_points.txt").write_bytes(b"[zoo.plugins]\n\xff = \xfe\n")
    distribution(site, "zoo-bare", "bare", "zoo_bare", "")
    (site / "zoo_bare-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe")
    return {"PYTHONPATH": str(site)}


def test_no_face_stops_the_others(zoo: Zoo, crowd: dict[str, str]) -> None:
    for arguments in (["list"], ["sample", "--help"], ["info", "vae"], ["weights", "list"]):
        done = zoo(*arguments, env=crowd)
        assert done.returncode == 0 and "Traceback" not in done.stderr, (arguments, done.stderr)
        assert "vae" in done.stdout and done.stdout == printable(done.stdout) and done.stderr == printable(done.stderr)
    listed = {row["model"]: row for row in answered(zoo("list", "--json", env=crowd).stdout)["models"]}
    for name in FACES:
        assert ("error" in listed[name]) == (name not in WELL - {"dumps"}), listed[name]
    assert {"a[/q]", "valueless", "bare"} <= {name for name, row in listed.items() if "error" in row}
    assert "error" not in listed["vae"] and "undecodable" not in listed


def test_what_a_face_prints_is_a_note(zoo: Zoo, crowd: dict[str, str]) -> None:
    done = zoo("info", "prints", "--json", env=crowd)
    assert answered(done.stdout)["model"] == "prints"
    assert done.stderr.startswith("note: plugin 'prints' of distribution 'zoo-prints' prints: ")
    assert "[/q]" in done.stderr and "\x1b" not in done.stderr


def test_the_doctor_names_them_all(zoo: Zoo, crowd: dict[str, str]) -> None:
    done = zoo("doctor", "--json", env=crowd)
    plugins = {row["name"]: row for row in answered(done.stdout)["checks"] if row["kind"] == "plugin"}
    assert done.returncode == 4 and plugins["vae"]["ok"]
    assert {name for name in FACES if plugins[name]["ok"]} == WELL - {"dumps"}
    assert all(row["remedy"] for row in plugins.values() if not row["ok"])
    assert zoo("doctor", env=crowd).returncode == 4


def test_a_folder_that_a_face_left_for_is_where_we_are(zoo: Zoo, crowd: dict[str, str], tmp_path: Path) -> None:
    done = zoo("sample", "walks", "--untrained", "-o", "here.png", env=crowd)
    assert done.returncode == 0 and (tmp_path / "here.png").exists(), done.stderr


def test_what_a_hook_prints_is_no_part_of_the_json(zoo: Zoo, tmp_path: Path) -> None:
    face = changed(named("chatty"), "return model.sample(checkpoint)",
                   'print("hello\\nworld")\n    return model.sample(checkpoint)')  # fmt: skip
    distribution(tmp_path / "site", "zoo-chatty", "chatty", "zoo_chatty", face)
    done = zoo("sample", "chatty", "--untrained", "--json", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 0, done.stderr
    assert answered(done.stdout)["path"].endswith(".png") and "hello\nworld" in done.stderr
