"""Images of the user's own after they were prepared: full disks, killed processes, folders that change, records."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import SLICES, Zoo, answered, environment
from owning import folder, made, save, snapshot, speckle, write_fashion, written, zipped

import zoo_core as zoo
from zoo_core import IntegrityError, Interrupted, TrainingError, UsageError
from zoo_core.api import training
from zoo_core.data.own import store
from zoo_core.files import sha256
from zoo_core.run.reporter import Silent

# -- faults of the machine -------------------------------------------------------------------------


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Inside, the system refuses to write more into a file, as it does where a disk, or a quota, is full."""
    before, compiles = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # else half of a large module would stay compiled for whoever comes next
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = compiles


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_full_disk(tmp_path: Path, cache: Path) -> None:
    own = folder(tmp_path / "own", n=40)
    packed = zipped(own, tmp_path)
    for data, most in ((own, 15_000), (packed, 200)):
        with no_file_above(most), pytest.raises(TrainingError, match=r"no room to write .*free some space"):
            made(data)
        assert not list(cache.rglob("*-images")) and not list(cache.rglob("*.png"))
    assert made(packed).name == made(own).name


def test_a_cache_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(written(tmp_path / "file", "x")))
    with pytest.raises(UsageError, match=r"cannot write the zoo's cache, .*/file: File exists.*ZOO_CACHE"):
        made(folder(tmp_path / "own"))


SEVERAL = """
import os, signal, sys, time
from pathlib import Path
from zoo_core.data.own import filling
from zoo_core.data.own.prepare import Wish, prepare

def ready():
    return prepare(sys.argv[2], Wish(), Path("nowhere"), lambda line: None, lambda done, total: None)

def forked(work):
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(1)
    return child

def slow():
    read = filling._levels
    filling._levels = lambda entry, size: time.sleep(0.05) or read(entry, size)
    ready()

if sys.argv[1] == "at once":
    children = [forked(lambda: (print(ready(), flush=True), os._exit(0))) for _ in range(4)]
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
child = forked(slow)
begun = Path(os.environ["ZOO_CACHE"], "prepared", ".being-made", "content", "train-images")
while not begun.exists():
    time.sleep(0.01)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
assert begun.exists()
print(ready())
"""


@pytest.mark.parametrize("how", ["at once", "after a kill"])
def test_several_processes(how: str, tmp_path: Path) -> None:
    own, cache = folder(tmp_path / "own", n=30), tmp_path / "cache"
    name, before = made(own).name, snapshot(own)
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL, how, str(own)], env=environment(ZOO_CACHE=str(cache)), capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and set(done.stdout.split()) == {name}, done.stderr
    assert len(done.stdout.split()) == (4 if how == "at once" else 1)
    assert [path.name for path in (cache / "prepared").iterdir()] == [name.partition("@")[2]]
    assert snapshot(own) == before


# -- what happens later ----------------------------------------------------------------------------


def judge(data: str | Path, output: Path, **more: Any) -> Any:
    how = {"iterations": 2, "batch_size": 8, "device": "cpu", "data_root": SLICES, "reporter": Silent()}
    return zoo.train("judge", data=str(data), output=output, **{**how, **more})


def measured(run: Path) -> Any:
    return zoo.evaluate("judge", weights=run, device="cpu", data_root=SLICES, reporter=Silent())


def test_a_run_keeps_to_the_images_that_it_began_with(tmp_path: Path, cache: Path) -> None:
    own = folder(tmp_path / "photos")
    done, first = judge(own, tmp_path / "run"), made(own)
    shutil.copytree(own, tmp_path / "kept" / "photos")
    save(own / "cat" / "0.png", speckle(500))
    assert made(own).hash != first.hash and made(own).name.startswith("photos@")
    shutil.rmtree(own)
    again = measured(tmp_path / "run")
    assert again.metrics == done.metrics and again.record["data"].items() <= done.record["data"].items()

    held_out = store.folder_of(first.hash) / "test-images"
    data = bytearray(held_out.read_bytes())
    data[100] ^= 1
    held_out.write_bytes(data)
    with pytest.raises(IntegrityError, match=rf"{held_out} is damaged \(remove {held_out.parent}; zoo data prepare"):
        measured(tmp_path / "run")
    shutil.rmtree(held_out.parent)
    with pytest.raises(UsageError, match=rf"{first.name} is not in the zoo's cache \(zoo data prepare, "):
        measured(tmp_path / "run")
    assert made(tmp_path / "kept" / "photos").name == first.name
    assert measured(tmp_path / "run").metrics == done.metrics


