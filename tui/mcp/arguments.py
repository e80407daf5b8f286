"""What the tools take. Each model is checked before its tool runs, and is the tool's schema for the client."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Address = Annotated[
    str,
    Field(description="The task's address as `status` gives it (`2/1.3`), or its name where that is unique."),
]
Expect = Annotated[
    str | None,
    Field(
        description="The name of the task that you mean. When another one stands there, nothing is changed."
    ),
]
Path = Annotated[str, Field(description="A file of the project: relative to its root, with forward slashes.")]
Text = Annotated[str, Field(description="The new text, one or more whole lines.")]
Base = Annotated[
    str | None,
    Field(
        description="The revision (`loom_read`) that the edit is made for. When the file is another, it is refused."
    ),
]


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Status(Nothing):
    address: Annotated[str | None, Field(description="Only this task and what is in it.")] = None
    only_open: Annotated[bool, Field(description="Leave out what is done or skipped.")] = False
    limit: Annotated[int, Field(ge=1, le=5000, description="At most so many tasks.")] = 200


class Change(Nothing):
    address: Address
    expect: Expect = None
    note: Annotated[str, Field(description="Why; goes into the log.")] = ""


class Step(Nothing):
    expect: Expect = None
    base: Annotated[
        str | None, Field(description="For a Loom task: run it only if its file is still this revision.")
    ] = None
    wait: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="Come back after so many seconds, with outcome `running`, when the task goes on. "
            "Call `step` again to wait for it; it is never run twice by that.",
        ),
    ] = 45


class Add(Nothing):
    what: Annotated[
        str,
        Field(description="A name, or the Markdown of one or more tasks (`- [ ] name`, bodies indented)."),
    ]
    to: Annotated[
        str | None, Field(description="The task to add it to; the top of the plan unless given.")
    ] = None
    at: Annotated[int | None, Field(ge=1, description="As the n-th there; as the last unless given.")] = None
    expect: Annotated[str | None, Field(description="The name of the task at `to`.")] = None


class Zoom(Nothing):
    address: Address
    expect: Expect = None


class Log(Nothing):
    last: Annotated[int, Field(ge=1, le=1000, description="So many records, the newest.")] = 30


class Read(Nothing):
    path: Path
    first: Annotated[int, Field(ge=1, description="The first line to read, counted from 1.")] = 1
    lines: Annotated[int, Field(ge=1, le=10_000, description="So many lines at most.")] = 1000


class Insert(Nothing):
    path: Path
    anchor: Annotated[str, Field(description="Literal text of a line that is there exactly once.")]
    where: Annotated[Literal["after", "before"], Field(description="Where to insert, seen from the anchor.")]
    text: Text
    base: Base = None


class Replace(Nothing):
    path: Path
    start: Annotated[str, Field(description="Literal text of the line in front of the block; it stays.")]
    end: Annotated[str, Field(description="Literal text of the line behind the block; it stays.")]
    text: Text
    base: Base = None


class Append(Nothing):
    path: Path
    text: Text
    base: Base = None


class Line(Nothing):
    path: Path
    line: Annotated[int, Field(ge=1, description="The number of the line, counted from 1.")]
    expect: Annotated[str, Field(description="What the line says now.")]
    text: Text
    base: Base = None


class Recover(Step):
    choice: Annotated[
        Literal["resume", "retry", "done", "skip", "fail"],
        Field(description="How to settle the interrupted task; `retry` runs it again."),
    ]
