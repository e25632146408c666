"""Output is what was asked for: the suffix decides, nothing is ignored in silence, and a file can be drawn again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
import pytest
import torch
from conftest import SLICES
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import PngInfo
from safetensors import safe_open

import zoo_core as zoo
from zoo_core.cards.known import known
from zoo_core.cards.options import resolve
from zoo_core.cli import root, run
from zoo_core.cli.plugins import VerbGroup
from zoo_core.cli.values import Choices, RunPath, models
from zoo_core.results.film import film
from zoo_core.results.provenance import read
from zoo_core.run.curves import plot

Kind = Literal["Red Hat", "blue"]
ABOUT = {"model": "x.y", "seed": 3, "device": "cpu", "text": "é" * 40}
PIXELS = torch.linspace(0, 1, 6 * 64).reshape(6, 1, 8, 8)
IMAGES = zoo.Images(PIXELS, ("ankle boot", "bag", "bag", "é/..", "", "a\nb"), provenance=ABOUT)
WALK = zoo.Images(PIXELS, columns=3, walk=True, provenance=ABOUT)

Cli = Callable[..., tuple[int, str, str]]


class Chosen(zoo.Options):
    tags: tuple[str, ...] = zoo.option((), "names", known="tags")
    kinds: tuple[Kind, ...] = zoo.option((), "kinds")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Cli:
    """Run ``zoo ARGUMENTS`` in this process, in an empty folder, through a pipe: exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    monkeypatch.setenv("ZOO_OFFLINE", "1")

    def call(*words: str) -> tuple[int, str, str]:
        code = run([*words])
        told = capsysbinary.readouterr()
        return code, told.out.decode("latin-1"), told.err.decode()

    return call


# -- the suffix decides ----------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "format"), [(".png", "PNG"), (".jpg", "JPEG"), (".JPEG", "JPEG"),
                                                (".webp", "WEBP"), (".gif", "GIF")])  # fmt: skip
def test_a_picture_is_what_its_suffix_says_and_says_where_it_comes_from(
    tmp_path: Path, suffix: str, format: str
) -> None:
    path = IMAGES.save(tmp_path / f"x{suffix}")
    with Image.open(path) as picture:
        assert picture.format == format and picture.size == IMAGES.draw().size
    assert read(path)[2] == ABOUT
    figure = zoo.Figure("t", "x", "y", (zoo.Series("a", (1.0, 2.0), (3.0, 4.0)),), ABOUT)
    assert read(figure.save(tmp_path / f"f{suffix}"))[2] == ABOUT


def test_arrays_hold_what_was_drawn_and_no_pickle(tmp_path: Path) -> None:
    images = zoo.Images(PIXELS, IMAGES.captions, right=(True, False) * 3, provenance=ABOUT)
    with np.load(images.save(tmp_path / "x.npz"), allow_pickle=False) as found:
        assert np.array_equal(found["images"], PIXELS.numpy()) and found["captions"].tolist() == [*IMAGES.captions]
        assert found["right"].tolist() == [True, False] * 3 and json.loads(str(found["zoo"])) == ABOUT
    with safe_open(images.save(tmp_path / "x.safetensors"), "pt") as file:
        assert torch.equal(file.get_tensor("images"), PIXELS) and file.get_tensor("right").tolist() == [True, False] * 3
        assert json.loads(file.metadata()["captions"]) == [*IMAGES.captions]
    sound = zoo.Audio(torch.zeros(2, 9), 8000, ABOUT)
    for suffix in (".npz", ".safetensors", ".wav"):
        assert read(sound.save(tmp_path / f"s{suffix}"))[1:] == (suffix, ABOUT)


