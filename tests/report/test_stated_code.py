"""How code states an update: code in a typewriter face, the words between as words, nothing lost."""

import re

import pytest

from layerproof.proofs.report.model import Code
from layerproof.proofs.report.picture_letters import line_of_letters, power_of_ten
from layerproof.proofs.report.stated_code import stated_spans
from layerproof.symbolic.algorithms import catalogue

GREEK = "alpha|beta|gamma|delta|kappa|lambda|theta|rbar|phi|rho|sync|old"


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_docstring_of_the_catalogue(name: str):
    text = " ".join((catalogue()[name].update.__doc__ or "").split())
    spans = stated_spans(text)
    assert "".join(x.text if isinstance(x, Code) else str(x) for x in spans) == text
    code = [x.text for x in spans if isinstance(x, Code)]
    words = "".join(x for x in spans if isinstance(x, str))
    assert code[0].startswith("w") and " <- " in code[0]
    assert not re.search(r"<-|=|_|\^|/n", words)
    for piece in code:
        assert piece.count("(") == piece.count(")")
        assert not re.search(r"(?<![\w.\"-])(?!(?:" + GREEK + r")\b)[a-z]{4,}(?![\w\"-])", piece), piece


@pytest.mark.parametrize("text, code", [
    ("every state's value, of Sutton (2018, eq. 12.5), i.e. a step", []),
    ("w - the weights (see phi_j), c2, ..., cT; I am", ["w", "phi_j", "c2, ..., cT"]),
    ("(w", ["w"]), ("w + (", ["w"]), ("", []), ("then w <- (1 - kappa) w.", ["w <- (1 - kappa) w"]),
])  # fmt: skip
def test_what_users_may_write(text: str, code: list[str]):
    spans = stated_spans(text)
    assert [x.text for x in spans if isinstance(x, Code)] == code
    assert "".join(x.text if isinstance(x, Code) else str(x) for x in spans) == text.rstrip()


def test_axes_and_labels_of_pictures():
    assert line_of_letters("|v_l(q) - v*(q)|") == "|vₗ(q) − v*(q)|"
    assert line_of_letters("td_error += phi' (gamma . r_1)") == "td_error += φ′ (γ · r₁)"
    assert line_of_letters("t, the sum of the steps so far") == "t, the sum of the steps so far"
    assert [power_of_ten(k) for k in (-310, -1, 0, 7)] == ["10⁻³¹⁰", "10⁻¹", "1", "10⁷"]
