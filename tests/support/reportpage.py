# SPDX-License-Identifier: BSD-2-Clause
"""A report's page, taken apart as a browser takes it apart: by its script elements."""
import dataclasses
import html.parser
import json
from typing import Any, Dict, List, Tuple

from harness import check_equal


class _Scripts(html.parser.HTMLParser):
    """Texts of script elements by id; what has none is ''."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: List[Tuple[str, str]] = []
        self.inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: List) -> None:
        self.inside = tag == 'script'
        if self.inside:
            self.found.append((dict(attrs).get('id', ''), ''))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != 'script'

    def handle_data(self, data: str) -> None:
        if self.inside:
            name, text = self.found[-1]
            self.found[-1] = (name, text + data)


@dataclasses.dataclass
class Page:
    columns: List[str]
    rows: List[List[Any]]
    figures: Dict[str, Any]

    def as_dicts(self) -> List[Dict[str, Any]]:
        return [dict(zip(self.columns, row)) for row in self.rows]


def read(path: str) -> Page:
    with open(path, encoding='utf-8') as f:
        scripts = _Scripts(f.read()).found
    check_equal([name for name, _ in scripts], ['rows', 'figures', ''], 'script elements')
    check_equal([name for name, text in scripts if name and '<' in text], [], 'unescaped')
    columns, *rows = json.loads(scripts[0][1])
    return Page(columns, rows, json.loads(scripts[1][1]))


class _Plain(html.parser.HTMLParser):
    """Texts of elements by tag, without those of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: Dict[str, List[str]] = {}
        self.open: List[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: List) -> None:
        if tag not in ('meta', 'br'):
            self.open.append(tag)
            self.found.setdefault(tag, []).append('')

    def handle_endtag(self, tag: str) -> None:
        check_equal(self.open.pop(), tag, 'the element that ends')

    def handle_data(self, data: str) -> None:
        if not {'script', 'style'} & set(self.open):
            for tag in self.open:
                self.found[tag][-1] += data


def plain(path: str) -> Dict[str, List[str]]:
    """What a reader without scripts sees, by tag."""
    with open(path, encoding='utf-8') as f:
        return _Plain(f.read()).found