def test_texts_and_tables_are_lines_or_columns(tmp_path: Path) -> None:
    texts = zoo.Texts(("a\nb", "c,d"), ("x", "y"), (-1.0, -2.0))
    assert texts.save(tmp_path / "x.txt").read_text() == "a b\nc,d\n"
    rows = list(csv.reader(texts.save(tmp_path / "x.csv").open(newline="")))
    assert rows == [["text", "source", "score"], ["a\nb", "x", "-1.0"], ["c,d", "y", "-2.0"]]
    assert texts.save(tmp_path / "x").read_text().count("\n") == 2 and (tmp_path / "x.jsonl").exists()
    table = zoo.Table(("a", "b"), ((1, None), ("x", 2.5)))
    assert table.save(tmp_path / "t.csv").read_text() == "a,b\n1,\nx,2.5\n"


def test_a_walk_moves_where_a_file_can(tmp_path: Path) -> None:
    for suffix in (".gif", ".webp"):
        with Image.open(WALK.save(tmp_path / f"x{suffix}")) as picture:
            frames = [frame.copy() for frame in ImageSequence.Iterator(picture)]
        assert len(frames) == 4 and frames[0].size == zoo.Images(PIXELS[:2]).draw().size, "there and back"
        assert read(tmp_path / f"x{suffix}")[2] == ABOUT
    assert Image.open(WALK.save(tmp_path / "x.png")).size == zoo.Images(PIXELS, columns=3).draw().size
    film_of = zoo.Animation((IMAGES, IMAGES[::-1]), provenance=ABOUT)
    assert read(film_of.save(tmp_path / "film.webp"))[2] == ABOUT


@pytest.mark.parametrize(
    ("name", "why", "hint"),
    [("x.pt", "pickle", ".safetensors"), ("x.svg", "x.svg", ".png"), ("x.pdf", "x.pdf", ".webp"),
     (".", "the folder that you are in", "-o samples/"), ("there.png", "exists already", "--overwrite"),
     ("full/", "exists already", "--overwrite"), ("there.png/", "is a file", "another name")],
)  # fmt: skip
def test_what_cannot_be_written_is_said_before_any_work(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str, hint: str
) -> None:
    (tmp_path / "there.png").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    monkeypatch.setattr("zoo_core.cli.verbs.sample_opened", None)  # whoever draws fails
    code, out, err = cli("sample", "cgan", "-o", name)
    assert code == 2 and not out and why in err.splitlines()[0] and hint in err.splitlines()[1]
    assert (tmp_path / "there.png").read_text() == "precious"


def test_what_was_drawn_is_kept_where_it_cannot_be_what_was_asked_for(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("sample", "cgan", "-n", "1", "-o", "x.csv")
    assert code == 2 and "Images cannot be saved as x.csv; what was drawn is in cgan-seed0.png" in err
    assert Image.open(tmp_path / "cgan-seed0.png").format == "PNG" and not (tmp_path / "x.csv").exists()


def test_a_folder_gets_a_file_for_each_image_and_an_index(cli: Cli, tmp_path: Path) -> None:
    assert cli("sample", "cgan", "--class", "sandal,9", "-n", "2", "-o", "new/out/")[0] == 0
    folder = tmp_path / "new" / "out"
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    names = ["sandal-0000.png", "sandal-0001.png", "ankle-boot-0002.png", "ankle-boot-0003.png"]
    assert [row["file"] for row in rows] == names and rows[2]["caption"] == "ankle boot" and rows[3]["number"] == 3
    assert all(Image.open(folder / name).size == (28, 28) for name in names)
    code, out, _ = cli("sample", "--replay", "new/out/ankle-boot-0003.png")
    assert code == 0 and "the same, to the byte" in out
    assert len({path.name for path in IMAGES.save(f"{tmp_path}/all/").iterdir()}) == 7, "names of any captions"
    texts = zoo.Texts(("a", "b")).save(f"{tmp_path}/texts/")
    assert sorted(path.name for path in texts.iterdir()) == ["index.jsonl", "text-0000.txt", "text-0001.txt"]


@pytest.mark.parametrize("target", ["new/sub/x.png", "new/sub/x", "new/sub/x/"])
def test_a_command_that_fails_makes_no_folder(cli: Cli, tmp_path: Path, target: str) -> None:
    code, _, err = cli("sample", "cgan", "--class", "sandl", "-o", target)
    assert code == 2 and "sandal" in err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["shut/sub/x.png", "shut/x", "shut/x/", "a.txt/sub/", "a.txt/x.png"])
