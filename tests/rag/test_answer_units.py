"""Sentences are units; list items, rows and code stay whole; headings are nothing to quote."""

from __future__ import annotations

from rag.answer_units import LONGEST_UNIT, UnitKind, units

TEXT = """\
# A heading

A sentence that goes on
over two lines. Another one!
- an item
  with a second line
- another item. With two sentences.

| name | value |
| a | 1 |
| | |

```
docker compose up
```
Dr. Who came. ***"""


def test_a_text_is_cut_into_what_can_be_quoted() -> None:
    assert [(unit.kind, TEXT[unit.start : unit.end]) for unit in units(TEXT)] == [
        (UnitKind.SENTENCE, "A sentence that goes on\nover two lines."),
        (UnitKind.SENTENCE, "Another one!"),
        (UnitKind.ITEM, "- an item\n  with a second line"),
        (UnitKind.ITEM, "- another item. With two sentences."),
        (UnitKind.ROW, "| name | value |"),
        (UnitKind.ROW, "| a | 1 |"),
        (UnitKind.CODE, "```\ndocker compose up\n```"),
        (UnitKind.SENTENCE, "Dr. Who came."),
    ]


def test_a_unit_without_end_is_quoted_by_its_beginning() -> None:
    text = "word " * 1_000
    (unit,) = units(text)
    assert text[unit.start : unit.end].endswith("word")
    assert unit.end - unit.start <= LONGEST_UNIT
