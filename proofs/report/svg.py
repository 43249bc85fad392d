"""A small builder of SVG: the same picture gives the same bytes, colours come from CSS classes with fallbacks."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

FONT = 13
"""Size of all text, in units of pictures `WIDTH` wide: at a page 390 pixels wide it is still above 11 pixels."""
WIDTH = 380
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#3A9BD6", "#5B4DB0", "#5F5F5F")
"""Strong colours that colour-blind readers can tell apart (after Okabe and Ito); dashes tell curves apart as well."""
PALE = ("#cfe3f3", "#fbd9c3", "#c9ecdf", "#f3dcea", "#f3ecb8", "#ddeefa", "#dedaf3", "#e4e4e4")
INK, MUTED, GRID = "#1b1f24", "#57606a", "#d0d7de"


def number(x: float) -> str:
    """A coordinate with at most two decimals and no negative zero.

    >>> number(1.0), number(-0.001), number(2.345)
    ('1', '0', '2.35')
    """
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """One element; underscores in attribute names stand for hyphens, floats are rounded, content is markup."""
    shown = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(number(v) if isinstance(v, float) else str(v))}"
        for key, v in attributes.items()
    )
    return f"<{name}{shown}>{content}</{name}>" if content else f"<{name}{shown}/>"


def words(colour: str = "ink") -> dict[str, str]:
    """How text is painted: "ink" or "muted". The attribute is the fallback where no style sheet knows the class."""
    return {"class_": colour, "fill": INK if colour == "ink" else MUTED}


def ruled(colour: str = "muted") -> dict[str, str]:
    """How axes and rules are painted: "ink", "muted" or "grid"."""
    shown = {"ink": INK, "muted": MUTED, "grid": GRID}[colour]
    return {"class_": "stroke-ink" if colour == "ink" else "stroke-muted", "stroke": shown}


def series(k: int) -> dict[str, str]:
    """How the k-th curve is painted."""
    return {"class_": f"stroke-{k % len(SERIES)}", "stroke": SERIES[k % len(SERIES)]}


def solid(k: int) -> dict[str, str]:
    """How a mark of the k-th curve is painted."""
    return {"class_": f"solid-{k % len(SERIES)}", "fill": SERIES[k % len(SERIES)]}


def box(k: int) -> dict[str, str]:
    """How a labelled box of the k-th group is painted: a pale fill and a strong rim."""
    k %= len(SERIES)
    return {"class_": f"fill-{k} stroke-{k}", "fill": PALE[k], "stroke": SERIES[k]}


def text(x: float, y: float, content: str, anchor: str = "start", colour: str = "ink", **more: object) -> str:
    """Words, escaped."""
    attributes = {"x": float(x), "y": float(y), "text_anchor": anchor, **words(colour), **more}
    return element("text", escape(content), **attributes)


def rect(x: float, y: float, width: float, height: float, **more: object) -> str:
    """A rectangle."""
    return element("rect", x=float(x), y=float(y), width=float(width), height=float(height), **more)


def line(x1: float, y1: float, x2: float, y2: float, **more: object) -> str:
    """A straight line."""
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), **more)


def polyline(points: Sequence[tuple[float, float]], **more: object) -> str:
    """Points joined by lines."""
    return element("polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y in points), fill="none", **more)


def picture(height: float, title: str, description: str, parts: Sequence[str], id: str, width: float = WIDTH) -> str:
    """The whole picture: it scales with the page, and a screen reader reads its title and description.

    One wider than two of the usual ones is scrolled where the page is narrow, so that its words stay large enough.
    """
    broad = {"class_": "broad"} if width > 2 * WIDTH else {}
    head = element("title", escape(title), id=f"{id}-title") + element("desc", escape(description), id=f"{id}-desc")
    return element(
        "svg", head + "".join(parts), xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}", role="img", aria_labelledby=f"{id}-title {id}-desc",
        font_family="sans-serif", font_size=FONT, width=float(width), height=float(height),
        **broad,
    )  # fmt: skip
