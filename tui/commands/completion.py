"""`flow completion`: shells complete commands, options, addresses and task names.

The shell sends the line up to the cursor in `COMP_LINE`, and `_FLOW_COMPLETE` names the shell; the program reads that
line as the shell would, quotes and all, and prints one suggestion a line. zsh and fish quote what they insert; bash
inserts what it is given, so that for bash the rest of the word is quoted here, in the way in which the word began.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from tui.commands import output
from tui.commands.base import command

_FILES = "\tfiles"
"""Instead of suggestions: the shell completes paths, which it does better. fish gets the word without its quotes, which
it leaves in."""

SCRIPTS = {
    "bash": """\
_flow_complete() {
    local reply
    COMPREPLY=()
    while IFS= read -r reply; do
        if [[ $reply == $'\\tfiles' ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("$reply")
        fi
    done < <(COMP_LINE=${COMP_LINE:0:$COMP_POINT} COMP_WORD=$2 _FLOW_COMPLETE=bash "$1" 2>/dev/null)
}
complete -F _flow_complete flow
""",
    "zsh": """\
#compdef flow
_flow() {
    local reply
    local -a replies values shown
    replies=("${(@f)$(COMP_LINE="${(j: :)words[1,CURRENT]}" _FLOW_COMPLETE=zsh $words[1] 2>/dev/null)}")
    for reply in $replies; do
        if [[ $reply == $'\\tfiles' ]]; then
            _files
            return
        fi
        values+=("${reply%%$'\\t'*}")
        shown+=("${reply/$'\\t'/  -- }")
    done
    compadd -l -V flow -d shown -a values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _flow "$@"
else
    compdef _flow flow
fi
""",
    "fish": """\
function __flow_complete
    set -l line (commandline -cp | string collect)
    set -l replies (COMP_LINE=$line _FLOW_COMPLETE=fish flow 2>/dev/null)
    if test "$replies[1]" = \\tfiles
        __fish_complete_path "$replies[2]"
    else if set -q replies[1]
        printf '%s\\n' $replies
    end
end
complete --command flow --no-files --keep-order --arguments '(__flow_complete)'
""",
}


@command(
    "completion",
    'eval "$(flow completion bash)"  # in ~/.bashrc',
    'eval "$(flow completion zsh)"  # in ~/.zshrc, after compinit',
    "flow completion fish > ~/.config/fish/completions/flow.fish",
)
@click.argument("shell", type=click.Choice(tuple(SCRIPTS)), metavar="SHELL")
def completion(shell: str, as_json: bool) -> None:
    """Print what teaches SHELL to complete addresses and names.

    SHELL is bash, zsh or fish. Commands and options are completed, too, and files where a command takes one.
    """
    if as_json:
        output.put_json({"shell": shell, "script": SCRIPTS[shell]})
    else:
        output.put(SCRIPTS[shell], newline=False)


def answer(cli: click.Command, shell: str) -> int:
    """Print what could come at the end of the line that the shell sent; an exit code comes back."""
    from click.shell_completion import ShellComplete

    if shell not in SCRIPTS:
        return 1
    words, quote = _words(os.environ.get("COMP_LINE", ""))
    *arguments, incomplete = words[1:] or [""]
    is_option = incomplete.startswith("-") and not incomplete.startswith("- ")
    if incomplete.startswith("- ") and not "".join(arguments[-1:]).startswith("-"):
        arguments.append("--")  # a name, as in `FlowCommand.parse_args`
    found = ShellComplete(cli, {}, "flow", "").get_completions(arguments, incomplete)
    if any(item.type in ("file", "dir") for item in found):
        output.put(f"{_FILES}\n{incomplete}" if shell == "fish" else _FILES)
        return 0
    # `--until=2`: what is suggested is only what comes behind the sign.
    given = incomplete.rpartition("=")[2] if is_option else incomplete
    for item in found:
        value = str(item.value)
        if not value.startswith(given) or output.line(value) != value:
            continue  # what a terminal would obey is not put onto a command line
        if shell == "bash":
            output.put(os.environ.get("COMP_WORD", given) + _quoted(value[len(given) :], quote))
        else:
            whole = incomplete[: len(incomplete) - len(given)] + value
            output.put(f"{whole}\t{output.line(item.help)}" if item.help else whole)
    return 0


def _words(text: str) -> tuple[list[str], str]:
    """The words of a shell's line, quotes removed; the last one is where the cursor is. And the quote open there."""
    words, word, quote = [], [], ""
    started = False
    characters: Iterator[str] = iter(text)
    for one in characters:
        if one == "\\" and quote != "'":
            following = next(characters, "")
            word.append(following if not quote or following in '"\\$`' else one + following)
        elif one == quote:
            quote = ""
            continue
        elif quote or one not in "'\" \t\n":
            word.append(one)
        elif one in "'\"":
            quote = one
        else:
            if started:
                words.append("".join(word))
            word, started = [], False
            continue
        started = True
    return [*words, "".join(word)], quote


def _quoted(text: str, quote: str) -> str:
    """`text` as bash reads it back, in the middle of a word that `quote` opened."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        # In double quotes a backslash keeps history from being expanded, and stays: outside of them it goes.
        escaped = {one: f"\\{one}" for one in '"\\$`'} | {"!": '"\\!"'}
        return "".join(escaped.get(one, one) for one in text)
    special = " \t\"'\\$`!&()*;<>?[]{}|~#^=:,"
    return "".join("\\" + one if one in special else one for one in text)
