"""Every benchmark runs, prints numbers that are possible, and refuses those that are not. No test is of a speed."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import _measure
import _turns
import _ways
import pytest
import speed
from conftest import ROOT, SLICES, environment

BENCHMARKS = ROOT / "benchmarks"
PROGRAMS = sorted(path.stem for path in BENCHMARKS.glob("*.py") if '__name__ == "__main__"' in path.read_text())
MARKDOWN = ("summaries",)  # its figures are metrics, which may be zero, not speeds
WORDS = {"-", _measure.ABSENT, speed.LEFT_OUT}  # what a cell may say instead of a number
NUMBER = re.compile(r"(-?[\d,]*\.?\d+|-?inf|nan)(?:x|%| s)?(?: \[\d+\.\d\d, \d+\.\d\d\])?")


def start(program: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a benchmark; one thread, since other tests share the cores."""
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{program}.py"), *arguments],
        cwd=ROOT, env=environment(OMP_NUM_THREADS="1", **env), capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def numbers(output: str) -> list[float]:
    """All numbers of a table whose cells are set apart by two blanks; each is asserted to be possible."""
    rows = [re.split(r"\s{2,}", line) for line in output.splitlines() if re.search(r"\S\s{2,}\S", line)]
    columns, found = len(rows[0]), list[float]()
    for row in rows[1:]:
        assert len(row) == columns, row
        for cell in row[1:]:
            if cell in WORDS:
                continue
            match = NUMBER.fullmatch(cell)
            assert match, f"'{cell}' is no number"
            found.append(float(match[1].replace(",", "")))
            assert math.isfinite(found[-1]) and found[-1] > 0, row
    return found


def figures(output: str) -> list[float]:
    """All numbers that have a cell of a Markdown table for themselves, or begin one with an interval or a time."""
    cells = [
        cell.strip(" *") for line in output.splitlines() if line.startswith("| ") for cell in line.split("|")[1:-1]
    ]
    found = [match[1] for cell in cells if (match := re.match(r"(-?[\d,]+\.?\d*)(?= s\b| \[|$)", cell))]
    return [float(number.replace(",", "")) for number in found]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny runs of `summaries` are left, so that only the first of its tests trains them."""
    return tmp_path_factory.mktemp("runs")


def test_there_are_programs_to_test() -> None:
    """What is no program begins with an underscore, so that nothing is left out unseen."""
    assert sorted(path.stem for path in BENCHMARKS.glob("[!_]*.py")) == PROGRAMS
    assert {"speed", *MARKDOWN} <= set(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_quick_run_prints_numbers_that_are_possible(program: str, runs: Path) -> None:
    done = start(program, "--quick", *([str(runs)] if program == "summaries" else []))
    assert done.returncode == 0, done.stderr
    found = figures(done.stdout) if program in MARKDOWN else numbers(done.stdout)
    assert found and all(map(math.isfinite, found)), done.stdout


def test_summaries_measure_again_the_runs_that_are_there(runs: Path) -> None:
    """Every run has its line, with scores in percent, and none is trained twice."""
    import summaries

    first, again = (start("summaries", "--quick", str(runs), "--data-root", str(SLICES)) for _ in range(2))
    assert first.stdout == again.stdout and "nothing to resume" not in again.stderr
    for _, name, _ in summaries.RUNS.values():
        assert f"| {name} | " in first.stdout
    for line in (line for line in first.stdout.splitlines() if re.match(r"\| (?!-)", line)):
        assert all(0 <= number <= 100 for number in figures(line)[:3]), line


@pytest.mark.parametrize("way", ["tutorial", "zoo"])
def test_each_way_runs_alone(way: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that needs another way has no number."""
    asked = ["--quick", "--models", "pg-classifier", "--ways", way, "--data-root", str(SLICES)]
    monkeypatch.setattr("sys.argv", ["speed.py", *asked])
    speed.main()
    machine, _, table = capsys.readouterr().out.partition("\n\n")
    assert " cores, " in machine and " threads, torch " in machine
    assert len(numbers(table)) == (2 if way == "zoo" else 1) and f"pg-classifier: {way}" in table


@pytest.mark.parametrize("option", ["--ways", "--models"])
def test_a_way_that_is_not_there_is_named(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["speed.py", "--quick", option, "teleport"])
    with pytest.raises(SystemExit, match=r"error: there is no (way|model) 'teleport'; choose from: "):
        _measure.program(speed.main)


def test_a_benchmark_without_its_data_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    asked = ["--quick", "--models", "autoencoder", "--ways", "zoo", "--data-root", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["speed.py", *asked])
    with pytest.raises(SystemExit, match=r"^error: zoo: .*mnist is not in"):
        _measure.program(speed.main)