def test_a_place_that_is_not_writable_is_found_before_any_work(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "a.txt").touch()
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "shut")  # root may write anywhere
    monkeypatch.setattr("zoo_core.cli.verbs.sample_opened", None)  # whoever draws fails
    code, _, err = cli("sample", "cgan", "-o", target)
    assert code == 2 and f"cannot write {target.rstrip('/')}: " in err and ("Permission" in err or "Not a dir" in err)


def test_a_folder_that_is_replaced_has_nothing_of_the_old_result(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert cli("sample", "cgan", "--class", "bag", "-n", "4", "-o", "out/")[0] == 0
    (folder / "bag-0009.png").write_text("mine")
    assert cli("sample", "cgan", "--class", "bag", "-n", "2", "-o", "out/", "--overwrite")[0] == 0
    names = ["bag-0000.png", "bag-0001.png", "bag-0009.png", "index.jsonl"]
    assert sorted(path.name for path in folder.iterdir()) == names
    zoo.Several({"a": zoo.Texts(("x",)), "b": zoo.Texts(("y",))}).save(folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["a.jsonl", "b.jsonl", "bag-0009.png"]


@pytest.mark.parametrize("row", [
    '{"file": "../mine-0003.png", "number": 3}', '{"file": "holiday.png"}', '{"file": "me-0003.png", "number": 4}', "7",
    '{"file": ["x"]}', "{",
])  # fmt: skip
def test_an_index_that_is_not_the_zoos_removes_nothing(tmp_path: Path, row: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    files = [tmp_path / "mine-0003.png", folder / "holiday.png", folder / "me-0003.png", folder / "me-0001.png"]
    for file in files:
        file.touch()
    (folder / "index.jsonl").write_text('{"file": "me-0001.png", "number": 1}\n' + row)
    IMAGES.save(folder, overwrite=True)
    assert all(file.exists() for file in files)


@pytest.mark.parametrize(
    ("where", "words", "left"),
    [("verbs.sample_opened", "sample cgan", "nothing was drawn, nothing was written"),
     ("verbs.sample_opened", "sample cgan -o x/ --json", "nothing was drawn, nothing was written"),
     ("replay.replay_opened", "sample --replay x.png", "nothing was drawn, nothing was written"),
     ("verbs.evaluate_opened", "evaluate cgan --pictures x", "nothing was written, and the weights are as they were")],
)  # fmt: skip
def test_what_ctrl_c_leaves_is_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, words: str, left: str
) -> None:
    def interrupted(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"zoo_core.cli.{where}", interrupted)
    code, _, err = cli(*words.split())
    assert (
        code == 130 and err == f"error: stopped; {left}\n  next: repeat the command\n" and not list(tmp_path.iterdir())
    )


def test_standard_output_gets_the_file_and_nothing_else(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("sample", "cgan", "-n", "1", "-o", "-")
    assert code == 0 and not err and Image.open(io.BytesIO(out.encode("latin-1"))).format == "PNG"
    assert cli("sample", "cgan", "-o", "-", "--json")[0] == 2 and not list(tmp_path.iterdir())


def test_summaries_go_into_a_pipe_and_into_no_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"source": "We parse Sanskrit."}\n{"source": "We translate Latin."}\n')
    code, out, _ = cli("sample", "t5-summarizer", "--file", "in.jsonl", "--decoding", "greedy")
    assert code == 0 and len(out.splitlines()) == 2 and "(" not in out and len(list(tmp_path.iterdir())) == 1
    assert cli("sample", "t5-summarizer", "--file", "in.jsonl", "--decoding", "greedy", "-o", "o.txt")[1] == out
    assert (tmp_path / "o.txt").read_text(encoding="utf-8").encode() == out.encode("latin-1")


# -- nothing is ignored in silence -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("sample vae --show interpolation --columns 3", "--columns is not for --show interpolation"),
        ("sample gan --from-seed 3 --to-seed 4", "--from-seed is not for --show samples"),
        ("sample gan --show interpolation --from-seed 3", "a walk has two ends"),
        ("sample gan --show interpolation --from-seed 3 --to-seed 4 -n 2", "one walk, not 2"),
        ("sample autoencoder --show embedding -n 3", "-n is not for --show embedding"),
        ("sample ewc --show matrix -n 3", "-n is not for --show matrix"),
        ("sample judge -n 300", "there are 200 images to show"),
        ("sample vae --show interpolation -n 201", "there are 200 images to show"),
        ("sample t5-summarizer --text x --beams 2 --decoding greedy", "--beams is not for --decoding greedy"),
        ("sample t5-summarizer --text x -n 2", "-n is the number of test papers"),
        ("sample cgan --seed 1 --seed 2", "--seed was given 2 times"),
        ("sample vae --show prior --show prior", "--show was given 2 times"),
        ("sample cgan --class bag --class 10", "no class '10'"),
        ("sample -o x cgan", "--output does not stand before a model"),
        ("sample --seed 3 cgan", "--seed"),
        ("sample --overwrite", "there is nothing to draw from"),
    ],
)  # fmt: skip
def test_an_option_that_means_nothing_is_an_error(cli: Cli, tmp_path: Path, words: str, why: str) -> None:
    code, out, err = cli(*words.split())
    told = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert code == 2 and not out and why in told[0] and len(told) == 2, err
    assert not list(tmp_path.iterdir())


