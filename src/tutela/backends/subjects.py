"""Subjects of the telemetry lane: words joined by dots; `*` stands for one word, a last `>` for one or more."""

from __future__ import annotations

from collections.abc import Iterable


def matches(pattern: str, subject: str) -> bool:
    """Whether the pattern takes the subject."""
    wanted, words = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(words) <= len(wanted):
            return False
        words = words[: len(wanted)]
    return len(wanted) == len(words) and all(want in ("*", word) for want, word in zip(wanted, words, strict=True))


def taken(patterns: Iterable[str], subject: str) -> bool:
    """Whether one of the patterns takes the subject."""
    return any(matches(pattern, subject) for pattern in patterns)
