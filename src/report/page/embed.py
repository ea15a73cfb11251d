#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes page.h of the report's page: what goes before, between and behind its two JSON texts.

    embed.py page.html page.css page.js page.h

Style and script are named in the page's policy by their hashes: no other may run.
"""
import base64
import hashlib
import sys
from pathlib import Path


def digest(text: str) -> str:
    return 'sha256-' + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def array(name: str, text: str) -> str:
    data = text.encode()
    lines = [','.join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    return f'static const unsigned char page_{name}[] = {{\n' + ',\n'.join(lines) + '\n};\n'


def main(page: str, style: str, script: str, out: str) -> None:
    text, css, js = (Path(name).read_text(encoding='utf-8') for name in (page, style, script))
    css, js = '\n' + css, '\n' + js
    assert '</' not in js and '<!--' not in js, 'would end the script, or hide it'
    for mark, value in (('@STYLE_HASH@', digest(css)), ('@SCRIPT_HASH@', digest(js)),
                        ('@STYLE@', css), ('@SCRIPT@', js)):
        text = text.replace(mark, value)
    head, rest = text.split('@ROWS@')
    middle, tail = rest.split('@FIGURES@')
    Path(out).write_text('/* Made by embed.py. */\n' + array('head', head) +
                         array('middle', middle) + array('tail', tail))


if __name__ == '__main__':
    main(*sys.argv[1:])
