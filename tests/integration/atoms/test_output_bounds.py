"""However much a script prints: little memory, little disk, head and tail kept."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

import psutil
import pytest

from engine.atoms import supervisor
from tests.integration.atoms.conftest import Bench
from tests.integration.atoms.test_supervisor import shell

SIZE = 200 << 20


def whole(bench: Bench, run: str) -> bytes:
    data, offset = bytearray(), 0
    while (found := bench.runner.read(run, offset))[0]:
        data += found[0]
        offset = found[1]
    return bytes(data)


def test_much_output_is_bounded_and_keeps_head_and_tail(bench: Bench) -> None:
    job = shell(bench, f"echo first; head -c {SIZE} /dev/zero | tr '\\0' 'x'; echo; echo last")
    pid = bench.start(job)
    most = 0
    data, offset = bytearray(), 0

    while bench.runner.ended(job.run) is None:
        most = max(most, _memory(pid.pid))
        found, offset = bench.runner.read(job.run, offset)
        data += found

    assert bench.end_of(job.run).code == 0
    assert 0 < most < 40 << 20
    path = bench.runner.output(job.run)
    assert path.stat().st_blocks * 512 <= supervisor.HEAD + supervisor.TAIL + 2 * supervisor.SLACK
    text = whole(bench, job.run)
    assert text.startswith(b"first\nxxx") and text.endswith(b"xxx\nlast\n")
    assert b"bytes left out" in text
    assert b"\0" not in text and b"\0" not in data
    assert len(text) < supervisor.HEAD + supervisor.TAIL + supervisor.SLACK
    assert bench.runner.tail(job.run, 1) == "last\n"


def test_who_reads_behind_a_flood_gets_text_and_not_notices_alone(bench: Bench) -> None:
    job = shell(bench, f"yes | head -c {SIZE}")
    bench.start(job)
    notices: list[bytes] = []
    offset = 0
    while bench.runner.ended(job.run) is None or not notices:
        found, offset = bench.runner.read(job.run, offset)
        if b"left out" in found:
            notices.append(found)
    assert min(len(notice) for notice in notices) > 10_000


def test_work_whose_output_somebody_removed_has_begun_all_the_same(bench: Bench) -> None:
    job = shell(bench, "echo paid")
    bench.finish(job)
    for file in bench.runner.folder.iterdir():
        file.unlink()
    assert bench.runner.began(job.run)


def test_a_character_across_the_end_of_the_head_is_whole(bench: Bench) -> None:
    job = shell(bench, "printf '€%.0s' $(seq 400000)")
    bench.finish(job)
    offset, text = 0, ""
    while (found := bench.runner.read(job.run, offset))[0]:
        text += found[0].decode("utf-8", "replace")
        offset = found[1]
    assert text == "€" * 400_000


def test_no_character_is_cut_at_the_end_of_a_piece(bench: Bench) -> None:
    job = shell(bench, f"printf a; for n in $(seq 500); do printf '{'é€😀' * 40}'; done")
    bench.finish(job)
    pieces: list[str] = []
    found, offset = bench.runner.read(job.run, 0)
    while found:
        pieces.append(found.decode("utf-8", "replace"))
        found, offset = bench.runner.read(job.run, offset)
    assert len(pieces) > 1
    assert "".join(pieces) == "a" + "é€😀" * 40 * 500


def _memory(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def test_every_byte_of_less_output_is_there(bench: Bench) -> None:
    size = supervisor.HEAD + supervisor.TAIL
    job = shell(bench, f"seq 1 900000 | head -c {size}")

    bench.finish(job)

    expected = "".join(f"{number}\n" for number in range(1, 900001)).encode()[:size]
    assert whole(bench, job.run) == expected


@pytest.mark.parametrize("holes", [True, False])
def test_bounding_keeps_head_and_tail(bench: Bench, holes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, step by step, and on a file system without holes."""
    if not holes:
        monkeypatch.setattr(supervisor, "punch", lambda *_: False)
    bench.output_folder.mkdir(parents=True)
    watch = supervisor.Supervision({"run": "r", "folder": os.fsencode(bench.output_folder)})
    file = os.open(watch.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    for number in range(40):
        os.write(file, f"{number:08d}".encode() * (1 << 16))
        watch.bound(file)
    os.close(file)

    text = whole(bench, "r")

    assert text.startswith(b"00000000" * (1 << 16))
    assert text.endswith(b"00000039" * (1 << 16))
    assert b"left out" in text and b"\0" not in text
    kept = (bench.output_folder / "r").stat().st_blocks * 512
    assert kept <= supervisor.HEAD + supervisor.TAIL + 2 * supervisor.SLACK


def test_a_file_that_shrinks_is_no_trouble(bench: Bench) -> None:
    job = shell(bench, "echo long long long; echo err > /dev/stderr; echo end")
    bench.finish(job)

    assert bench.runner.tail(job.run, 1) == "end\n"
    size = bench.runner.output(job.run).stat().st_size
    assert bench.runner.read(job.run, 10_000) == (b"", size)


def test_what_was_never_printed_is_empty(bench: Bench) -> None:
    bench.runner.folder.mkdir(parents=True, exist_ok=True)
    assert bench.runner.read("nothing", 7) == (b"", 7)
    assert bench.runner.tail("nothing", 7) == ""


def test_punching_fails_politely(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse: Callable[..., int] = lambda *_: -1  # noqa: E731
    libc = type("Libc", (), {"fallocate64": staticmethod(refuse)})
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: libc)

    assert supervisor.punch(0, 0, 0) is False