def every(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    """All commands of the program and the words that call them; of the verbs the command of one model."""
    yield command, words
    names = command.commands if isinstance(command, click.Group) else {}
    for name, one in names.items():
        yield from every(one, (*words, name))
        if isinstance(one, VerbGroup) and (vae := one.get_command(click.Context(one), "vae")):
            yield vae, (*words, name, "vae")


def test_no_command_takes_the_last_of_several_values(cli: Cli) -> None:
    tried = 0
    for command, words in every(root):
        for one in command.params:
            if isinstance(one, click.Option) and not one.multiple:
                name = max(one.opts, key=len)
                given = [name] if one.is_flag else [name, "1"]
                code, _, err = cli(*words, *given, *given)
                assert code == 2 and f"{name} was given 2 times" in err, (words, err)
                tried += 1
    assert tried > 100
    code, _, err = cli("runs", "plot", "a", "-o", "p1.png", "--output=p2.png")
    assert code == 2 and "--output was given 2 times" in err


def test_classes_are_known_in_any_spelling_and_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    several = zoo.sample("cgan", class_=("ANKLE-BOOT, 3", "t_shirt top"), n=2)
    assert isinstance(several, zoo.Images) and several.columns == 2
    assert several.captions == ("ankle boot",) * 2 + ("dress",) * 2 + ("t-shirt/top",) * 2
    one, number = zoo.sample("cgan", class_="sandal", n=1), zoo.sample("cgan", class_=5, n=1)
    assert isinstance(one, zoo.Images) and isinstance(number, zoo.Images) and torch.equal(one.pixels, number.pixels)

    made = resolve(Chosen, {"tags": "a, b", "kinds": "BLUE,red-hat"})
    assert made.kinds == ("blue", "Red Hat")
    assert known(made, {"tags": ("x", "a, b")}, "m").tags == ("a, b",), "a name may have a comma itself"
    assert known(made, {"tags": ("b", "a")}, "m").tags == ("a", "b")


def test_completion_knows_presets_runs_and_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"vae.conv", "vae.mlp-2d"} <= {item.value for item in models("vae.")} and models("none.") == []
    context, classes = click.Context(click.Command("x")), Choices(["sandal", "ankle boot", "bag"])
    option = click.Option(["--class"], multiple=True, type=classes)
    assert [item.value for item in classes.shell_complete(context, option, "a")] == ["ankle-boot"]
    assert [item.value for item in classes.shell_complete(context, option, "bag,s")] == ["bag,sandal"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "run.json").touch()
    (tmp_path / "runs" / "unfinished").mkdir()
    found = RunPath().shell_complete(context, option, "runs/o")
    assert [item.value for item in found] == ["runs/one"]
    assert RunPath().shell_complete(context, option, "x")[0].type == "file"