def test_the_readme_has_the_rows_of_the_program() -> None:
    """In their order, each with the numbers that the program prints, or the reason why there are none."""
    text = (ROOT / "docs" / "reference" / "speed.md").read_text()
    (block,) = (part for part in text.split("```") if "vae.mlp-64d: bound" in part)
    rows = [f"{name}: {way}" for name, model in _ways.models().items() for way in model.ways]
    table = block[block.index("way ") :]
    assert [re.split(r"\s{2,}", line)[0] for line in table.strip().splitlines()[1:]] == rows
    assert numbers(table)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-2285.0, 0.0, math.inf, math.nan])
def test_a_table_refuses_what_is_not_positive_and_finite(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    table = _measure.Table("way", 10, [_measure.Column("images/s")])
    with pytest.raises(_measure.Impossible, match=r"'images/s' of zoo is .* not positive and finite"):
        table.row("zoo", value)
    assert "zoo" not in capsys.readouterr().out


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_a_share_is_of_a_whole(value: float) -> None:
    with pytest.raises(_measure.Impossible, match="accuracy"):
        _measure.share(value, "accuracy")
    assert _measure.share(0, "accuracy") == 0 and _measure.share(1, "accuracy") == 1


def test_a_way_far_above_its_bound_is_refused() -> None:
    ways: dict[str, Any] = dict.fromkeys(("bound", "zoo"), None)
    table, model = _measure.Table("way", 10, speed.columns()), _ways.Model("images", ways)
    with pytest.raises(_measure.Impossible, match=r"zoo is 1,510, 1.51 times the bound of 1,000"):
        speed.report(table, "vae", model, {"bound": [900.0, 1000.0], "zoo": [1510.0, 1510.0]}, {})
    speed.report(table, "vae", model, {"bound": [900.0, 1000.0], "zoo": [1490.0, 1490.0]}, {})


def test_what_cannot_be_is_one_line_and_exit_code_1() -> None:
    def main() -> None:
        raise _measure.Impossible("zoo is -1")

    with pytest.raises(SystemExit, match=r"^error: zoo is -1$"):
        _measure.program(main)


def test_a_library_that_is_missing_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    model = _ways.Model("images", dict.fromkeys(("zoo", "other"), None))  # type: ignore[arg-type]
    speed.report(_measure.Table("way", 10, speed.columns()), "vae", model, {"zoo": [1.0]}, {"other": _measure.ABSENT})
    assert re.search(r"vae: other +not installed +- +-", capsys.readouterr().out)


# -- turns -----------------------------------------------------------------------------------------


def test_ways_take_turns_and_the_others_rest() -> None:
    """Each round has a rate of every way, of the time that it had the turn; the slowest steps are left out."""
    now, order = [0.0], list[str]()

    def work(name: str, took: float) -> _turns.Work:
        def go_on(mark: _turns.Mark) -> None:
            for step in range(10_000):
                order.append(name)
                now[0] += 100 if step % 50 == 49 else took
                mark(10)

        return go_on

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.perf_counter", lambda: now[0])
        found = _turns.take_turns({"fast": work("fast", 1.0), "slow": work("slow", 2.0)}, 3, 60.0)
    assert found == {"fast": [10.0] * 3, "slow": [5.0] * 3}
    changes = sum(a != b for a, b in itertools.pairwise(order))
    assert changes == 7  # fast, slow, four times


@pytest.mark.parametrize("fails", [True, False])
def test_a_way_that_fails_or_ends_is_named(fails: bool) -> None:
    def work(mark: _turns.Mark) -> None:
        mark(1)
        if fails:
            raise ValueError("no such number")

    with pytest.raises(_measure.Impossible, match=r"zoo: (ValueError: no such number|it came to its end)"):
        _turns.take_turns({"zoo": work}, 1, 0.0)


# -- verified_load ---------------------------------------------------------------------------------


def test_both_ways_of_verified_load_build_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only one of them notices a flipped byte; else there would be nothing to compare."""
    import verified_load

    import zoo_core as zoo

    pin = verified_load.make(tmp_path, 8)
    monkeypatch.setenv("ZOO_MANIFEST", str(tmp_path / "weights_manifest.toml"))
    seen = zoo.load(verified_load.NAME).state_dict()
    unseen = verified_load.load_unseen(pin.bundled, verified_load.options(8)).state_dict()
    assert list(seen) == list(unseen) and all(bool((seen[name] == unseen[name]).all()) for name in seen)
    data = bytearray(pin.bundled.read_bytes())
    data[-1] ^= 1
    pin.bundled.write_bytes(data)
    verified_load.load_unseen(pin.bundled, verified_load.options(8))
    with pytest.raises(zoo.IntegrityError):
        zoo.load(verified_load.NAME)
