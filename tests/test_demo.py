"""``zoo demo``: what it makes of cards, how it is served, and every model in a real browser."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from browsing import Visit, visit
from conftest import ROOT, SLICES, WARM, Zoo, answered, environment, some_nightly
from loopback import GUARD, Hub
from PIL import Image
from playwright.sync_api import Browser, Page
from test_plugins import distribution

import zoo_core as zoo_
from zoo_core.api.handle import find_checkpoint
from zoo_core.demo import drawing
from zoo_core.demo.controls import controls, relevant, said
from zoo_core.demo.offers import offers
from zoo_core.errors import UsageError
from zoo_core.packages.entries import MODELS, installed
from zoo_core.plugin import registry

WAIT = 90_000  # milliseconds for a drawing: others may use the machine, too
OTHERS = {"zoo-template": ("pixels", "zoo_template"), "zoo-letters": ("letters", "zoo_letters")}


# -- what is made of options ---------------------------------------------------------------------------


class Sample(zoo_.Options):
    class_: tuple[str, ...] = zoo_.option((), "what to draw", known="classes")
    n: int = zoo_.option(16, "how many", unit="images", ge=1, le=400)
    show: Literal["one", "two"] = zoo_.option("one", "what")
    rate: float | None = zoo_.option(None, "how fast", gt=0, only={"show": ("two",)})
    share: float = zoo_.option(0.5, "how much", ge=0, le=1)
    file: Path | None = zoo_.option(None, "of the user's own")
    plain: bool = zoo_.option(True, "or not")
    steps: tuple[int, ...] = zoo_.option((), "several")


def test_options_become_controls() -> None:
    made = {one.field: one for one in controls(Sample, 64)}
    kinds = {field: one.kind for field, one in made.items()}
    assert kinds == {
        "class_": "several", "show": "one", "n": "slider", "rate": "number", "share": "slider", "file": "files",
        "plain": "check", "steps": "list",
    }  # fmt: skip
    assert list(made)[:2] == ["class_", "show"] and made["n"].label == "n (images)"
    assert (made["n"].low, made["n"].high, made["n"].value) == (1, 64, 16), "of the smaller limit"
    assert controls(Sample, 8)[2].value == 8


def test_what_means_nothing_is_neither_shown_nor_said() -> None:
    made = controls(Sample, 64)
    usual = {one.field: one.value for one in made}
    assert relevant(made, usual) == {*usual} - {"rate"} and said(made, usual, 64) == {}
    assert said(made, {**usual, "rate": "2"}, 64) == {}, "of what is hidden"
    changed = {**usual, "show": "two", "rate": " 2 ", "n": 3.0, "class_": ["a"], "steps": "1 2", "plain": False}
    assert said(made, changed, 64) == {
        "class_": ("a",), "show": "two", "rate": "2", "n": 3, "steps": ("1", "2"), "plain": False
    }  # fmt: skip


def test_more_than_the_page_allows_is_refused() -> None:
    made = controls(Sample, 64)
    with pytest.raises(UsageError, match=r"-n 65: this page draws 64 at most") as caught:
        said(made, {**{one.field: one.value for one in made}, "n": "65"}, 64)
    assert "--max-n" in caught.value.hint


@pytest.mark.parametrize("nothing", [None, "", 16])
def test_what_is_usual_is_not_more_than_the_page_allows(nothing: object) -> None:
    made = controls(registry.load("cgan").card.sample_options, 8)
    with pytest.raises(UsageError, match="-n 16: this page draws 8 at most"):
        said(made, {**{one.field: one.value for one in made}, "n": nothing}, 8)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "nan,0", "x,y"])
def test_a_point_of_the_plane_is_two_numbers(text: str, zoo: Zoo) -> None:
    done = zoo("sample", "autoencoder", "--show", "plane", f"--at={text}")
    assert done.returncode == 2 and "two numbers" in done.stderr


def test_a_page_offers_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = offers()["judge"]
    assert not isinstance(found, zoo_.ZooError)
    labels = [one.label for one in found.weights()]
    assert labels[0] == "judge.fashion-mnist" and set(labels) > {"judge.mnist", "judge.fashion-mnist-lenet"}
    assert [one.typed for one in found.weights()][:2] == ["judge", f"{labels[1]}"]
    assert "sandal" in found.weights()[0].choices()["classes"]
    with pytest.raises(UsageError, match="no weights nowhere"):
        found.one("nowhere")


# -- how it is served ----------------------------------------------------------------------------------


@dataclass
class Served:
    """A page that is served.

    Args:
        address: of it.
        folder: in which it was started.
        process: that serves it.
    """

    address: str
    folder: Path
    process: subprocess.Popen[str]


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **env: str) -> Iterator[Served]:
    """A page that is served until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo_core", "demo", "--no-open", "--port", "0", "--device", "cpu", *arguments],
        cwd=folder, env=environment(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        found = re.match(r"(http://\S+)   Ctrl-C ends it\n", line)
        assert found, line + process.stderr.read()
        yield Served(found[1], folder, process)
    finally:
        process.terminate()  # it leaves nothing behind
        process.wait()


def get(address: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, {}, error.read().decode()


def test_a_page_of_one_model_is_alone_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with serving(tmp_path, "cgan", TMPDIR=str(tmp_path / "tmp")) as served:
        status, headers, page = get(served.address)
        assert status == 200 and "default-src 'self'" in headers["content-security-policy"]
        assert "cgan" in page and get(f"{served.address}/vae")[0] == 404
        assert get(served.address, Host="evil.example")[0] == 400, "another name of this machine may be a stranger's"
        assert "127.0.0.1" in served.address and len(list((tmp_path / "tmp").glob("zoo-demo-*"))) == 1
        served.process.send_signal(signal.SIGINT)
        out, err = served.process.communicate(timeout=60)
        assert (served.process.returncode, out, err) == (0, "", "")
        assert not list((tmp_path / "tmp").glob("zoo-demo-*")), "what users sent is gone"


@pytest.mark.parametrize("host", ["127.0.0.2", "LOCALHOST"])
def test_every_name_of_this_machine_alone_is_answered_and_no_other(host: str, tmp_path: Path) -> None:
    with serving(tmp_path, "judge", "--host", host) as served:
        status, headers, _ = get(served.address)
        assert status == 200 and "frame-ancestors 'none'" in headers["content-security-policy"]
        assert get(served.address, Host="example.org")[0] == 400


def test_a_page_of_private_weights_is_refused(zoo: Zoo, online: dict[str, str]) -> None:
    done = zoo("push", "judge.mnist", "--repo", "me/zoo-judge", "--private", "--demo", "--dry-run", env=online)
    assert done.returncode == 2 and "private repository" in done.stderr


def test_a_program_is_told_where_the_page_is(tmp_path: Path) -> None:
    distribution(tmp_path / "site", "zoo-odd", "odd", "zoo_odd", "raise RuntimeError('boom')")
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo_core", "demo", "--no-open", "--port", "0", "--host", "0.0.0.0", "--json"],
        cwd=tmp_path, env=environment(PYTHONPATH=str(tmp_path / "site")), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stderr
    text = ""
    while not text.endswith("\n}\n"):
        line = process.stdout.readline()
        assert line, text + process.stderr.read()
        text += line
    found = answered(text)
    address = found["address"].replace("0.0.0.0", "127.0.0.1")
    assert set(found["models"]) == set(installed(MODELS)) and "boom" in found["broken"]["odd"]["message"]
    assert get(address, Host="my.machine")[0] == 200, "who lets others in is asked by whatever name"
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "") and "note: whoever reaches this machine" in err


def test_weights_are_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (weights, *_) = offers()["gan"].weights()  # type: ignore[union-attr]
    loaded: list[str] = []

    def find(*given: Any) -> Any:
        loaded.append(weights.label)
        return find_checkpoint(*given)

    monkeypatch.setattr("zoo_core.demo.drawing.find_checkpoint", find)
    studio = drawing.Studio("cpu")
    first, second = (studio.draw(weights, {"n": 1}, 3).result for _ in range(2))
    assert loaded == ["gan.dcgan"] and first.encoded(".png") == second.encoded(".png")


def test_a_port_that_is_taken_and_what_is_not_there(zoo: Zoo, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = zoo("demo", "--port", str(taken.getsockname()[1]), "--no-open")
    assert done.returncode == 2 and "nothing can listen" in done.stderr and "--port 0" in done.stderr
    for arguments, words in (
        (["cgam"], "did you mean 'cgan'"), (["--weights", "x"], "zoo demo MODEL --weights"),
        (["cgan", "--weights", "nowhere"], "nowhere"),
        (["cgan.unlabelled"], "no trained weights of 'cgan.unlabelled'"),
        (["--host", "no.such.host.invalid"], "leave out --host"),
    ):  # fmt: skip
        done = zoo("demo", "--no-open", "--port", "0", *arguments)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr, done.stderr
    (tmp_path / "gradio.py").write_text("raise ImportError('there is none')")
    done = zoo("demo", "--no-open", "--port", "0", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2 and "pip install 'zoo-core[demo]'" in done.stderr and done.stderr.count("\n") == 2


def asked_for(served: Served, path: str) -> str:
    """What the page answers somebody who says that a path is a file that they have sent."""
    config = json.loads(get(f"{served.address}/config")[2])
    ids = {one["props"].get("elem_id"): one["id"] for one in config["components"]}
    draw = next(one for one in config["dependencies"] if (ids["draw"], "click") in map(tuple, one["targets"]))
    values = {one["id"]: one["props"].get("value") for one in config["components"]}
    values[ids["option-image"]] = [{"path": path, "meta": {"_type": "gradio.FileData"}}]
    asked = {"data": [values[one] for one in draw["inputs"]], "fn_index": draw["id"], "session_hash": path[-9:]}
    body = json.dumps(asked).encode()
    join = urllib.request.Request(f"{served.address}/gradio_api/queue/join", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(join, timeout=60).read()
    return get(f"{served.address}/gradio_api/queue/data?session_hash={path[-9:]}")[2]


def test_a_file_of_the_server_is_none_of_the_users(tmp_path: Path) -> None:
    """Nobody draws what nobody has sent: a path of the server is not opened, an address is not asked for."""
    (tmp_path / "here").mkdir()
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    for folder in (tmp_path, tmp_path / "here"):
        Image.new("L", (28, 28)).save(folder / "secret.png")
    paths = [str(tmp_path / "secret.png"), str(tmp_path / "here" / "secret.png"), "/etc/hostname", "http://1.1.1.1/x"]
    env = {"PYTHONPATH": str(tmp_path / "guard"), "PEERS": str(tmp_path / "peers")}
    with serving(tmp_path / "here", "judge", **env) as served:
        for path in paths:
            answer = asked_for(served, path)
            assert '"success":false' in answer and "zoo-" not in answer, (path, answer)
    assert not (tmp_path / "peers").exists(), "no host was asked"


# -- a Space -------------------------------------------------------------------------------------------


def test_a_space_goes_with_the_weights_once_it_has_answered(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path
) -> None:
    done = zoo("push", "cgan", "--repo", "me/zoo-cgan", "--demo", "--device", "cpu", "--json", env=online)
    assert done.returncode == 0, done.stderr
    (pushed,) = json.loads(done.stdout)["weights"]
    assert pushed["space"] == "me/zoo-cgan-demo" and len(server.repos["spaces/me/zoo-cgan-demo"].commits) == 2
    files = server.repos["spaces/me/zoo-cgan-demo"].commits[-1][1]
    assert f"me/zoo-cgan@{pushed['commit']}" in files["app.py"].decode()
    assert files["requirements.txt"].decode() == f"zoo-core[demo]=={zoo_.__version__}\n"
    front = files["README.md"].decode().split("---")[1]
    for line in ('sdk: "gradio"', 'app_file: "app.py"', 'license: "mit"', 'models: ["me/zoo-cgan"]'):
        assert line in front
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "app.py").write_bytes(files["app.py"])
    env = environment(**online, GRADIO_SERVER_NAME="127.0.0.1", GRADIO_SERVER_PORT="0")
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=tmp_path / "space", env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        address = process.stdout.readline().split()[0]
        assert "sandal" in get(f"{address}/config")[2], "its class buttons"
    finally:
        process.terminate()  # it leaves nothing behind
        process.wait()


def test_a_space_that_does_not_run_refuses_the_push(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "gradio.py").write_text("raise ImportError('a broken one')")
    env = {**online, "PYTHONPATH": f"{online['PYTHONPATH']}:{tmp_path / 'broken'}"}
    done = zoo("push", "cgan", "--repo", "me/zoo-cgan", "--demo", "--device", "cpu", env=env)
    assert done.returncode == 2 and "does not run" in done.stderr and "a broken one" in done.stderr
    assert "nothing was sent" in done.stderr and not server.repos


def test_what_the_page_of_the_manual_says_can_be_typed(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path
) -> None:
    typed = re.findall(r"^\$ (.*)$", (ROOT / "docs" / "demo.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(typed) == 7 and typed.pop(0) == "pip install 'zoo-core[demo]'"
    few = ("--iterations", "2", "--hidden", "8", "--device", "cpu", "--no-evaluate")
    assert zoo("train", "vae.mlp-2d", *few, "-o", "runs/vae.mlp-2d-seed0").returncode == 0
    for line in typed:
        words = line.split()[1:]
        if words[0] == "demo":
            words = [word for word in words[1:] if word not in ("--no-open", "--port", "8080")]
            with serving(tmp_path, *words) as served:
                assert get(served.address.replace("0.0.0.0", "127.0.0.1"))[0] == 200, line
        else:
            done = zoo(*words, "--device", "cpu", env=online)
            assert done.returncode == 0, done.stderr
    assert set(server.repos) == {"me/zoo-cgan", "spaces/me/zoo-cgan-demo"}


# -- in a browser --------------------------------------------------------------------------------------

ENDS = {"show": "interpolation", "n": 1, "from_seed": 1, "to_seed": 2}
OWN: dict[str, Any] = {"image": ["mine.png"], "invert": True}
TASKS: list[dict[str, Any]] = [{"n": 2}, {"show": "matrix"}]
CHOSEN: dict[str, list[dict[str, Any]]] = {  # each option of each model at least once
    "autoencoder": [{"show": "denoising", "n": 3, "noise": 0.3, "mask": 0.2}, {"show": "plane", "at": "-0.3,0.5"}, OWN],
    "cgan": [{"class_": ["sandal", "bag"], "n": 2, "columns": 1}, {"class_": ["bag"], **ENDS}],
    "ewc": TASKS,
    "gan": [{"n": 4, "columns": 2}, ENDS],
    "judge": [{"n": 3, "mistakes": True}, OWN],
    "pg-classifier": [{"n": 3}, OWN],
    "rehearsal": TASKS,
    "t5-summarizer": [
        {"text": "We present a corpus of German.", "beams": 2, "length_penalty": 2.0, "no_repeat": 2, "longest": 9},
        {"decoding": "nucleus", "top_p": 0.5, "temperature": 0.7, "batch_size": 3, "file": "mine.jsonl",
         "source_field": "body"},
        {"n": 2},
    ],
    "vae": [
        {"show": "reconstruction", "n": 3, "columns": 2}, OWN, {"weights": "runs/plane", "show": "plane", "at": "1,0"}
    ],
}  # fmt: skip


def test_every_option_of_every_model_is_tried() -> None:
    assert set(CHOSEN) == set(installed(MODELS))
    for name, cases in CHOSEN.items():
        tried = {field for case in cases for field in case} - {"weights"}
        assert tried == set(registry.load(name).card.sample_options.model_fields), name


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All models of the zoo, two of others, a broken one, and a run; connections of the server are on record."""
    folder = tmp_path_factory.mktemp("demo")
    for package, (name, module) in OTHERS.items():
        distribution(folder / "site", package, name, f"{module}:plugin", None)
        shutil.copytree(ROOT / "examples" / package / module, folder / "site" / module)
    distribution(folder / "site", "zoo-odd", "odd", "zoo_odd", "raise RuntimeError('boom <b>')")
    Image.radial_gradient("L").resize((40, 40)).save(folder / "mine.png")
    (folder / "wrong.png").write_text("this is no picture")
    (folder / "mine.jsonl").write_text(json.dumps({"body": "We present a parser. It is fast."}) + "\n")
    few = ("--iterations", "2", "--hidden", "8", "--device", "cpu", "--no-evaluate", "-o", "runs/plane")
    done = WARM.run(["train", "vae.mlp-2d", *few], environment(), folder, 300)
    assert done.returncode == 0, done.stderr
    (folder / "site" / "sitecustomize.py").write_text(GUARD)
    with serving(folder, PYTHONPATH=str(folder / "site"), PEERS=str(folder / "peers")) as found:
        yield found
    peers = (folder / "peers").read_text().split() if (folder / "peers").exists() else []
    assert set(peers[::2]) <= {"127.0.0.1", "localhost", "::1"}, "the server asks nobody"


@pytest.fixture
def user(browser: Browser, served: Served) -> Iterator[Visit]:
    """A user, whose page asks no other host and has no fault."""
    with visit(browser) as seen:
        yield seen
        assert seen.requests and seen.foreign(served.address) == []
        assert seen.complaints == []


def opened(page: Page, served: Served, name: str = "") -> None:
    """Go to the page of a model, or to the list of them."""
    page.goto(f"{served.address}/{name}")
    page.wait_for_selector("#result .zoo-empty" if name else ".zoo-models")


def choose(page: Page, field: str, value: Any, folder: Path) -> None:
    """Set the control of an option as a user does."""
    place = page.locator(f"#option-{field}" if field != "weights" else "#weights")
    place.wait_for(state="visible")
    if place.locator("input[type=file]").count():
        files = [folder / name for name in ([value] if isinstance(value, str) else value)]
        place.locator("input[type=file]").set_input_files(files)
        place.get_by_text(files[0].stem).first.wait_for()
    elif place.locator("input[type=radio], input[type=checkbox]").count():
        for label in [value] if isinstance(value, str) else value if isinstance(value, list) else [None]:
            box = place.get_by_label(label, exact=True) if label else place.locator("input[type=checkbox]")
            box.check()
    elif field == "weights":
        place.locator("input").click()
        page.get_by_role("option", name=value, exact=True).click()
    else:
        entry = place.locator("textarea, input[type=number], input[type=text]").first
        entry.fill(str(value))
        entry.blur()


def drawn(page: Page, place: str = "#result") -> str:
    """Draw, and what the page says then; the command line, or the two lines of an error."""
    page.evaluate(
        f"for (const one of document.querySelectorAll('{place} .zoo-drawing, {place} .zoo-error')) one.remove()"
    )
    page.click("#draw")
    return shown(page, place)


def shown(page: Page, place: str = "#result") -> str:
    page.wait_for_selector(f"{place} .zoo-drawing, {place} .zoo-error", timeout=WAIT)
    return page.inner_text(f"{place} code, {place} .zoo-error")


def downloaded(page: Page, place: str = "#result") -> tuple[str, bytes]:
    """The suffix and the content of the first file that a result offers."""
    link = page.locator(f"{place} .zoo-files a").first
    name, content = link.get_attribute("download") or "", link.get_attribute("href") or ""
    return Path(name).suffix, base64.b64decode(content.partition(",")[2])


def is_same(zoo: Zoo, served: Served, command: str, page: Page, place: str = "#result") -> bool:
    """Whether the command line that a page shows makes the file that it offers, to the byte."""
    suffix, content = downloaded(page, place)
    path = served.folder / f"again-{time.monotonic_ns()}{suffix}"
    words = [*shlex.split(command)[1:], "--device", "cpu", "-o", path.name]
    done = zoo(*words, cwd=served.folder, env={"PYTHONPATH": str(served.folder / "others")})
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return path.read_bytes() == content


@pytest.mark.browser
@pytest.mark.parametrize("name", some_nightly(CHOSEN, {"autoencoder", "cgan", "judge"}))
def test_a_model_draws_what_the_command_line_draws(zoo: Zoo, served: Served, user: Visit, name: str) -> None:
    page = user.page
    opened(page, served, name)
    assert page.inner_text("h1") == name
    assert is_same(zoo, served, drawn(page), page), "at its defaults"
    for case in CHOSEN[name]:
        opened(page, served, name)
        for field, value in sorted(case.items(), key=lambda item: item[0] not in ("weights", "show", "decoding")):
            choose(page, field, value, served.folder)
        command = drawn(page)
        for field in set(case) - {"weights"}:
            flag = field.rstrip("_").replace("_", "-")
            assert f" --{flag}" in command or f" -{flag} " in command, command
        assert is_same(zoo, served, command, page), command


@pytest.mark.browser
def test_what_is_wrong_is_said_in_two_lines(served: Served, user: Visit) -> None:
    page = user.page
    for name, field, value, words in (
        ("cgan", "columns", "0", ("--columns 0", "default is none")), ("vae", "n", "x", ("-n x", "--help")),
        ("vae", "n", "65", ("draws 64 at most", "--max-n")), ("judge", "image", ["wrong.png"], ("wrong.png", "PNG")),
        ("vae", "show", "latent", ("is no plane", "mlp-2d")),
    ):  # fmt: skip
        opened(page, served, name)
        choose(page, field, value, served.folder)
        text = drawn(page)
        assert text.startswith("error: ") and "next: " in text and all(word in text for word in words), text
        assert len([line for line in text.splitlines() if line.strip()]) == 2 and "Traceback" not in text
    page.fill("#seed input", "-1")
    assert "--seed -1 is out of range" in drawn(page)


@pytest.mark.browser
def test_models_of_others_have_their_page_and_a_broken_one_its_message(zoo: Zoo, served: Served, user: Visit) -> None:
    page = user.page
    opened(page, served)
    broken = page.locator(".zoo-broken")
    assert broken.count() == 1 and "odd" in broken.inner_text() and "boom <b>" in broken.inner_text()
    assert page.locator(".zoo-models a").count() == len(CHOSEN) + len(OTHERS)
    page.click("text=pixels")
    page.wait_for_selector("#result .zoo-empty")
    assert drawn(page) == "zoo sample pixels --untrained" and page.locator("#result img").is_visible()
    page.click("text=All models")
    page.click("text=letters")
    page.wait_for_selector("#result .zoo-empty")
    choose(page, "start", "A new", served.folder)
    assert drawn(page) == "zoo sample letters --untrained --start 'A new'"
    assert page.locator("#result h4").count() == 4, "texts, of letters that it has not learned"


@pytest.mark.browser
def test_two_users_at_once_get_what_each_asked_for(zoo: Zoo, served: Served, browser: Browser) -> None:
    with visit(browser) as one, visit(browser) as other:
        for seen, seed in ((one, "1"), (other, "2")):
            opened(seen.page, served, "gan")
            seen.page.fill("#seed input", seed)
        one.page.click("#draw")
        other.page.click("#draw")
        for seen, seed in ((one, "1"), (other, "2")):
            assert shown(seen.page) == f"zoo sample gan --seed {seed}"
            assert is_same(zoo, served, shown(seen.page), seen.page)


@pytest.mark.browser
def test_what_moves(zoo: Zoo, served: Served, user: Visit) -> None:
    """A click in the plane, sliders, dice, copies, and two weights beside one another."""
    page = user.page
    opened(page, served, "autoencoder")
    choose(page, "show", "plane", served.folder)
    drawn(page)
    box = page.locator("#result .zoo-plane img").bounding_box()
    assert box
    page.locator("#result .zoo-plane img").click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.25})
    command = shown(page, "#point")
    found = re.search(r"--at=(-?[\d.]+),(-?[\d.]+)", command)
    plane = zoo_.sample("autoencoder", show="plane", n=2, data_root=SLICES, device="cpu")
    assert found and isinstance(plane, zoo_.Images) and plane.plane
    (left, low), (right, high) = plane.plane
    quarter = (left + 0.25 * (right - left), high - 0.25 * (high - low))
    assert (float(found[1]), float(found[2])) == pytest.approx(quarter, abs=0.02 * (high - low))
    assert is_same(zoo, served, command, page, "#point")
    opened(page, served, "rehearsal")
    choose(page, "show", "matrix", served.folder)
    drawn(page)
    assert "after learning task 1" in page.inner_text(".zoo-slides label")
    page.locator(".zoo-slides input").press("End")
    assert "after learning task 3" in page.inner_text(".zoo-slides label")
    assert page.locator(".zoo-bars:visible b").count() == 3
    opened(page, served, "vae")
    choose(page, "show", "interpolation", served.folder)
    page.locator("#compare input").click()
    page.get_by_role("option", name="vae.mlp-64d", exact=True).click()
    assert drawn(page) == "zoo sample vae --show interpolation"
    assert shown(page, "#second") == "zoo sample vae.mlp-64d --show interpolation"
    assert is_same(zoo, served, shown(page, "#second"), page, "#second")
    page.locator("#result .zoo-slides input").press("ArrowRight")
    assert "step 2 of 11" in page.inner_text("#result .zoo-slides label")
    assert "step 1 of 11" in page.inner_text("#second .zoo-slides label")
    assert page.locator("#result .zoo-frames img:visible").count() == 1
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#second .zoo-copy")
    page.wait_for_selector("#second .zoo-copy:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == shown(page, "#second")
    page.evaluate("document.querySelector('#result .zoo-drawing').remove()")
    page.click("#dice")
    rolled = re.fullmatch(r"zoo sample vae --show interpolation --seed (\d+)", shown(page))
    assert rolled and page.input_value("#seed input") == rolled[1]


@pytest.mark.browser
def test_a_run_that_ended_a_moment_ago_is_offered(served: Served, user: Visit) -> None:
    opened(user.page, served, "vae")
    shutil.copytree(served.folder / "runs" / "plane", served.folder / "runs" / "later")
    opened(user.page, served, "vae")
    choose(user.page, "weights", "runs/later", served.folder)
    choose(user.page, "n", 1, served.folder)
    assert drawn(user.page) == "zoo sample runs/later -n 1"
    shutil.rmtree(served.folder / "runs" / "later")
    assert "there are no weights runs/later of vae here" in drawn(user.page)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_need_not_be_moved_sideways(served: Served, browser: Browser, scheme: str) -> None:
    with visit(browser, viewport={"width": 390, "height": 844}, color_scheme=scheme) as seen:
        for name in ("", *CHOSEN):
            opened(seen.page, served, name)
            if name in ("gan", "ewc"):
                drawn(seen.page)
            seen.page.wait_for_function("document.documentElement.scrollWidth == 390")  # once its styles are there
        assert seen.foreign(served.address) == []
        assert seen.complaints == []
