"""The table of changes in docs/workflow.md is what the tests of reruns assert."""

from __future__ import annotations

from tests.reruns.changes import DOCS, MARKS, in_docs


def test_the_docs_hold_the_table_of_the_tests() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert MARKS[0] in text
    assert in_docs(text) == text, "make changes writes it anew"
