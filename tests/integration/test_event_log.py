"""What happened is written down whole, in sequence, whoever writes at once; and when that fails, the task goes on."""

from __future__ import annotations

import json
import multiprocessing
import threading
import zlib
from pathlib import Path

import pytest

from engine.runtime.log import Log
from engine.storage import Journal, Store
from tests.conftest import MakeProject


@pytest.fixture
def log(make_project: MakeProject) -> Log:
    return Log(Store(make_project({})))


def flow_of(log: Log) -> Path:
    return log._store.flow


@pytest.mark.parametrize(("size", "is_inline"), [(8_192, True), (8_193, False)])
def test_t5_21_t5_22_t5_23_t5_24_large_payloads_become_artifacts(
    log: Log, size: int, is_inline: bool
) -> None:
    text = "x" * (size - len('{"text": ""}'))
    assert log.write("said", text=text) == ""
    (record,) = log.records()
    if is_inline:
        assert record["text"] == text
    else:
        assert json.loads((flow_of(log) / record["artifact"]).read_text()) == {"text": text}


def test_t5_25_artifacts_that_cannot_be_written_and_circular_payloads(log: Log) -> None:
    (flow_of(log) / "artifacts").write_text("a file where a folder should be")
    circle: list[object] = []
    circle.append(circle)
    assert "without its details" in log.write("large", text="x" * 10_000)
    assert "without its details" in log.write("circular", circle=circle)
    assert [(record["what"], record["truncated"]) for record in log.records()] == [
        ("large", True),
        ("circular", True),
    ]


def test_a_log_that_cannot_be_written_is_a_complaint_and_no_error(log: Log) -> None:
    (flow_of(log) / "logs").write_text("a file where a folder should be")
    assert "could not be written" in log.write("said")


def test_t5_27_rotation_loses_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl", limit=1_000)
    numbers = [journal.append({"text": "x" * 90}) for _ in range(100)]
    assert len(list(tmp_path.glob("events*.jsonl"))) > 5
    assert numbers == list(range(1, 101))
    assert [record["seq"] for record in journal.records()] == numbers
    assert [record["seq"] for record in journal.records(after=77)] == numbers[77:]


@pytest.mark.parametrize(
    "tail", [b'{"seq":3,"text":"half', b'{"seq":3}\n', b"\xff\x00", b'{"seq":3,"sum":"00000000"}\n']
)
def test_a_torn_or_damaged_tail_is_held_back_and_mended(tmp_path: Path, tail: bytes) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append({"text": "one"})
    journal.append({"text": "two"})
    with journal.path.open("ab") as file:
        file.write(tail)
    assert [record["text"] for record in journal.records()] == ["one", "two"]
    assert journal.append({"text": "three"}) == 3
    assert [record["text"] for record in journal.records()] == ["one", "two", "three"]


def write_many(path: Path, writer: int, count: int) -> None:
    threads = [
        threading.Thread(target=write_some, args=(path, f"{writer}.{number}", count)) for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write_some(path: Path, name: str, count: int) -> None:
    journal = Journal(path, limit=20_000)
    for number in range(count):
        journal.append({"writer": name, "number": number, "text": "é" * 50})


def test_t7_05_many_threads_and_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(path, number, 40)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    records = list(Journal(path).records())
    assert [record["seq"] for record in records] == list(range(1, 361))
    for writer in {record["writer"] for record in records}:
        assert [r["number"] for r in records if r["writer"] == writer] == list(range(40))


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000 + "]" * 100_000])
def test_a_record_that_cannot_be_read_is_none_though_its_checksum_is_right(log: Log, value: str) -> None:
    log.write("one")
    text = f'{{"seq":2,"n":{value}}}'.encode()
    with (flow_of(log) / "logs/events.jsonl").open("ab") as file:
        file.write(b'%s,"sum":"%08x"}\n' % (text[:-1], zlib.crc32(text)))
    again = Log(Store(flow_of(log).parent))
    assert again.write("two") == ""
    assert [record["what"] for record in again.records()] == ["one", "two"]
    assert [record["what"] for record in again.latest()] == ["two", "one"]
