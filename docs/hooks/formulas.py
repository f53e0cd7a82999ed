"""Formulas as MathML, which browsers draw by themselves: the site asks no other server for a script or a font."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **page: Any) -> str:
    """Replace what `pymdownx.arithmatex` marked as a formula."""
    return FORMULA.sub(_drawn, content)


def _drawn(found: re.Match[str]) -> str:
    drawn = convert(html.unescape(found[2]), display="block" if found[1] == "div" else "inline")
    return f'<{found[1]} class="formula">{drawn}</{found[1]}>'
