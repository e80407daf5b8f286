"""Changing a status with a key, and plans that change, break, empty or vanish while the app looks at them."""

from __future__ import annotations

import shutil
import time

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.tui.conftest import SECONDS, Sit
from tui.session import _lost


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("x", "done", "Done: Thank everybody"),
        ("minus", "skipped", "Skipped: Thank everybody"),
        ("exclamation_mark", "failed", "Failed: Thank everybody"),
        ("b", "active", "Begun: Thank everybody"),
    ],
)
async def test_t3_02_a_key_changes_the_selection_and_says_so(
    sit: Sit, orbit: dict[str, str], key: str, status: str, said: str
) -> None:
    orbit["status.md"] = orbit["status.md"].replace("- [/] [Build]", "- [x] [Build]")
    orbit["build.md"] = "- [x] Compile\n"
    async with sit(orbit) as person:
        await person.press("G", key)
        await person.until(lambda: person.status("6") == status, status)
        await person.sees(said)
        text = (person.app.engine.root / ".flow" / "status.md").read_text()
        before = orbit["status.md"]
        assert sum(a != b for a, b in zip(text, before, strict=True)) == 1


async def test_reopen_makes_a_done_task_pending_again(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("g", "o")
        await person.until(lambda: person.status("1") == "pending")
        await person.sees("Reopened: Freeze the branch")


async def test_t3_11_a_forbidden_change_is_refused_in_words(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("g", "j", "j", "j", "x")
        await person.sees("Changelog")
        await person.told("Changelog")
        await person.until(lambda: person.status("4") == "pending")
        assert (person.app.engine.root / ".flow" / "status.md").read_text() == orbit["status.md"]


async def test_t5_01_completing_the_last_task_of_a_subflow_completes_the_one_above(sit: Sit) -> None:
    files = {"status.md": "- [ ] [Docs](docs.md)\n- [ ] Last\n", "docs.md": "- [x] Write\n- [ ] Print\n"}
    async with sit(files) as person:
        await person.press("enter", "G", "x")
        await person.until(lambda: person.status("1") == "done")
        await person.until(lambda: person.status("1/2") == "done")


async def test_readonly_changes_and_runs_nothing(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit, readonly=True) as person:
        for key in ("x", "s", "a", "d"):
            person.main.say("", "")
            await person.press(key)
            await person.sees("This is a read-only view")
        await person.sees("read-only")
        await person.press("G", "x", "s", "r", "o", "b", "minus", "exclamation_mark")
        await person.idle()
        await person.until(lambda: person.status("6") == "pending")
        assert (person.app.engine.root / ".flow" / "status.md").read_text() == orbit["status.md"]
        assert "step" not in person.text.split("\n")[-1]


async def test_a_plan_changed_elsewhere_keeps_selection_folds_and_zoom(
    sit: Sit, orbit: dict[str, str]
) -> None:
    async with sit(orbit, watch=True) as person:
        flow = person.app.engine.root / ".flow"
        await person.press("G", "k", "space", "g", "j", "enter", "G", "k")
        await person.until(lambda: person.selected == "2/3")
        # Watching takes a moment to begin; the edit is repeated until it is seen.
        new = "- [x] Unpack\n" + orbit["build.md"].replace("Wheel installs", "Wheel works")
        (flow / "build.md").write_text(new)
        await person.sees("Unpack", "Wheel works")
        await person.until(lambda: person.selected == "2/4")  # still Sign
        task = person.main.flow_tree.chosen
        assert task is not None
        assert task.name == "Sign"
        (flow / "status.md").write_text("- [x] Before\n" + orbit["status.md"].split("# Release")[1].strip())
        await person.until(lambda: person.selected == "3/4", "the shifted address")
        await person.press("h")
        await person.until(lambda: person.selected == "3")
        await person.sees("Before", "Write")  # Docs stays unfolded


@pytest.mark.parametrize("way", ["cut", "renamed away"])
async def test_a_plan_that_is_saved_slowly_keeps_picture_and_selection(
    sit: Sit, orbit: dict[str, str], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("tui.session._SAVED", SECONDS)
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr("tui.session.sleep", sleep)
    async with sit(orbit, watch=True) as person:
        await person.press("G", "k")
        await person.until(lambda: person.selected == "5")
        plan = person.app.engine.root / ".flow" / "status.md"
        if way == "cut":
            plan.write_text("")
        else:
            plan.rename(plan.with_name("status.md~"))
        await person.until(lambda: looks, "a look at what is left")
        assert "Thank everybody" in person.text
        plan.write_text("- [x] Before\n" + orbit["status.md"].split("# Release")[1].strip())
        await person.until(lambda: person.selected == "6", "the shifted address")
        assert person.name("6") == "Docs"


@pytest.mark.parametrize("ref", ["b.md", "./b.md"])
def test_a_plan_that_lost_everything_is_seen_however_it_is_referred_to(
    make_project: MakeProject, ref: str
) -> None:
    root = make_project({"status.md": f"- [ ] [B]({ref})\n", "b.md": "- [ ] One\n"})
    old = Engine.open(root).tree()
    assert list(old.plans) == ["status.md", "b.md"]
    (root / ".flow/b.md").write_text("")
    assert _lost(old, Engine.open(root).tree()) == {"b.md"}


async def test_t1_10_an_empty_plan_says_what_comes_next_and_fills_when_written(sit: Sit) -> None:
    async with sit({"status.md": ""}, watch=True) as person:
        await person.sees("This plan has no tasks yet", "- [ ] Say hello")
        (person.app.engine.root / ".flow" / "status.md").write_text("- [ ] Say hello\n")
        await person.sees("next 1 Say hello")


async def test_t2_01_a_broken_plan_shows_its_problems_and_the_rest_goes_on(
    sit: Sit, orbit: dict[str, str]
) -> None:
    orbit["docs.md"] = "- [ ] Write\n   - [ ] Print\n"
    orbit["status.md"] += "- [ ] [Gone](gone.md)\n"
    async with sit(orbit) as person:
        await person.sees("3 problems", "⚠ Docs", "⚠ Gone", "next 2/2.2 Run the tests")
        await person.press("G")
        await person.sees("gone.md", "status.md:")


async def test_a_broken_root_plan_names_line_and_mending(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [?] Two\n"}) as person:
        await person.sees("nothing can run until the problems are mended", "⚠ Two")
        await person.press("G")
        await person.sees("[?]", "status.md:2:")
        assert "x done" not in person.text


async def test_a_deleted_project_is_a_state_with_a_way_out(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit, watch=True) as person:
        flow = person.app.engine.root / ".flow"
        shutil.move(flow, flow.with_name("away"))
        await person.until(lambda: person.main.error is not None, "the error")
        await person.sees("f5 read again", "q quit")
        await person.press("x", "s")  # keys do no harm meanwhile
        shutil.move(flow.with_name("away"), flow)
        await person.sees("next 2/2.2 Run the tests")


async def test_copying_gives_the_address_and_the_name(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("G", "y")
        await person.until(lambda: person.app.clipboard == "6")
        await person.press("Y")
        await person.until(lambda: person.app.clipboard == "Thank everybody")


async def test_z_takes_back_the_last_change(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("G", "x")
        await person.sees("Done: Thank everybody · z undoes")
        await person.press("z")
        await person.until(lambda: person.status("6") == "pending")
        await person.sees("Undone: Thank everybody")
        assert (person.app.engine.root / ".flow" / "status.md").read_text() == orbit["status.md"]


async def test_a_refusal_names_the_keys_of_the_app_instead_of_commands(sit: Sit) -> None:
    plan = "- [ ] [Script] Ship\n    ```sh\n    echo shipped\n    ```\n"
    async with sit({"status.md": plan}) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        await person.press("z")
        await person.until(lambda: person.status("1") == "active")
        await person.idle()
        await person.press("s")
        await person.told("t runs it again, x leaves it at that.")


async def test_what_only_lacks_its_own_mark_is_named_and_a_step_sets_it(sit: Sit) -> None:
    async with sit({"status.md": "- [x] First\n- [ ] Outer\n    - [x] Inner\n"}) as person:
        await person.sees("2 Outer is complete: only its mark is left", "s mark what is complete")
        await person.press("s")
        await person.until(lambda: person.status("2") == "done")
        await person.sees("everything is done")