# -- drawn again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp", "x.gif", "x.npz", "x.safetensors"])
def test_a_file_is_drawn_again_to_the_byte(cli: Cli, name: str) -> None:
    drawn = zoo.sample("cgan", class_=("bag", "sandal"), show="interpolation", n=1, seed=4)
    drawn.save(name)
    code, out, err = cli("sample", "--replay", name, "-o", "again.png", "--json")
    found = json.loads(out)
    assert code == 0 and not err and found["same"] is True and found["differences"] == [] and found["seed"] == 4
    assert Path("again.png").read_bytes() == zoo.sample(
        "cgan", class_=("bag", "sandal"), show="interpolation", n=1, seed=4
    ).save("third.png").read_bytes()  # fmt: skip


def told(path: Path, **changes: Any) -> Path:
    """A picture that says something else of itself than it is."""
    facts = {**zoo.sample("vae.mlp-64d", n=2).provenance, **changes}
    return zoo.Images(PIXELS, provenance=facts).save(path, overwrite=True)


def test_what_is_not_the_same_is_named(cli: Cli, tmp_path: Path) -> None:
    path = zoo.sample("vae.mlp-64d", n=2).save("x.png")
    _, _, facts = read(path)
    info = PngInfo()
    info.add_itxt("zoo", json.dumps({**facts, "versions": {**facts["versions"], "torch": "0.1"}}))
    Image.open(path).save("y.png", pnginfo=info, compress_level=0)
    code, out, _ = cli("sample", "--replay", "y.png")
    assert code == 1 and "the pixels are the same, the bytes are not" in out and "torch: 0.1, now" in out
    code, out, _ = cli("sample", "--replay", str(told(tmp_path / "z.png")))
    assert code == 1 and "what is drawn is not the same" in out


def bomb(path: Path, side: int, frames: int) -> Path:
    """A film of many large frames in a small file, which says that it is a picture of two small ones."""
    facts = json.dumps(zoo.sample("vae.mlp-64d", n=2).provenance).encode()
    pictures = [Image.new("L", (side, side), shade) for shade in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], comment=facts)
    return path


