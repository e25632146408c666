"""Files: written by one process at a time, over nothing that nobody meant, read without waiting for ever."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Zoo

import zoo_core
from zoo_core import UsageError
from zoo_core.files import (
    Taken,
    atomic_write,
    file_sha256,
    held,
    leftovers,
    read_bytes,
    remove_dead,
    write_json,
    write_json_lines,
    write_new,
)

AS_ROOT = os.geteuid() == 0


def test_of_many_threads_that_write_one_new_file_one_does(tmp_path: Path) -> None:
    written, taken = [], []

    def write(number: int) -> None:
        try:
            write_new(tmp_path / "x", str(number).encode() * 1000)
            written.append(number)
        except Taken:
            taken.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 1 and len(taken) == 39
    assert (tmp_path / "x").read_text() == str(written[0]) * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "x", b"first")
    with pytest.raises(Taken):
        write_new(tmp_path / "x", b"second")
    assert (tmp_path / "x").read_bytes() == b"first" and len(list(tmp_path.iterdir())) == 1


def test_what_a_link_leads_to_is_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_new(tmp_path / "link", b"1")  # it dangled
    assert (tmp_path / "target").read_bytes() == b"1" and (tmp_path / "link").is_symlink()
    with pytest.raises(Taken):
        write_new(tmp_path / "link", b"2")
    write_new(tmp_path / "link", b"2", overwrite=True)
    atomic_write(tmp_path / "link", b"3")
    assert (tmp_path / "target").read_bytes() == b"3" and (tmp_path / "link").is_symlink()


def test_what_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("secret")
    (tmp_path / "x").chmod(0o600)
    write_new(tmp_path / "x", b"new", overwrite=True)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


def test_a_pipe_is_written_into_if_somebody_reads_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="a pipe that nobody reads"):
            write_new(tmp_path / "pipe", b"x", overwrite)
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        write_new(tmp_path / "pipe", b"hello", overwrite)
        assert os.read(reader, 10) == b"hello"
        os.close(reader)
    with pytest.raises(UsageError, match="it is a pipe"):
        atomic_write(tmp_path / "pipe", b"x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(not AS_ROOT, reason="only root makes device nodes")
def test_a_device_stays_one(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    write_new(tmp_path / "null", b"x", overwrite=True)
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


def test_dev_null_stays_one() -> None:
    before = os.stat("/dev/null")
    write_new("/dev/null", b"x", overwrite=True)
    write_new("/dev/null", b"x")
    assert os.stat("/dev/null").st_rdev == before.st_rdev and os.stat("/dev/null").st_ino == before.st_ino


def test_the_longest_name_that_the_system_takes(tmp_path: Path) -> None:
    write_new(tmp_path / ("x" * 255), b"1")
    atomic_write(tmp_path / ("é" * 127), b"2")
    with pytest.raises(UsageError, match="too long"):
        write_new(tmp_path / ("x" * 256), b"1")


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "/dev/tty", "folder", "nothing", "a\0b", "loop"])
def test_reading_never_waits(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for read in (read_bytes, file_sha256):
        with pytest.raises(UsageError, match="cannot read"):
            read(tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(UsageError, match="more than"):
        read_bytes(tmp_path / "x", most=1000)


def test_json_has_no_numbers_that_are_none(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": [float("nan"), {"b": float("-inf")}], "c": 1.5, "d": "\ud800"})
    assert '"a": [\n    null' in (tmp_path / "x.json").read_text() and "NaN" not in (tmp_path / "x.json").read_text()
    write_json_lines(tmp_path / "x.jsonl", [{"score": float("nan")}])
    assert (tmp_path / "x.jsonl").read_text() == '{"score": null}\n'


def test_nothing_is_left_where_there_are_no_links_and_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> Callable[..., None]:
        def fail(*names: object) -> None:
            raise OSError(number, os.strerror(number))

        return fail

    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    monkeypatch.setattr(os, "replace", refuse(errno.ENOSPC))
    with pytest.raises(zoo_core.TrainingError, match="no room"):
        write_new(tmp_path / "x", b"1")
    monkeypatch.setattr(os, "link", refuse(errno.ENOSPC))
    with pytest.raises(zoo_core.TrainingError, match="no room"):
        write_new(tmp_path / "x", b"1")
    assert list(tmp_path.iterdir()) == []


# -- leftovers ---------------------------------------------------------------------------------------

LEAVE = "import os, pathlib; from zoo_core.files.leftovers import begin; os.write(begin(pathlib.Path())[0], b'half')"


def test_what_a_dead_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", LEAVE], cwd=tmp_path, check=True)
    writes = f"{LEAVE}; print(flush=True); input()"
    pipe = subprocess.PIPE
    living = subprocess.Popen([sys.executable, "-c", writes], cwd=tmp_path, stdin=pipe, stdout=pipe)
    assert living.stdout and living.stdout.readline()
    (tmp_path / "mine.part").write_text("the user's")
    (tmp_path / ".zoo-0123-x.part").write_text("the user's, too")
    assert len(leftovers.dead(tmp_path)) == 2
    assert len(remove_dead([tmp_path])) == 2 and remove_dead([tmp_path]) == []
    assert len(list(tmp_path.iterdir())) == 3
    living.communicate(b"\n")
    assert len(remove_dead([tmp_path])) == 1


def test_of_other_hosts_and_older_releases_only_what_is_old_goes(tmp_path: Path) -> None:
    other, old = tmp_path / ".zoo-00000000-1-01234567.part", tmp_path / ".state.safetensors.abcd_123.part"
    for path in (other, old):
        path.write_text("half")
    assert remove_dead([tmp_path]) == []
    assert [left.path for left in leftovers.dead(tmp_path, mine=True)] == [old]
    strangers = [tmp_path / name for name in (".movie.mp4.download.part", ".x.complete.part", ".zoo-x.part")]
    for path in (other, old, *strangers):
        path.write_text("half")
        os.utime(path, (1, 1))
    assert [left.path for left in remove_dead([tmp_path])] == [other]
    assert [left.path for left in remove_dead([tmp_path], mine=True)] == [old], "only what a run calls so"
    assert all(path.exists() for path in strangers)


def test_the_next_file_in_a_folder_takes_leftovers_away(tmp_path: Path, zoo: Zoo) -> None:
    subprocess.run([sys.executable, "-c", LEAVE], cwd=tmp_path, check=True)
    assert zoo("sample", "judge", "-o", "x.png", "--device", "cpu").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.parametrize("command", [["doctor"], ["weights", "prune"]])
def test_doctor_and_prune_take_leftovers_away(tmp_path: Path, zoo: Zoo, command: list[str]) -> None:
    for folder in (tmp_path, tmp_path / "runs" / "a"):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", LEAVE], cwd=folder, check=True)
    env = {"HF_HOME": str(tmp_path / "hub")}
    if command == ["weights", "prune"]:
        said = zoo(*command, "--dry-run", env=env).stdout
        assert (
            "would remove 2 leftovers of killed processes, 8 bytes" in said and len(list(tmp_path.rglob("*.part"))) == 2
        )
    done = zoo(*command, env=env)
    assert done.returncode == 0 and "8 bytes" in done.stdout, done.stdout
    assert not list(tmp_path.rglob("*.part"))


# -- locks ---------------------------------------------------------------------------------------------


def test_a_lock_says_who_holds_it_and_a_dead_process_holds_none(tmp_path: Path) -> None:
    hold = "import sys; from pathlib import Path; from zoo_core.files import held\n"
    hold += "with held(Path('lock'), 'x is being written'): print(flush=True); input()"
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", hold], cwd=tmp_path, stdin=pipe, stdout=pipe)
    assert other.stdout and other.stdout.readline()
    with (
        pytest.raises(UsageError, match=f"x is being written by process {other.pid} ") as caught,
        held(tmp_path / "lock", "x is being written"),
    ):
        pass
    assert "wait" in caught.value.hint
    other.kill()
    other.communicate()
    with held(tmp_path / "lock", "x is being written"):
        pass


@pytest.mark.parametrize(
    "said", ["", "[]", "{", '{"process": "\\u001b[2J", "host": 3}', '{"process": null}', "[" * 9999]
)
def test_a_note_of_the_holder_that_makes_no_sense_is_no_trouble(tmp_path: Path, said: str) -> None:
    with held(tmp_path / "lock", "x"):
        (tmp_path / "lock.holder").write_text(said)
        with pytest.raises(UsageError, match="x by another process"), held(tmp_path / "lock", "x"):
            pass
