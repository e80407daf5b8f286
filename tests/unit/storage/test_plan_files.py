"""What the engine knows about plans: revisions, backups, changes from outside (T1.13 to T1.15, section 3)."""

from __future__ import annotations

import json
import stat

import pytest

from engine.errors import ContentChangedError, PlanError, SecurityError, StorageError
from engine.storage import Plans, Snapshot, Store, safe_path
from engine.storage.meta import MetaFile
from engine.storage.platform import Portable
from tests.unit.on_disk import full_disk

ONE, TWO, THREE = b"- [ ] one\n", b"- [/] one\n", b"- [x] one\n"


def write(plans: Plans, data: bytes, file: str = "status.md") -> None:
    plans.write(file, plans.read(file), data)


def test_t3_01_a_new_tree_gets_file_folder_and_backups(plans: Plans) -> None:
    plans.write("sub_flows/b.md", None, ONE)
    flow = plans.store.flow
    assert (flow / "sub_flows" / "b.md").read_bytes() == ONE
    (backup,) = (flow / "backups" / "sub_flows" / "b.md").iterdir()
    assert backup.read_bytes() == ONE


@pytest.mark.parametrize("name", ["ÅÄÖ", "计划", "e\u0301 combining", "👩‍🚀 rocket", "‏עברית"])
def test_t3_03_names_in_any_script_give_the_same_bytes_back(plans: Plans, name: str) -> None:
    data = f"- [ ] {name}\n".encode()
    plans.write(f"{name}.md", None, data)
    write(plans, data + ONE, f"{name}.md")
    snapshot = plans.read(f"{name}.md")
    assert snapshot is not None and snapshot.data == data + ONE and not plans.outside(f"{name}.md", snapshot)


def test_t3_08_the_same_content_is_not_written(plans: Plans) -> None:
    write(plans, ONE)
    path = plans.store.flow / "status.md"
    before = (path.stat().st_ino, path.stat().st_mtime_ns, (plans.store.flow / "status.meta").read_bytes())
    assert plans.write("status.md", plans.read("status.md"), ONE) is None
    assert (
        path.stat().st_ino,
        path.stat().st_mtime_ns,
        (plans.store.flow / "status.meta").read_bytes(),
    ) == before


def test_t3_12_every_write_has_a_backup_of_what_was_there(plans: Plans) -> None:
    (plans.store.flow / "status.md").write_bytes(ONE)
    write(plans, TWO)
    write(plans, THREE)
    kept = [plans.store.flow.joinpath(path).read_bytes() for _, path in plans.backups.versions("status.md")]
    assert kept == [THREE, TWO, ONE]


def test_t3_12_the_last_twenty_versions_are_kept(plans: Plans) -> None:
    for number in range(30):
        write(plans, b"- [ ] %d\n" % number)
    kept = [path.read_bytes() for _, path in plans.backups.versions("status.md")]
    assert kept == [b"- [ ] %d\n" % number for number in range(29, 9, -1)]


def test_t3_12_what_others_share_with_an_old_version_stays_theirs(plans: Plans) -> None:
    """Somebody copied `backups/` by hard links, put a link in the place of one version, and has another one open."""
    for number in range(21):
        write(plans, b"- [ ] %d\n" % number)
    folder = plans.backups.folder("status.md")
    first, second, third, *_ = sorted(folder.iterdir())
    copy, outside = plans.store.root / "copy.md", plans.store.root / "outside.md"
    copy.hardlink_to(first)
    outside.write_bytes(ONE)
    second.unlink()
    second.symlink_to(outside)
    with third.open("r+b", buffering=0) as held:
        for data in (ONE, TWO, THREE):
            write(plans, data)
        held.write(b"spoiled")
    assert copy.read_bytes() == b"- [ ] 0\n" and outside.read_bytes() == ONE
    kept = [path.read_bytes() for _, path in plans.backups.versions("status.md")]
    assert kept == [THREE, TWO, ONE, *(b"- [ ] %d\n" % number for number in range(20, 3, -1))]


def test_t3_12_a_short_version_takes_the_room_of_a_long_one(plans: Plans) -> None:
    for number in range(21):
        write(plans, (b"- [ ] %d\n" % number) * 5000)
    write(plans, ONE)
    write(plans, THREE * 9000)
    kept = [path.read_bytes() for _, path in plans.backups.versions("status.md")]
    assert kept[:2] == [THREE * 9000, ONE] and len(kept) == 20
    plans.store.settle()
    assert not [path for path in plans.store.flow.rglob("*") if path.name.endswith(".part")]


