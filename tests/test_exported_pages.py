"""Pages that run a model in a browser, opened as files: they draw what the command line draws, and ask no host."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsing import absent
from conftest import HERE, ROOT, cold, environment, some_nightly
from numpy.typing import NDArray
from pages import blocks, lines
from PIL import Image
from playwright.sync_api import Browser, Page

import zoo_core as zoo_
from zoo_core.api.exporting import runtime

pytestmark = pytest.mark.browser

ROUNDING = 1  # levels of 255 between a picture of the page and one of the command line
PIECES = ROOT / "zoo_core" / "api" / "exporting" / "page"
PHONE = {"width": 390, "height": 844}
SHOWN = some_nightly(["cgan.dcgan", "judge.mnist", "autoencoder.tanh-2d"], {"cgan.dcgan"})
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory, no_program: str) -> Callable[..., Path]:
    """The page of a model, written once."""
    folder = tmp_path_factory.mktemp("pages")
    if no_program:
        absent(no_program)

    def written(name: str, beside: bool = False) -> Path:
        path = folder / ("beside" if beside else "whole") / f"{name}.html"
        if not path.exists():
            zoo_.export(name, output=path, beside=beside)
        return path

    return written


@pytest.fixture
def open_page(browser: Browser, export: Callable[..., Path]) -> Iterator[Open]:
    """Opens a model's page as a file; afterwards nothing was asked of any host, and nothing was complained of."""
    asked: list[str] = []
    complaints: list[str] = []
    pages: list[Page] = []

    def opened(name: str, beside: bool = False, **context: Any) -> Page:
        page = browser.new_page(**context)
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(export(name, beside).as_uri())
        done(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert asked and all(url.startswith(("file://", "blob:", "data:")) for url in asked), asked
    assert not complaints


def done(page: Page) -> None:
    """Wait until what was asked for is shown, and nothing else is under way."""
    page.locator("html[data-done]:not([data-busy])").wait_for(state="attached", timeout=120_000)


def picture(page: Page) -> NDArray[np.int16]:
    """What the page shows, pixel for pixel: levels [h, w]."""
    url = page.locator("canvas.picture").evaluate("canvas => canvas.toDataURL('image/png')")
    return levels(base64.b64decode(url.partition(",")[2]))


def levels(png: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("L")).astype(np.int16)


def tiled(images: torch.Tensor, columns: int) -> NDArray[np.int16]:
    """Images [n, 1, h, w] in [0, 1] beside and below one another, black where there are none: levels [h, w]."""
    n, _, h, w = images.shape
    whole = torch.cat([images[:, 0], torch.zeros(-n % columns, h, w)])
    rows = whole.view(-1, columns, h, w).transpose(1, 2).reshape(-1, columns * w)
    return (rows * 255).round().short().numpy()


def shares(page: Page) -> dict[str, float]:
    """The bars, by name, in percent."""
    rows = page.locator(".bars li").all_inner_texts()
    found = [re.fullmatch(r"(.+?)\s+([\d.]+) %", row.strip(), re.S) for row in rows]
    return {row[1].strip(): float(row[2]) for row in found if row}


def test_noise_is_that_of_torch(browser: Browser) -> None:
    """For few numbers, for whole blocks of 16, and for what is left over; over the whole range of seeds."""
    page = browser.new_page()
    page.add_script_tag(content=(PIECES / "random.js").read_text() + "\nglobalThis.Twister = Twister;")
    for seed in [*range(40), 2**31 - 1, 2**31, 2**32 - 1]:
        sizes = [1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 100, 624, 640, 1000]
        drawn = page.evaluate("([seed, sizes]) => sizes.map((n) => [...new Twister(seed).randn(n)])", [seed, sizes])
        for size, numbers in zip(sizes, drawn, strict=True):
            torch.manual_seed(seed)
            assert torch.allclose(torch.tensor(numbers), torch.randn(size), atol=2e-6), (seed, size)
    page.close()


@pytest.mark.parametrize(
    ("seed", "n", "label"),
    [
        (7, 16, "sandal"),
        pytest.param(0, 1, "bag", marks=pytest.mark.nightly),
        pytest.param(2**32 - 1, 3, "every class", marks=pytest.mark.nightly),
    ],
)
def test_a_seed_draws_what_the_command_line_draws(seed: int, n: int, label: str, open_page: Open) -> None:
    page = open_page("cgan.dcgan")
    page.get_by_role("radio", name=label, exact=True).check()
    page.get_by_label("Seed", exact=True).fill(str(seed))
    page.get_by_label("Images of each class").fill(str(n))
    done(page)
    command = page.locator("#command").inner_text().strip()
    named = "" if label == "every class" else f" --class {label}"
    assert command == f"zoo sample cgan.dcgan{named} -n {n} --seed {seed}"
    drawn = zoo_.sample("cgan", n=n, seed=seed, class_=() if label == "every class" else (label,))
    assert isinstance(drawn, zoo_.Images)
    columns = n if label == "every class" else int(np.ceil(np.sqrt(n)))
    shown, expected = picture(page), tiled(drawn.pixels, columns)
    assert shown.shape == expected.shape and np.abs(shown - expected).max() <= ROUNDING
    assert expected.max() > 100, "there is something to compare"


@pytest.mark.nightly
def test_the_command_that_is_shown_draws_the_same(open_page: Open, tmp_path: Path) -> None:
    page = open_page("vae.mlp-64d")
    page.get_by_role("button", name="Another seed").click()
    done(page)
    command = page.locator("#command").inner_text().split()
    assert command[:3] == ["zoo", "sample", "vae.mlp-64d"]
    ran = cold(*command[1:], "-o", "x.npz", env=environment(), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    images = torch.from_numpy(np.load(tmp_path / "x.npz")["images"])
    assert np.abs(picture(page) - tiled(images, 3)).max() <= ROUNDING


def test_what_cannot_be_drawn_is_said(open_page: Open) -> None:
    page = open_page("vae.mlp-64d")
    page.get_by_label("Seed", exact=True).fill("-1")
    page.get_by_text("Give a seed from 0 to 4294967295").wait_for()


def test_a_plane_is_clicked_in(open_page: Open, tmp_path: Path) -> None:
    """It is the plane that the command line draws, and the command under a point draws the same."""
    page = open_page("autoencoder.tanh-2d")
    drawn = zoo_.sample("autoencoder", show="plane")
    assert isinstance(drawn, zoo_.Images) and drawn.plane
    (left, low), (right, high) = drawn.plane
    box = page.locator(".plane").bounding_box()
    assert box
    page.locator(".plane").click(position={"x": 0.25 * box["width"], "y": 0.125 * box["height"]})
    done(page)
    command = page.locator("#command").inner_text().split()
    assert command[:-1] == ["zoo", "sample", "autoencoder.tanh-2d", "--show", "plane", "--at"]
    first, second = map(float, command[-1].split(","))
    assert abs(first - (left + 0.25 * (right - left))) < 0.02 * (right - left)
    assert abs(second - (high - 0.125 * (high - low))) < 0.02 * (high - low)
    ran = cold(*command[1:], "-o", "x.npz", env=environment(), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    image = torch.from_numpy(np.load(tmp_path / "x.npz")["images"])
    assert np.abs(picture(page) - tiled(image, 1)).max() <= ROUNDING and image.max() > 0.5
    page.get_by_label("Upwards").fill("-1")
    done(page)
    assert float(page.locator("#command").inner_text().rpartition(",")[2]) == pytest.approx(-1, abs=0.06)


@pytest.mark.nightly
def test_codes_within_a_square_are_clicked_in_as_well(export: Callable[..., Path], tmp_path: Path) -> None:
    """Of a tanh, whose plane is from -1 to 1; it takes the fixture so that the program is in the cache."""
    options: dict[str, Any] = {"code": "tanh", "width": 16, "iterations": 2, "data_root": HERE / "data"}
    run = zoo_.train("autoencoder", **options, evaluation="none", output=tmp_path / "tanh").folder
    about = facts(zoo_.export(run, output=tmp_path / "x.html").path)
    assert about["inputs"][0]["ends"] == [[-1, -1], [1, 1]] and about["flags"]["point"] == "--show plane --at"


def test_a_drawing_is_classified_as_on_the_command_line(open_page: Open, tmp_path: Path) -> None:
    """A one, drawn with the mouse, is a one; the saved drawing gives the same probabilities."""
    page = open_page("judge.mnist")
    before = shares(page)
    page.get_by_role("button", name="Clear").click()
    canvas = page.locator("canvas.drawing")
    box = canvas.bounding_box()
    assert box
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + 0.52 * side, y + 0.2 * side)
    page.mouse.down()
    page.mouse.move(x + 0.48 * side, y + 0.8 * side, steps=8)
    page.mouse.up()
    done(page)
    after = shares(page)
    assert max(after, key=lambda name: after[name]) == "1" and after != before
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the drawing").click()
    file = tmp_path / "drawing.png"
    saved.value.save_as(file)
    drawn = zoo_.sample("judge.mnist", image=file, data_root=HERE / "data")
    assert isinstance(drawn, zoo_.Images) and drawn.table
    for _, name, p in drawn.table.rows:
        assert abs(100 * float(p) - after[str(name)]) < 0.1
    page.locator("#file").set_input_files(file)
    done(page)
    assert shares(page) == after


@pytest.mark.nightly
def test_an_example_is_classified_for_every_task(open_page: Open) -> None:
    page = open_page("ewc.mlp")
    page.get_by_role("button", name="Example: 7").click()
    for task in ("task 1", "task 2", "task 3"):
        page.get_by_role("radio", name=task, exact=True).check()
        done(page)
        found = shares(page)
        assert max(found, key=lambda name: found[name]) == "7" and abs(sum(found.values()) - 100) < 1, task


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SHOWN)
def test_a_phone_is_wide_enough(name: str, scheme: Any, open_page: Open) -> None:
    page = open_page(name, viewport=PHONE, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", back)[:3])) / 3 > 128
    assert light is (scheme == "light")


@pytest.mark.parametrize("name", SHOWN)
def test_every_control_has_a_name(name: str, open_page: Open) -> None:
    page = open_page(name)
    controls = page.locator("#controls input, #controls button, #shown button")
    assert controls.count() > 2
    for control in controls.all():
        says = "one => [one.getAttribute('aria-label'), one.innerText, ...[...one.labels ?? []].map(l => l.innerText)]"
        assert any(control.evaluate(says)), control.evaluate("one => one.outerHTML")
    assert page.get_attribute("html", "lang") == "en" and page.title().startswith(name)


def test_of_own_images_none_is_in_the_page(export: Callable[..., Path], tmp_path: Path) -> None:
    """Of a data set of the zoo there are ten, and they do come with it."""
    rng = np.random.default_rng(0)
    for number in range(24):
        (tmp_path / "own" / f"class{number % 2}").mkdir(parents=True, exist_ok=True)
        noise = Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8))
        noise.save(tmp_path / "own" / f"class{number % 2}" / f"{number}.png")
    options: dict[str, Any] = {"data": str(tmp_path / "own"), "iterations": 2, "batch_size": 4}
    run = zoo_.train("judge", **options, evaluation="none", output=tmp_path / "run").folder
    page = zoo_.export(run, output=tmp_path / "own.html").path
    assert facts(page)["examples"] == [] and facts(page)["names"] == ["class0", "class1"]
    assert [one["name"] for one in facts(export("judge.mnist"))["examples"]] == list("0123456789")
    assert str(tmp_path) not in page.read_text()


