#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes page.h of the report's page: what goes before, between and behind its two JSON texts.

    embed.py page.html page.css page.js names.js page.h

Style and script are named in the page's policy by their hashes: no other may run. There are two
pages: the plain one, and one for runs that know what flows are called and what led to them. Lines
after a comment "@plain" or "@names" are in one of them alone, up to "@end"; "@script" is where that
page has names.js.
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


def lines_for(kind: str, text: str, script: str) -> str:
    wanted, found = True, []
    for line in text.splitlines(keepends=True):
        mark = MARK.fullmatch(line)
        if not mark:
            found += [line] * wanted
        elif mark[1] == 'script':
            found += [script] * (kind == 'names')
        else:
            wanted = mark[1] in (kind, 'end')
    return ''.join(found)


def assembled(page: str, style: str, script: str) -> str:
    text, css, js = page, '\n' + style, '\n' + script
    assert '</' not in js and '<!--' not in js, 'would end the script, or hide it'
    for mark, value in (('@STYLE_HASH@', digest(css)), ('@SCRIPT_HASH@', digest(js)),
                        ('@STYLE@', css), ('@SCRIPT@', js)):
        text = text.replace(mark, value)
    return text


TYPES = """/* Made by embed.py. */
#include <stddef.h>

struct page_part {
    const unsigned char *bytes;
    size_t len;
};

struct page_text {
    struct page_part head, middle, tail;
};
"""


def main(page: str, style: str, script: str, names: str, out: str) -> None:
    *texts, more = (Path(name).read_text(encoding='utf-8') for name in (page, style, script, names))
    made = TYPES
    for kind in ('plain', 'names'):
        head, rest = assembled(*(lines_for(kind, text, more) for text in texts)).split('@ROWS@')
        middle, tail = rest.split('@FIGURES@')
        parts = {f'{kind}_head': head, f'{kind}_middle': middle, f'{kind}_tail': tail}
        made += ''.join(array(name, text) for name, text in parts.items())
        made += f'static const struct page_text page_{kind} = {{' + ', '.join(
            f'{{page_{name}, sizeof page_{name}}}' for name in parts) + '};\n'
    Path(out).write_text(made)


if __name__ == '__main__':
    main(*sys.argv[1:])
