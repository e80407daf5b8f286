"""The Script atom's reading of its task: what it accepts, and what it says about the rest."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.atoms import Call, Effect, Ended, Outcome, Retries, Script, configuration
from engine.atoms.supervised import duration
from engine.errors import ConfigurationError
from engine.status import parse


def call(plan: str, root: Path = Path("/project")) -> Call:
    task = parse(textwrap.dedent(plan), "status.md").tasks[0]
    return Call(name=task.name, address=task.address, root=root, config=configuration(task))


def script(first: str, text: str = "true", more: str = "") -> str:
    return f"# Plan\n\n- [ ] [Script] Do it\n    ```{first}\n    {text}\n    ```\n{more}"


@pytest.mark.parametrize(
    ("plan", "line", "words"),
    [
        ("- [ ] [Script] Nothing\n", 1, "has no script"),
        (script("ruby"), 3, "has no script"),
        (script("sh", more="    ```sh\n    true\n    ```\n"), 7, "more than one script"),
        (
            script("sh", more="    ```sh verify\n    a\n    ```\n    ```sh verify\n    b\n    ```\n"),
            10,
            "`verify` block",
        ),
        (script("sh verify"), 3, "has no script"),
        (script("sh colour=red"), 4, "no option `colour`"),
        (script("sh interactive"), 4, "no option `interactive`"),
        (script("sh timeout=soon"), 4, "no length of time"),
        (script("sh timeout=0"), 4, "no length of time"),
        (script("sh backoff=-1"), 4, "no length of time"),
        (script("sh retries=many"), 4, "whole number"),
        (script("sh retries=101"), 4, "whole number"),
        (script("sh retries=-1"), 4, "whole number"),
        (script("sh effect=twice"), 4, "`effect=twice`"),
        (script("sh env.1X=a"), 4, "environment variable"),
        (script("sh env.=a"), 4, "environment variable"),
        (script("sh", more="    ```sh verify retries=2\n    true\n    ```\n"), 7, "no option `retries`"),
        (script("sh", more="    ```sh verify tty\n    true\n    ```\n"), 7, "no option `tty`"),
    ],
)
def test_what_cannot_be_understood_names_its_line(plan: str, line: int, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Script().check(call(plan).config)

    assert str(error.value).startswith(f"status.md:{line}: ")
    assert words in str(error.value)
    assert error.value.fields["line"] == line


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("250ms", 0.25), ("10m", 600), ("2h", 7200), ("1d", 86400)],
)
def test_times_have_units(text: str, seconds: float) -> None:
    assert Script().job(call(script(f"sh timeout={text}")), "r").timeout == seconds


def test_defaults(tmp_path: Path) -> None:
    made = call(script("sh"), tmp_path)
    job = Script().job(made, "r")

    assert (job.timeout, job.cwd, job.tty) == (None, str(tmp_path), False)
    assert Script().effect_of(made) is Effect.ONCE
    assert Script().retries(made.config) == Retries(0, 1.0)
    assert Script().probe(made, "r") is None
    assert Path(job.argv[0]).is_absolute()


def test_options(tmp_path: Path) -> None:
    made = call(script("BASH tty effect=idempotent retries=3 backoff=5s env.A=1 env.B=2"), tmp_path)
    job = Script().job(made, "r")

    assert job.tty
    assert Path(job.argv[0]).name == "bash"
    assert (job.env["A"], job.env["B"]) == ("1", "2")
    assert Script().effect_of(made) is Effect.IDEMPOTENT
    assert Script().retries(made.config) == Retries(3, 5.0)


def test_the_flow_variables_cannot_be_overwritten() -> None:
    job = Script().job(call(script("sh env.FLOW_ROOT=/elsewhere")), "r")
    assert job.env["FLOW_ROOT"] == "/project"


@pytest.mark.parametrize("cwd", ["..", "../other", "/etc", "link", "missing", "a\\b", "C:/x"])
def test_t1_33_a_folder_outside_the_project_is_refused(tmp_path: Path, cwd: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)

    with pytest.raises(ConfigurationError, match="cwd="):
        Script().job(call(script(f'sh cwd="{cwd}"'), root), "r")


def test_waits_double_up_to_an_hour() -> None:
    retries = Retries(100, 5.0)
    assert [retries.wait(tried) for tried in (1, 2, 3, 100)] == [5.0, 10.0, 20.0, 3600.0]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "0.5 s"), (90, "90 s"), (600, "10 min"), (7200, "2 h"), (3700, "3700 s")]
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_t3_24_whatever_was_exported_there_is_a_result(text: str) -> None:
    result = Script().result(call(script("sh")), Ended(code=0, exports=text))
    assert result.outcome in (Outcome.SUCCESS, Outcome.FAILURE)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_json_that_was_exported_comes_back(exports: dict[str, object]) -> None:
    result = Script().result(call(script("sh")), Ended(code=0, exports=json.dumps(exports)))
    assert result.exports == exports