def facts(page: Path) -> Any:
    """What a page says of its model."""
    (found,) = re.findall(r'<script type="application/json" id="facts">(.*?)</script>', page.read_text())
    return json.loads(found)


def test_a_page_says_what_it_runs(open_page: Open) -> None:
    page = open_page("cgan.dcgan")
    text = page.locator("footer").inner_text()
    assert zoo_.sample("cgan", n=1).provenance["weights_sha256"] in text and runtime.VERSION in text


@pytest.mark.nightly
def test_pages_share_the_program_beside_them(open_page: Open, export: Callable[..., Path]) -> None:
    open_page("cgan.dcgan", beside=True)
    open_page("vae.mlp-64d", beside=True)
    one, other = export("cgan.dcgan", beside=True), export("vae.mlp-64d", beside=True)
    assert sorted(file.name for file in one.parent.iterdir()) == [
        "cgan.dcgan.html", f"{runtime.PACKAGE}-{runtime.VERSION}.js", "vae.mlp-64d.html",
    ]  # fmt: skip
    assert max(one.stat().st_size, other.stat().st_size) < 3_000_000


@pytest.mark.nightly
def test_the_commands_of_the_guide_do_what_it_says(export: Callable[..., Path], tmp_path: Path) -> None:
    """It takes the fixture so that the program is in the cache."""
    (typed,) = (list(lines(block)) for block in blocks(ROOT / "docs" / "export.md") if block.language == "console")
    assert len(typed) == 4
    for line in typed:
        ran = cold(*line.words[1:], env=environment(), cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
    written = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.*")}
    program = f"site/{runtime.PACKAGE}-{runtime.VERSION}.js"
    assert written == {"cgan.dcgan.onnx", "digits.onnx", "autoencoder.tanh-2d.html", "site/cgan.html", program}


def test_a_page_names_no_folder_of_this_machine(export: Callable[..., Path], tmp_path: Path) -> None:
    """Of weights that lie here it has their own name, as it is typed; export is asked for the program alone."""
    export("judge.mnist")
    file = tmp_path / "jane@corp.example" / "secret" / "a b; c.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes((ROOT / "weights" / "judge.mnist.safetensors").read_bytes())
    page = zoo_.export("judge", weights=file, output=tmp_path / "page.html").path.read_text()
    assert "--weights 'a b; c.safetensors'" in page and "jane@corp" not in page and "secret" not in page


def test_a_page_without_its_program_says_so(browser: Browser, export: Callable[..., Path], tmp_path: Path) -> None:
    alone = tmp_path / "alone.html"
    alone.write_bytes(export("vae.mlp-64d", beside=True).read_bytes())
    page = browser.new_page()
    page.goto(alone.as_uri())
    page.get_by_text("the file with the program that runs the model is not beside the page").wait_for()
    page.close()