def test_t3_12_writes_that_fail_push_out_no_version(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write(plans, b"- [ ] %d\n" % number)
    before = plans.backups.versions("status.md")
    assert len(before) == 20
    base = plans.read("status.md")

    def refuse(*_: object) -> None:
        raise StorageError("It is held open.")

    with monkeypatch.context() as held:
        held.setattr(plans, "_swap", refuse)
        for number in range(10):
            with pytest.raises(StorageError, match="held open"):
                plans.write("status.md", base, b"- [x] %d\n" % (number % 5))
    assert plans.backups.versions("status.md") == before
    write(plans, b"- [x] 4\n")
    assert plans.known("status.md") == Snapshot.of(b"- [x] 4\n")


def test_t3_12_to_and_fro_pushes_out_no_version(plans: Plans) -> None:
    for data in (ONE, TWO, THREE, TWO, THREE, TWO):
        write(plans, data)
    kept = [path.read_bytes() for _, path in plans.backups.versions("status.md")]
    assert kept == [THREE, TWO, ONE]
    assert plans.known("status.md") == Snapshot.of(TWO)
    plans.path("status.md").path.unlink()
    plans.restore("status.md")
    assert plans.path("status.md").path.read_bytes() == TWO


def test_t3_12_a_torn_backup_counts_as_none(plans: Plans) -> None:
    write(plans, ONE)
    ((_, path),) = plans.backups.versions("status.md")
    path.write_bytes(ONE[:4])
    assert plans.known("status.md") is None


def test_t3_13_the_revision_is_known_after_every_write(plans: Plans) -> None:
    for data in (ONE, TWO, THREE, ONE):
        write(plans, data)
        snapshot = plans.read("status.md")
        assert snapshot is not None and not plans.outside("status.md", snapshot)
        known = plans.known("status.md")
        assert known is not None and known.data == data


def test_t3_13_an_older_version_put_there_by_hand_is_a_change_from_outside(plans: Plans) -> None:
    write(plans, ONE)
    write(plans, TWO)
    assert plans.outside("status.md", Snapshot.of(ONE))


def test_a_crash_between_revision_and_plan_looks_like_no_change_from_outside(
    plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(plans, ONE)

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(Store, "swap", killed)
    with pytest.raises(Killed):
        write(plans, TWO)
    assert not plans.outside("status.md", Snapshot.of(ONE))
    assert not plans.outside("status.md", Snapshot.of(TWO))
    assert plans.outside("status.md", Snapshot.of(THREE))


def test_a_lost_swap_says_so_and_forgets_the_revision(plans: Plans) -> None:
    write(plans, ONE)
    base = plans.read("status.md")
    (plans.store.flow / "status.md").write_bytes(THREE)
    with pytest.raises(ContentChangedError) as caught:
        plans.write("status.md", base, TWO)
    assert (caught.value.base, caught.value.disk, caught.value.edit) == (
        ONE.decode(),
        THREE.decode(),
        TWO.decode(),
    )
    assert plans.outside("status.md", Snapshot.of(TWO)) and plans.outside("status.md", Snapshot.of(THREE))
    assert not plans.outside("status.md", Snapshot.of(ONE))


def test_a_plan_removed_meanwhile_is_a_conflict(plans: Plans) -> None:
    write(plans, ONE)
    base = plans.read("status.md")
    (plans.store.flow / "status.md").unlink()
    with pytest.raises(ContentChangedError) as caught:
        plans.write("status.md", base, TWO)
    assert caught.value.disk is None


def test_a_plan_made_meanwhile_is_a_conflict(plans: Plans) -> None:
    (plans.store.flow / "status.md").write_bytes(THREE)
    with pytest.raises(ContentChangedError):
        plans.write("status.md", None, ONE)


@pytest.mark.parametrize("damaged", [b"", b"- [ ] a\0b\n", b"\0" * 100])
def test_a_plan_that_is_empty_or_damaged_is_never_overwritten(plans: Plans, damaged: bytes) -> None:
    write(plans, ONE)
    (plans.store.flow / "status.md").write_bytes(damaged)
    with pytest.raises(PlanError, match="flow restore"):
        write(plans, TWO)
    assert (plans.store.flow / "status.md").read_bytes() == damaged
    plans.restore("status.md")
    assert (plans.store.flow / "status.md").read_bytes() == ONE


def test_t1_13_a_change_from_outside_is_adopted_with_backup_and_diff(plans: Plans) -> None:
    write(plans, ONE)
    (plans.store.flow / "status.md").write_bytes(THREE)
    snapshot = plans.read("status.md")
    assert snapshot is not None and plans.outside("status.md", snapshot)
    diff = plans.adopt("status.md", snapshot)
    assert "-- [ ] one\n" in diff and "+- [x] one\n" in diff
    assert not plans.outside("status.md", snapshot)
    assert plans.backups.find("status.md", snapshot.revision) is not None


def test_t1_13_restore_gives_back_the_last_version(plans: Plans) -> None:
    write(plans, ONE)
    write(plans, TWO)
    path = plans.store.flow / "status.md"
    path.write_bytes(THREE)
    restored = plans.restore("status.md")
    assert path.read_bytes() == TWO
    assert restored.version.read_bytes() == TWO and "+- [/] one" in restored.diff
    assert plans.backups.find("status.md", Snapshot.of(THREE).revision) is not None, (
        "what it displaced is kept"
    )
    assert plans.restore("status.md").diff == ""


def test_t1_14_accept_settles_it(plans: Plans) -> None:
    write(plans, ONE)
    (plans.store.flow / "status.md").write_bytes(THREE)
    assert "[x]" in plans.accept("status.md")
    assert plans.all_outside({"status.md": Snapshot.of(THREE), "b.md": Snapshot.of(ONE)}) == ["b.md"]
    assert plans.restore("status.md").diff == ""


def test_t1_15_restore_settles_it_even_when_the_file_is_gone(plans: Plans) -> None:
    write(plans, ONE)
    (plans.store.flow / "status.md").unlink()
    plans.restore("status.md")
    assert (plans.store.flow / "status.md").read_bytes() == ONE
    assert not plans.outside("status.md", Snapshot.of(ONE))


def test_t1_15_restore_without_a_backup_is_a_clear_error(plans: Plans) -> None:
    (plans.store.flow / "status.md").write_bytes(ONE)
    with pytest.raises(StorageError, match="no backup"):
        plans.restore("status.md")
    with pytest.raises(StorageError, match="flow restore"):
        plans.accept("other.md")


def test_t1_38_the_weaker_guarantee_is_named(plans: Plans, system: Portable) -> None:
    write(plans, ONE)
    guarantee = plans.write("status.md", plans.read("status.md"), TWO)
    assert guarantee == ("compare and replace" if system.name == "portable" else guarantee)


def test_records_of_tasks_survive_and_stay_apart_from_plans(plans: Plans) -> None:
    plans.put_record("Build/Compile", {"attempts": 1})
    write(plans, ONE)
    plans.put_record("Build/Compile", {"attempts": 2, "note": "é"})
    again = Plans(Store(plans.store.root))
    assert again.record("Build/Compile") == {"attempts": 2, "note": "é"}
    again.drop_record("Build/Compile")
    again.drop_record("Build/Compile")
    assert plans.record("Build/Compile") is None
    assert not plans.outside("status.md", Snapshot.of(ONE))


def test_the_meta_file_stays_small_and_takes_torn_lines(plans: Plans) -> None:
    meta = plans.store.flow / "status.meta"
    for number in range(150):
        plans.put_record("task", {"attempts": number})
    assert meta.read_bytes().count(b"\n") <= 41
    with meta.open("ab") as file:
        file.write(b'{"plans": {"status.md": "torn')
    plans.put_record("other", {"attempts": 1})
    assert plans.record("task") == {"attempts": 149} and plans.record("other") == {"attempts": 1}
    with meta.open("ab") as file:
        file.write(b"\0" * 64 + b"\n[1]\n" + json.dumps({"plans": 3, "tasks": {"x": 4}}).encode() + b"\n")
    assert plans.record("task") == {"attempts": 149} and plans.record("x") is None


def test_a_plan_is_never_read_or_written_outside_of_flow(plans: Plans) -> None:
    for file in ("../x.md", "/etc/x.md"):
        with pytest.raises(SecurityError):
            plans.read(file)
        with pytest.raises(SecurityError):
            plans.write(file, None, ONE)


def test_the_mode_of_a_plan_is_kept(plans: Plans) -> None:
    write(plans, ONE)
    path = plans.store.flow / "status.md"
    path.chmod(0o640)
    write(plans, TWO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_nothing_waits_after_the_next_start(plans: Plans) -> None:
    write(plans, ONE)
    write(plans, TWO)
    plans.store.settle()
    names = {path.name for path in (plans.store.flow / "swap").rglob("*") if path.is_file()}
    assert names == {"target"}
    assert safe_path(plans.store.flow, "status.md").path.read_bytes() == TWO


@pytest.mark.parametrize("is_new", [False, True], ids=["a version after another", "the first version"])
def test_t7_14_a_disk_that_is_full_at_any_point_and_stays_so(plans: Plans, is_new: bool) -> None:
    """Wherever it fails, and whatever fails again while that is handled: one error, the old version, and no lie."""
    old = b"" if is_new else b"- [ ] one\n" * 100
    if old:
        plans.write("status.md", None, old)
    base = plans.read("status.md")
    new = b"- [x] one\n" + b"- [ ] one\n" * 199
    refused = 0
    for size in range(0, len(new) + 600, 97):
        with full_disk(size):
            try:
                plans.write("status.md", base, new)
            except StorageError as error:
                refused += 1
                assert error.exit_code == 74 and error.hint
            else:
                break
        now = plans.read("status.md")
        assert (now.data if now is not None else b"") == old
        assert now is None or not plans.outside("status.md", now)
        plans.store.settle()
        assert [path for path in plans.store.flow.rglob("*") if path.name.endswith(".part")] == []
    assert refused > 10
    now = plans.read("status.md")
    assert now is not None and now.data == new and not plans.outside("status.md", now)


def test_a_write_left_open_does_not_make_other_plans_look_changed(plans: Plans, store: Store) -> None:
    """The engine was killed while it wrote one plan; then another one is written, and a third one accepted."""
    for file in ("a.md", "b.md", "c.md"):
        write(plans, ONE, file)
    MetaFile(store).learn("a.md", Snapshot.of(TWO).revision, lambda file: None)
    (store.flow / "c.md").write_bytes(THREE)
    plans.accept("c.md")
    write(plans, TWO, "b.md")
    for file in ("a.md", "b.md", "c.md"):
        snapshot = plans.read(file)
        assert snapshot is not None and not plans.outside(file, snapshot)


def test_the_old_version_is_put_back_where_a_write_was_left_open(plans: Plans, store: Store) -> None:
    """The engine was killed before the new version had a backup; then another program spoiled the plan."""
    write(plans, ONE)
    MetaFile(store).learn("status.md", Snapshot.of(TWO).revision, lambda file: None)
    (store.flow / "status.md").write_bytes(b"\0" * 10)
    plans.restore("status.md")
    restored = plans.read("status.md")
    assert restored is not None and restored.data == ONE and not plans.outside("status.md", restored)


def test_a_line_that_is_on_its_way_is_taken_in_when_it_is_whole(plans: Plans, store: Store) -> None:
    """Whoever reads without the lock may meet half a line of another engine; or a file that was replaced."""
    write(plans, ONE)
    meta, path = MetaFile(store), store.flow / "status.meta"
    assert meta.read().plans == {"status.md": Snapshot.of(ONE).revision}
    line = b'{"tasks": {"key": {"attempt": 2}}}\n'
    for half in (line[:20], line[:-1]):
        whole = path.read_bytes()
        path.write_bytes(whole + half)
        assert (meta.read().tasks == {}) == (half == line[:20])
        path.write_bytes(whole + line + b'{"tasks": {"other": {}}}\n')
        assert meta.read().tasks == {"key": {"attempt": 2}, "other": {}}
        path.write_bytes(whole)
        assert meta.read().tasks == {}


def test_t3_12_a_clock_that_was_put_back_costs_no_version(plans: Plans) -> None:
    for number in range(20):
        write(plans, b"- [ ] %d\n" % number)
    folder = plans.backups.folder("status.md")
    for path in folder.iterdir():  # all of these were made in what is the future by now
        path.rename(path.with_name(path.name.replace("20", "29", 1)))
    for number in range(3):
        write(plans, b"- [x] %d\n" % number)
    assert [version.read_bytes() for _, version in plans.backups.versions("status.md")[:4]] == [
        b"- [x] 2\n",
        b"- [x] 1\n",
        b"- [x] 0\n",
        b"- [ ] 19\n",
    ]
    plans.path("status.md").path.unlink()
    plans.restore("status.md")
    now = plans.read("status.md")
    assert now is not None and now.data == b"- [x] 2\n"