@pytest.mark.parametrize("file", ["data.json", "test-images", "train-labels", "sources"])
@pytest.mark.parametrize("how", ["gone", "cut", "garbage"])
def test_whatever_is_damaged_in_the_cache(file: str, how: str, tmp_path: Path, cache: Path) -> None:
    """It is noticed, never used; and preparing the same images again, as the error says, is the way out."""
    own = folder(tmp_path / "own")
    name = made(own).name
    home = store.folder_of(name.partition("@")[2])
    path = next((cache / "sources").iterdir()) if file == "sources" else home / file
    whole = path.read_bytes()
    path.unlink()
    if how != "gone":
        path.write_bytes(whole[: len(whole) // 2] if how == "cut" else b"\xff" * len(whole))
    try:
        assert made(own).name == name
    except (IntegrityError, UsageError) as error:
        assert str(home) in str(error), str(error)
        shutil.rmtree(home)
    assert made(own).name == name


def test_images_that_were_lost_are_prepared_again(tmp_path: Path, cache: Path) -> None:
    own = folder(tmp_path / "photos")
    first = made(own)
    for name in ("train-images", "test-labels"):
        file = store.folder_of(first.hash) / name
        file.unlink()
        assert made(own).rows() == first.rows()
        file.write_bytes(b"x")
        assert made(own).rows() == first.rows()


def test_other_names_of_classes_have_another_judge(tmp_path: Path, cache: Path) -> None:
    common: dict[str, Any] = {"iterations": 2, "batch_size": 8, "width": 8, "device": "cpu", "reporter": Silent()}
    one, other = folder(tmp_path / "a" / "photos"), folder(tmp_path / "b" / "photos")
    (other / "cat").rename(other / "cats")
    judges = []
    for number, data in enumerate((one, other, shutil.copytree(one, tmp_path / "called otherwise"))):
        run = zoo.train("gan", data=str(data), output=tmp_path / str(number), data_root=SLICES, **common)
        judges.append(run.record["judges"])
    assert judges[0] != judges[1] and len(list((cache / "judges").glob("judge-*[0-9a-f]"))) == 2
    assert list(judges[0].values()) == list(judges[2].values()), "the same images have one judge, whatever their name"
    kept = list((cache / "computed").iterdir())
    assert len(kept) == 2, "both judges have learned the same, and see the same: a reference, and floors"
    store.remove(made(one).name)
    assert len(list((cache / "judges").glob("judge-*[0-9a-f]"))) == 1
    assert not list((cache / "computed").iterdir())


def test_damage_in_the_cache_is_a_row_and_no_end(zoo: Zoo, tmp_path: Path, cache: Path) -> None:
    good, bad = made(folder(tmp_path / "good")), made(folder(tmp_path / "bad", n=13))
    env = {"ZOO_CACHE": str(cache)}
    (store.folder_of(good.hash) / "test-labels").unlink()
    checked = zoo("data", "check", "--json", env=env)
    assert checked.returncode == 3 and {row["dataset"]: row["ok"] for row in answered(checked.stdout)["data"]}[bad.name]
    (store.folder_of(bad.hash) / "data.json").write_text("{bad")
    listed = zoo("data", "list", env=env)
    assert listed.returncode == 0 and f"{good.name}  16 x 16" in listed.stdout
    assert f"{bad.name}  " in listed.stdout and "is damaged" in listed.stdout
    checked = zoo("data", "check", "good", "bad", env=env)
    assert checked.returncode == 3 and checked.stdout.count("damaged") >= 2, checked.stdout
    assert zoo("data", "remove", "good", "worse", env=env).returncode == 2
    assert good.name in store.names(), "all of them, or none"
    assert zoo("data", "remove", "good", "bad", env=env).returncode == 0 and not list((cache / "prepared").iterdir())


def test_a_prepared_set_goes_by_its_short_name(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(folder(tmp_path / "photos"))
    assert made("photos").name == first.name
    made(folder(tmp_path / "b" / "photos", n=13))
    with pytest.raises(UsageError, match=r"several .* 'photos' \(name one: photos@\w+ \(16 x 16\) or photos@"):
        made("photos")
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "mnist", n=14)
    meant = made("mnist")
    assert meant.name == "mnist" and meant.told == ["mnist is the data set of that name; the folder here is ./mnist"]
    assert made("./mnist").name.startswith("mnist@")


def interrupted(data: Path, output: Path, **more: Any) -> None:
    """A training that was stopped before it was measured."""

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(training, "finish", stop)
        judge(data, output, **more)


def test_a_run_is_not_resumed_with_other_images(tmp_path: Path) -> None:
    own, run = folder(tmp_path / "photos"), tmp_path / "run"
    interrupted(own, run)
    was = made(own).name
    save(own / "dog" / "1.png", speckle(500))
    with pytest.raises(UsageError) as caught:
        judge(own, run, resume=True)
    assert caught.value.message.startswith(f"the images of photos have changed since the run in {run} began")
    assert caught.value.hint.startswith(f"data {was} goes on with those of then")
    with pytest.raises(UsageError, match="was made with data photos@"):
        judge(folder(tmp_path / "others"), run, resume=True)
    assert judge(was, run, resume=True).record["options"]["data"] == was


def test_no_record_says_where_the_images_lay(tmp_path: Path, cache: Path) -> None:
    own = folder(tmp_path / "of-jane-doe" / "photos")
    written(own / "cat" / "broken.png", "x")
    unfinished, finished = tmp_path / "unfinished", tmp_path / "finished"
    interrupted(own, unfinished, skip_broken=True)
    done = judge(own, finished, skip_broken=True)
    assert done.record["options"]["data"].startswith("photos@") and done.record["options"]["skip_broken"] is False
    for place in (unfinished, finished, cache / "prepared", cache / "sources"):
        files = [path for path in place.rglob("*") if path.is_file()]
        said = b"\0".join(path.name.encode() + path.read_bytes() for path in files)
        assert len(said) > 200 and b"jane" not in said and str(tmp_path).encode() not in said, place
    assert b"photos@" in (unfinished / "state.safetensors").read_bytes()


SMALL: dict[str, dict[str, Any]] = {"vae": {"hidden": 8}, "cgan": {"generator_width": 8, "discriminator_width": 8}}


@pytest.mark.parametrize("model", SMALL)
def test_the_weights_are_those_of_the_set_that_it_is(model: str, tmp_path: Path) -> None:
    write_fashion(tmp_path / "clothes", 5)
    how = {**SMALL[model], "iterations": 3, "batch_size": 16, "device": "cpu", "data_root": SLICES}
    hashes = set()
    for number, data in enumerate((str(tmp_path / "clothes"), "fashion-mnist")):
        run = tmp_path / f"run-{number}"
        done = zoo.train(model, data=data, output=run, reporter=Silent(), **how)
        assert done.record["options"]["data"] == "fashion-mnist"
        hashes.add(sha256((run / "model.safetensors").read_bytes()))
    assert len(hashes) == 1
