"""Completion for three shells, from the tree of verbs alone: nothing runs while one types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from integration.cli import GROUPS, VERBS, Argument, Verb

_BASH: Final = """\
# bash : source <(echeance completion bash)
_echeance() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} verb= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      --home) ((i++)) ;;
      -*) ;;
      *) verb="${{verb:+$verb }}${{COMP_WORDS[i]}}"
         case $verb in {groups}) ;; *) break ;; esac ;;
    esac
  done
  local words
  case $verb in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ ${{#COMPREPLY[@]}} -gt 0 || $word == -* ]] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _echeance echeance
"""


def bash() -> str:
    """Verbs, then the words of a verb's group, then its options and choices."""
    groups = "|".join(sorted(GROUPS))
    cases = [f"    '') words='{' '.join(_first_words())} --home --version --help' ;;"]
    for group in GROUPS:
        cases.append(f"    {group}) words='{' '.join(_seconds(group))}' ;;")
    cases += [f"    '{verb.name}') words='{' '.join(_words(verb))}' ;;" for verb in VERBS]
    cases.append("    *) words= ;;")
    return _BASH.format(groups=groups, cases="\n".join(cases))


def zsh() -> str:
    """zsh runs bash's completion."""
    head = (
        "# zsh : source <(echeance completion zsh)\n"
        "autoload -Uz compinit bashcompinit\n"
        "(( $+functions[compdef] )) || compinit -u\n"
        "bashcompinit\n"
    )
    return head + bash()


def fish() -> str:
    """One line a verb, one an option."""
    lines = ["# fish : echeance completion fish | source", "complete -c echeance -l home -r"]
    firsts = " ".join(_first_words())
    for name in _first_words():
        says = GROUPS.get(name) or next(v.help for v in VERBS if v.name == name)
        lines.append(_fish(f"not __fish_seen_subcommand_from {firsts}", f"-f -a {name}", says))
    seconds = {group: _seconds(group) for group in GROUPS}
    for verb in VERBS:
        first, _, second = verb.name.partition(" ")
        seen = f"__fish_seen_subcommand_from {first}"
        if second:
            words = f"not __fish_seen_subcommand_from {' '.join(seconds[first])}"
            lines.append(_fish(f"{seen}; and {words}", f"-f -a {second}", verb.help))
        seen += f"; and __fish_seen_subcommand_from {second}" if second else ""
        for one in verb.arguments:
            lines += _fish_argument(seen, one)
    return "\n".join(lines) + "\n"


def _fish_argument(seen: str, one: Argument) -> list[str]:
    says, name = str(one.options.get("help", "")), one.names[0]
    if name.startswith("--"):
        return [_fish(seen, f"-l {name[2:]}", says)]
    return [_fish(seen, f"-f -a {choice}", says) for choice in one.options.get("choices", ())]


def _fish(condition: str, what: str, says: str) -> str:
    quoted = says.replace("\\", "\\\\").replace("'", "\\'")
    return f"complete -c echeance -n '{condition}' {what} -d '{quoted}'"


def _first_words() -> list[str]:
    return sorted({verb.name.partition(" ")[0] for verb in VERBS})


def _seconds(group: str) -> list[str]:
    """The words behind a group's name."""
    return [v.name.partition(" ")[2] for v in VERBS if v.name.startswith(f"{group} ")]


def _words(verb: Verb) -> list[str]:
    options = [name for one in verb.arguments for name in one.names if name.startswith("-")]
    choices = [str(choice) for one in verb.arguments for choice in one.options.get("choices", ())]
    return [*choices, *options, "--help"]


SHELLS: Final[dict[str, Callable[[], str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""What writes the completion of each shell."""
