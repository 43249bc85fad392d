"""A formula in LaTeX as plain text, for formats that set none."""

from __future__ import annotations

import re

_RULES = (
    (r"\\(?:mathit|mathrm|text|operatorname)\{((?:[^{}\\]|\\_)*)\}", r"\1"),
    (r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2"),
    (r"\\bar\s*\{?(\w+)\}?", r"\1bar"),
    (r"\^\{\\top\}", "^T"),
    (r"\\sum_\{(\w)=1\}\^\{([^{}]*)\}", r"sum_{\1=1..\2}"),
    (r"\\ell\b", "l"),
    (r"\\(?:[Bb]igg?[lr]?|quad|left|right)\b|\\[,;! ]", " "),
    (r"\\leftarrow", "<-"),
    (r"\\_", "_"),
    (r"([_^])\{(\w)\}", r"\1\2"),
    (r"\\([A-Za-z]+)", r"\1"),
    (r"\s+", " "),
    (r"([(]) | (?=[),])", r"\1"),
)


def plain_text(latex: str) -> str:
    r"""The formula as text: commands by their names, indices as they are.

    >>> plain_text(r"w_{\ell+1} = w_{\ell} + \frac{1}{n} C_{\ell} \sum_{j=1}^{n} \delta_{j} e_{j}")
    'w_{l+1} = w_l + 1/n C_l sum_{j=1..n} delta_j e_j'
    """
    for pattern, put in _RULES:
        latex = re.sub(pattern, put, latex)
    return latex.strip()
