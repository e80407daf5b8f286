"""Bodies of tasks: notes and fences."""

from __future__ import annotations

from engine.status import Body, Fence, Task, body, find_in, parse


def at(text: str, id: str = "1") -> Task:
    plan = parse(text)
    assert not plan.problems
    return find_in(plan, id)


def test_no_body() -> None:
    assert body(at("- [ ] A\n- [ ] B\n")) == Body()


def test_notes_are_dedented_and_fences_taken_out() -> None:
    text = """- [ ] [Script] A
    First *line*
    - a note
        - deeper

    ```sh timeout=120 tty env="A=b c"
    if true; then
      echo "- [ ] no task"

    fi
    ```

    Last.
"""
    assert body(at(text)) == Body(
        notes="First *line*\n- a note\n    - deeper\n\n\nLast.",
        fences=(
            Fence(
                "sh",
                ("tty",),
                {"timeout": "120", "env": "A=b c"},
                'if true; then\n  echo "- [ ] no task"\n\nfi\n',
                6,
            ),
        ),
    )


def test_children_have_their_own() -> None:
    text = "- [ ] A\n    one\n    - [ ] B\n        two\n\n    three\n    ```x\n    y\n    ```\n"
    assert body(at(text)) == Body("one\n\nthree", (Fence("x", (), {}, "y\n", 7),))
    assert body(at(text, "1.1")) == Body("two")


def test_tabs_in_code_stay() -> None:
    text = "- [ ] A\n    - [ ] B\n        ```make\n        all:\n        \tcc\n        ```\n"
    assert body(at(text, "1.1")).fences[0].text == "all:\n\tcc\n"


def test_a_fence_inside_of_a_note_is_a_part_of_it() -> None:
    text = "- [ ] A\n    - note\n      ```\n      code\n      ```\n"
    assert body(at(text)) == Body("- note\n  ```\n  code\n  ```")


def test_text_that_goes_on_lazily_belongs_to_its_task() -> None:
    assert body(at("- [ ] A\ngoes on\n\ntext\n")) == Body("goes on")


def test_tilde_fences_options_and_odd_quotes() -> None:
    text = "- [ ] A\n  ~~~~ py a= =b it's\n  ~~~\n  ~~~~\n"
    (fence,) = body(at(text)).fences
    assert (fence.lang, fence.options, fence.flags, fence.text) == ("py", {"a": ""}, ("=b", "it's"), "~~~\n")


def test_a_body_far_down() -> None:
    depth = 1000
    text = "".join(f"{'  ' * level}- [ ] {level}\n" for level in range(depth)) + f"{'  ' * depth}deep\n"
    task = at(text, ".".join("1" * depth))
    assert body(task) == Body("deep")
