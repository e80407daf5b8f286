"""The Script atom, from the text of a task to its result."""

from __future__ import annotations

import json

import pytest

from engine.atoms import AtomResult, Outcome, Script
from tests.integration.atoms.conftest import Bench


def script(text: str, options: str = "", lang: str = "sh") -> str:
    body = "".join(f"    {line}\n" for line in text.splitlines())
    return f"- [ ] [Script] Do it\n    ```{lang} {options}\n{body}    ```\n"


def run(bench: Bench, text: str, options: str = "", lang: str = "sh", **fields: object) -> AtomResult:
    return bench.run(Script(), bench.call(script(text, options, lang), **fields))


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("sh", "echo hello > out"),
        ("bash", "[[ -d .flow ]] && echo hello > out"),
        ("python", "open('out', 'w').write('hello\\n')"),
    ],
)
def test_a_script_runs_in_the_root(bench: Bench, lang: str, text: str) -> None:
    assert run(bench, text, lang=lang) == AtomResult.success()
    assert (bench.root / "out").read_text() == "hello\n"


def test_a_script_knows_its_task_and_what_came_before(bench: Bench) -> None:
    names = "FLOW_ROOT FLOW_TASK FLOW_ADDRESS FLOW_ATTEMPT FLOW_KEY STAGE PLACE"
    text = f'for n in {names}; do eval "echo \\$$n"; done > "$FLOW_ROOT/out"; cat "$FLOW_CONTEXT" >> "$FLOW_ROOT/out"'
    (bench.root / "a folder").mkdir()

    result = run(
        bench,
        f"pwd; {text}",
        'env.STAGE="pre prod" env.PLACE=x=y cwd="a folder"',
        attempt=3,
        context={"version": "2.0 ü"},
    )

    assert result.outcome is Outcome.SUCCESS, result
    *values, context = (bench.root / "out").read_text().split("\n")
    assert values == [str(bench.root), "Do it", "1", "3", "key-1", "pre prod", "x=y"]
    assert json.loads(context) == {"version": "2.0 ü"}


def test_output_of_python_is_there_while_it_runs(bench: Bench) -> None:
    text = "import time, os\nprint('now')\nwhile not os.path.exists('go'): time.sleep(0.01)"
    job = Script().job(bench.call(script(text, lang="python")), bench.new_run())
    bench.start(job)

    bench.wait(lambda: bench.runner.tail(job.run, 1) == "now\n")
    (bench.root / "go").touch()
    assert bench.end_of(job.run).code == 0


def test_exports_come_back(bench: Bench) -> None:
    result = run(bench, """echo '{"version": "2.0", "reason": [1, null, "ü"]}' > "$FLOW_EXPORTS" """)

    assert result.outcome is Outcome.SUCCESS
    assert result.exports == {"version": "2.0", "reason": [1, None, "ü"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 3", "Exit status 3."),
        ("kill -9 $$", "It was killed by SIGKILL."),
        ("kill -USR1 $$", "It was killed by SIGUSR1."),
        ("no-such-command-at-all", "Exit status 127."),
        ('echo nonsense > "$FLOW_EXPORTS"', "not a JSON object"),
        ('echo "[1]" > "$FLOW_EXPORTS"', "not an object"),
        ('echo \'{"a": NaN}\' > "$FLOW_EXPORTS"', "NaN is no JSON"),
        ('printf \'{"a": "\\377"}\' > "$FLOW_EXPORTS"', "not UTF-8"),
        ('printf "%0100000d" 0 | tr 0 "[" > "$FLOW_EXPORTS"', "not a JSON object"),
        (
            'head -c 9000000 /dev/zero | tr "\\0" " " > "$FLOW_EXPORTS"; echo "{}" >> "$FLOW_EXPORTS"',
            "larger than",
        ),
    ],
)
def test_t3_24_what_a_script_does_wrong_is_its_reason(bench: Bench, text: str, reason: str) -> None:
    result = run(bench, text)

    assert result.outcome is Outcome.FAILURE
    assert reason in result.reason


def test_t3_24_a_script_that_takes_too_long_fails(bench: Bench) -> None:
    result = run(bench, "sleep 60", "timeout=200ms")

    assert result == AtomResult.failure("It took longer than 0.2 s and was ended.")


@pytest.mark.parametrize("text", ['rm "$FLOW_EXPORTS"; mkfifo "$FLOW_EXPORTS"', 'rm -f "$FLOW_EXPORTS"'])
def test_exports_that_are_no_file_hold_nothing_up(bench: Bench, text: str) -> None:
    assert run(bench, text) == AtomResult.success()


@pytest.mark.parametrize(
    ("probe", "complete"), [("test -e done", True), ("test ! -e done", False), ("sleep 60", False)]
)
def test_verify_tells_whether_the_work_is_done(bench: Bench, probe: str, complete: bool) -> None:
    (bench.root / "done").touch()
    plan = f"{script('touch ran')}    ```sh verify timeout=3s\n    {probe}\n    ```\n"
    job = Script().probe(bench.call(plan), bench.new_run())
    assert job is not None

    assert Script().is_complete(bench.finish(job)) is complete
    assert not (bench.root / "ran").exists()
