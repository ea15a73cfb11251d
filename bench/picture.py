# SPDX-License-Identifier: BSD-2-Clause
"""Horizontal bars as SVG, without any other program."""
from html import escape

WIDTH, LABEL, RIGHT, BAR, GAP = 820, 250, 190, 15, 5
COLOURS = {"cleave": "#0072b2", "other": "#b0b0b0", "bound": "#e69f00"}


def bars(title, groups):
    """Text of a picture. groups: (heading, [(label, value or None, text, kind)]); the value gives
    the bar's length, the text stands after it, the kind is a key of COLOURS."""
    most = max((value for _, rows in groups for _, value, _, _ in rows if value), default=1)
    scale = (WIDTH - LABEL - RIGHT) / most
    y, parts = 34, []
    for heading, rows in groups:
        if heading:
            y += 14
            parts.append(text(10, y, heading, weight="bold"))
            y += 8
        for label, value, after, kind in rows:
            parts.append(text(LABEL - 8, y + BAR - 3, label, anchor="end"))
            length = max(1.0, value * scale) if value else 0
            if value:
                parts.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" '
                             f'fill="{COLOURS[kind]}"/>')
            parts.append(text(LABEL + length + 6, y + BAR - 3, after))
            y += BAR + GAP
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
            f'viewBox="0 0 {WIDTH} {y + 10}" font-family="sans-serif" font-size="12">')
    return "\n".join([head, f"<title>{escape(title)}</title>",
                      '<rect width="100%" height="100%" fill="white"/>',
                      text(10, 22, title, size=15, weight="bold"), *parts, "</svg>", ""])


def text(x, y, words, anchor="start", size=12, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}">{escape(words)}</text>')
