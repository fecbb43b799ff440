"""Options in the notation of Go programs, such as the original: `-local-kubeconfig`. Each is answered by name.

click would read `-dry-run` as the short options -d, -r and so on, and `-output json` as `-o utput`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

_LOG = "use -v or -vv to log more, and --log-format for JSON"
_METRICS = "barrelman-sync serves no HTTP: metrics go to --pushgateway or --metrics-file"
_WORKERS = "use --concurrency, for all writes together"
_OF_THE_ORIGINAL = {
    "resync-period": "every run compares everything, on the CronJob's schedule",
    "nec-workers": _WORKERS,
    "sc-workers": _WORKERS,
    "listen-address": _METRICS,
    **dict.fromkeys(
        (
            *("logtostderr", "alsologtostderr", "stderrthreshold", "vmodule", "log_backtrace_at", "one_output"),
            *("log_dir", "log_file", "log_file_max_size", "add_dir_header", "skip_headers", "skip_log_headers"),
        ),
        _LOG,
    ),
}
"""The options of the original that barrelman-sync has not, and what there is instead."""


def mistaken_dashes(words: Sequence[str], options: Iterable[click.Parameter]) -> Iterator[str]:
    """One problem for each word of the command line that is an option only for the original, or has one dash."""
    known = {name: option for option in options for name in option.opts}
    for word in _option_words(words, known):
        name, equals, value = word.lstrip("-").partition("=")
        if name in _OF_THE_ORIGINAL:
            yield f"{word.partition('=')[0]}: there is no such option; {_OF_THE_ORIGINAL[name]}"
        elif word.startswith("-v="):
            yield f"{word}: {_LOG}"
        elif not word.startswith("--") and len(name) > 1 and f"--{name}" in known:
            yield f"-{name}: {_advice(known[f'--{name}'], name, value if equals else '')}"


def _option_words(words: Sequence[str], known: Mapping[str, click.Parameter]) -> Iterator[str]:
    """The words that are options. The value of the option before may begin with a dash, and is none."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            return
        if word.startswith("-"):
            yield word
        if _takes_next(word, known):
            next(rest, None)


def _takes_next(word: str, known: Mapping[str, click.Parameter]) -> bool:
    """Whether the next word is the value of this one. Go takes the value of `-timeout` from there, too."""
    name = word if word.startswith("--") or len(word) == 2 else f"-{word}"  # noqa: PLR2004 - such as -o
    return _takes_value(known.get(name))


def _takes_value(option: click.Parameter | None) -> bool:
    return isinstance(option, click.Option) and not option.is_flag and not option.count


def _advice(option: click.Parameter, name: str, value: str) -> str:
    if _takes_value(option) or not value:
        return f"write two dashes: --{name}"
    if value.lower() in ("0", "f", "false"):
        return f"leave the option out: --{name} takes no value"
    return f"write two dashes and no value: --{name}"
