#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes page.h of the report's page: the pieces that what cleave writes goes between.

    embed.py page.html page.css SCRIPT.js... page.h

Style and script are named in the page's policy by their hashes: no other may run. There are two
pages: the plain one, and one for runs that know what flows are called and what led to them. Lines
after a comment "@names" are in that one alone, up to "@end".
"""
import base64
import hashlib
import re
import sys
from pathlib import Path


def digest(text: str) -> str:
    return 'sha256-' + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def array(name: str, text: str) -> str:
    data = text.encode()
    lines = [','.join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    return f'static const unsigned char page_{name}[] = {{\n' + ',\n'.join(lines) + '\n};\n'


MARK = re.compile(r'(?:<!--|/\*|//) @(\w+)(?: -->| \*/)?\n')


def lines_for(kind: str, text: str) -> str:
    wanted, found = True, []
    for line in text.splitlines(keepends=True):
        mark = MARK.fullmatch(line)
        if mark:
            wanted = mark[1] in (kind, 'end')
        else:
            found += [line] * wanted
    return ''.join(found)


def assembled(page: str, style: str, script: str) -> str:
    text, css, js = page, '\n' + style, '\n' + script
    assert '</' not in js and '<!--' not in js, 'would end the script, or hide it'
    for mark, value in (('@STYLE_HASH@', digest(css)), ('@SCRIPT_HASH@', digest(js)),
                        ('@STYLE@', css), ('@SCRIPT@', js)):
        text = text.replace(mark, value)
    return text


PLACES = ('TITLE', 'HEADING', 'ROWS', 'FIGURES', 'TOTALS')
TYPES = """/* Made by embed.py. */
#include <stddef.h>

struct page_part {
    const unsigned char *bytes;
    size_t len;
};

/* What is written before each part but the first. */
enum { PAGE_TITLE = 1, PAGE_HEADING, PAGE_ROWS, PAGE_FIGURES, PAGE_TOTALS, PAGE_PARTS };

struct page_text {
    struct page_part parts[PAGE_PARTS];
};
"""


def main(page: str, style: str, *scripts_and_out: str) -> None:
    *scripts, out = scripts_and_out
    html, css, *js = (Path(name).read_text(encoding='utf-8') for name in (page, style, *scripts))
    made = TYPES
    for kind in ('plain', 'names'):
        text = assembled(*(lines_for(kind, text) for text in (html, css, '\n'.join(js))))
        first, *rest = re.split(f"@({'|'.join(PLACES)})@", text)
        assert tuple(rest[::2]) == PLACES, 'places are in the order in which they are filled'
        parts = {f'{kind}_{i}': part for i, part in enumerate([first, *rest[1::2]])}
        made += ''.join(array(name, part) for name, part in parts.items())
        made += f'static const struct page_text page_{kind} = {{{{' + ', '.join(
            f'{{page_{name}, sizeof page_{name}}}' for name in parts) + '}};\n'
    Path(out).write_text(made)


if __name__ == '__main__':
    main(*sys.argv[1:])
