"""What the build writes into a page of Markdown: `<!-- made by the build: api regression -->` becomes its entries.

What is listed is found in folders, and what is said is read from docstrings, notebooks and tests: a page has its words
for the reader, and no copy of what stands elsewhere. The page's text copy for machines gets the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import book_api
import book_sheet
import book_tested

PLACE = re.compile(r"^<!-- made by the build: ([a-z]+)((?: [\w.]+)*) -->$", re.MULTILINE)
MAKERS: dict[str, Callable[..., str]] = {
    "api": book_api.entries,
    "names": book_api.names,
    "types": book_api.types,
    "sheet": book_sheet.sheet,
    "oracle": book_tested.oracle,
    "numbers": book_tested.numbers,
}


def expand(text: str, page: str) -> str:
    """Put what is made in its places; `page` says where links start from."""
    return PLACE.sub(lambda place: MAKERS[place[1]](page, *place[2].split()), text)