def test_a_film_of_a_stranger_is_not_unpacked_to_be_compared(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged, unpacked, convert = bomb(tmp_path / "x.gif", 1200, 30), list[int](), Image.Image.convert

    def counted(picture: Image.Image, *given: Any, **named: Any) -> Image.Image:
        unpacked.append(picture.width)
        return convert(picture, *given, **named)

    monkeypatch.setattr(Image.Image, "convert", counted)
    code, out, _ = cli("sample", "--replay", str(forged))
    assert code == 1 and "what is drawn is not the same" in out and 1200 not in unpacked


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_of_arrays_only_the_bytes_are_compared(cli: Cli, suffix: str) -> None:
    path = zoo.sample("vae.mlp-64d", n=2).save(f"x{suffix}")
    with path.open("ab") as file:  # what is after the archive, or after the numbers, is not looked at by the reader
        file.write(b"\0" if suffix == ".npz" else b"")
    if suffix == ".safetensors":
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        path.write_bytes(
            (length + 8).to_bytes(8, "little") + content[8 : 8 + length] + b" " * 8 + content[8 + length :]
        )
    code, out, _ = cli("sample", "--replay", path.name)
    assert code == 1 and "the bytes are not the same" in out and "drawn is not" not in out


def test_weights_of_a_run_of_this_folder_are_found(cli: Cli, tmp_path: Path) -> None:
    zoo.train("vae", preset="mlp-2d", iterations=2, hidden=8, batch_size=16, data_root=SLICES, output="runs/mine")
    zoo.sample("vae", weights="runs/mine", n=2).save("x.png")
    assert cli("sample", "--replay", "x.png")[0] == 0
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    code, _, err = cli("sample", "--replay", "x.png")
    assert code == 2 and "neither pinned nor in runs/" in err and "--weights FILE" in err
    assert cli("sample", "--replay", "x.png", "--weights", "elsewhere/mine")[0] == 0


@pytest.mark.parametrize(
    ("changes", "code", "why"),
    [
        ({"model": "no.thing"}, 2, "no model 'no'"), ({"model": "../x"}, 3, "'model'"), ({"seed": -1}, 3, "'seed'"),
        ({"weights_sha256": "x"}, 3, "'weights_sha256'"), ({"weights_sha256": "0" * 64}, 2, "0000"),
        ({"options": {"image": ["/etc/passwd"]}}, 2, "was drawn from a file of its author: --image"),
        ({"options": {"n": 10**12, "show": "prior"}}, 2, "memory"), ({"options": {"evil": 1}}, 2, "--evil"),
        ({"device": "cuda:77"}, 6, "cuda:77"), ({"tile": 99}, 3, "a part that there is not"),
        ({"options": {"n": 1.5}}, 2, "-n"), ({"device": "\x1b[2J"}, 3, "'device'"),
    ],
)  # fmt: skip
def test_what_a_stranger_wrote_into_a_picture_is_checked(
    cli: Cli, tmp_path: Path, changes: dict[str, Any], code: int, why: str
) -> None:
    got, out, err = cli("sample", "--replay", str(told(tmp_path / "x.png", **changes)))
    assert (got, out) == (code, "") and why in err and "\x1b" not in err


def test_files_that_say_nothing_are_refused(cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save("plain.png")
    Path("broken.png").write_bytes(IMAGES.png()[:60])
    Path("empty").touch()
    with zipfile.ZipFile("bad.npz", "w") as archive:
        header = (
            b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<U999999999999', 'fortran_order': False, 'shape': (), }".ljust(117)
        )
        archive.writestr("zoo.npy", header + b"\n" + b"x" * 8)
    for name in ("plain.png", "broken.png", "empty", "bad.npz", "nowhere.png"):
        code, _, err = cli("sample", "--replay", name)
        assert code == 2 and name in err, err


# -- walks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "more"), [("gan", {}), ("cgan", {"class_": "bag"})])
def test_a_walk_between_seeds_begins_and_ends_with_what_they_draw(model: str, more: dict[str, Any]) -> None:
    walk = zoo.sample(model, show="interpolation", from_seed=3, to_seed=7, seed=1, **more)
    ends = [zoo.sample(model, n=1, seed=seed, **more) for seed in (3, 7)]
    assert isinstance(walk, zoo.Images) and walk.walk and len(walk) == 11
    for found, end in zip((walk.pixels[0], walk.pixels[-1]), ends, strict=True):
        assert isinstance(end, zoo.Images) and torch.allclose(found, end.pixels[0], atol=1e-4)


def test_a_walk_through_classes_has_one_noise() -> None:
    walk = zoo.sample("cgan", class_=("bag", "sandal", "dress"), show="interpolation", n=2)
    assert isinstance(walk, zoo.Images) and walk.columns == 21 and len(walk) == 42
    assert [(i, name) for i, name in enumerate(walk.captions[:21]) if name] == [
        (0, "bag"),
        (10, "sandal"),
        (20, "dress"),
    ]
    each = zoo.sample("cgan", show="interpolation")
    assert isinstance(each, zoo.Images) and each.columns == 11 and len(set(each.captions)) == 10


# -- pictures and notebooks ------------------------------------------------------------------------


def test_captions_are_nearer_to_their_image_than_to_the_next_and_coloured_by_what_they_say() -> None:
    answers = zoo.Images(torch.zeros(2, 1, 56, 56), ("7\n7 (99 %)", "7\n1 (55 %)"), columns=1, right=(True, False))
    picture = np.asarray(answers.draw()).astype(int)
    blue = (picture[..., 2] - picture[..., 0] > 100).any(1).nonzero()[0]
    orange = (picture[..., 0] - picture[..., 2] > 100).any(1).nonzero()[0]
    black = (picture.sum(2) == 0).sum(1) > 50
    rows = black.nonzero()[0]
    first_end = next(int(row) for row in rows if not black[row + 1])
    second = next(int(row) for row in rows if row > first_end + 1)
    under = [row for row in blue if row > first_end]
    assert blue[0] < rows[0] and orange[0] < rows[0], "a line above says what the colours mean"
    text = (picture[first_end + 1 : second].min(axis=(1, 2)) < 128).nonzero()[0]
    assert under and second - first_end - 1 - int(text[-1]) > 2 * int(text[0]) and orange[-1] > second


def test_curves_of_one_axis_share_a_panel() -> None:
    history = [{"step": 1.0, "a": 2.0, "b": 3.0, "p": 0.5}, {"step": 2.0, "a": 1.0, "b": 2.0, "p": 0.6}]
    facts = {"model": "m", "preset": "x", "seed": 4}
    figure = plot(facts, history, {"": "loss, nats", "p": "probability"})
    assert {one.label: one.axis for one in figure.series} == {"a": "loss, nats", "b": "loss, nats", "p": "probability"}
    assert "m.x, seed 4" in figure.title and figure.draw().height > plot(facts, history, {"": "loss"}).draw().height
    assert {one.axis for one in plot(facts, history, {}).series} == {"a", "b", "p"}, "nobody says what they share"


def test_results_are_short_in_a_notebook_and_shown_whole() -> None:
    assert repr(IMAGES) == "Images(6 images, x.y, seed 3)" and len(repr(zoo.Texts(("x" * 999,)))) < 40
    assert len(IMAGES[2:5]) == 3 and IMAGES[-1].captions == ("a\nb",) and len(list(IMAGES)) == 6
    assert IMAGES[1:][2].provenance["part"] == [3] and torch.equal(IMAGES[3].pixels[0], PIXELS[3])
    with pytest.raises(IndexError):
        IMAGES[6]
    evil = "<script>&"
    for result in (zoo.Texts((evil,), (evil,)), zoo.Table((evil,), ((evil,),))):
        assert "<table>" in result._repr_html_() and evil not in result._repr_html_()
    several = zoo.Several({"walk": WALK, "rows": zoo.Table(("a",), ((1.5,),))})._repr_html_()
    assert "data:image/gif" in several and "<td>1.5</td>" in several and "data:image/png" in IMAGES._repr_html_()


def test_pictures_on_disk_make_a_film_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    paths = []
    for epoch, side in ((10, 30), (2, 40), (1, 40)):
        paths.append(tmp_path / f"samples-epoch-{epoch}.png")
        Image.new("RGB", (side, side), (epoch, 0, 0)).save(paths[-1])
    made = film(paths)
    assert [frame.captions[0] for frame in made.frames] == ["samples-epoch-1", "samples-epoch-2", "samples-epoch-10"]
    assert made.frames[2].pixels.shape == (1, 3, 40, 40) and float(made.frames[2].pixels[0, 0, 39, 39]) == 1
    paths[0].write_text("no picture")
    with pytest.raises(zoo.UsageError, match="is no picture"):
        film(paths)
