"""What a user plausibly writes wrongly in an algorithm of their own, and that the message says what to write."""

import sys

import pytest

from layerproof.proofs.commands.new import TEMPLATE
from layerproof.proofs.own.server import Server
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.tracing.points import points, values_at

TOTAL = "sweep.total = sweep.total + delta * t.phi"
RETURN = "return (w + C @ sweep.total / sweep.n,)"
DELTA = "w @ t.phi_next"
VALUE = "weights[0] @ x.gamma_phi_next - weights[0] @ x.phi"


def asked(monkeypatch, *changes):
    """What the process of a file says of the template with these changes, when it is asked for its expressions."""
    text = TEMPLATE.replace("NAME", "my-td").replace("TITLE", "My TD")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    monkeypatch.setattr(sys, "path", [*sys.path])
    server = Server()
    load = {"number": 1, "ask": "load", "path": "/my_td.py", "module": "layerproof_what_to_write", "text": text}
    reply = server.answer(load)
    sys.modules.pop("layerproof_what_to_write")
    if "error" not in reply:
        reply = server.answer({"number": 2, "ask": "trace", "options": {}})
    if "error" not in reply and reply["answer"].get("reason"):
        return reply["answer"]["reason"], server
    return reply.get("error", {}).get("message", ""), server


def test_the_template_itself_is_told_nothing(monkeypatch):
    assert asked(monkeypatch)[0] == ""


@pytest.mark.parametrize(
    "message, changes",
    (
        ('weights=("w", "u")', [("(w,) = weights", "w, u = weights")]),
        ('weights=("w", "u")', [(RETURN, "return w + C @ sweep.total / sweep.n, w")]),
        ("return (w,)", [(RETURN, "return w + C @ sweep.total / sweep.n")]),
        ('preconditioners=("C", "D")', [("(C,) = preconditioners", "C, D = preconditioners")]),
        ("sweep.total = 0 * w", [("sweep.total", "total")]),
        ("sweep.total = 0 * w", [("    sweep.total = 0 * w\n", "")]),
        ("sweep.total = 0 * w", [("sweep.total = 0 * w", "sweep.total = 0")]),
        ("sweep.e = 0 * w", [(TOTAL, "sweep.e = p.gamma * sweep.e + t.phi")]),
        ("sweep.total = 0 * w", [(TOTAL, "w = w + C @ (delta * t.phi)"), (RETURN, "return (w,)")]),
        ("w @ t.phi", [(DELTA, "w * t.phi_next")]),
        ("the dot product is w @ t.phi", [(DELTA, "sum(x * y for x, y in zip(w, t.phi_next))")]),
        ("write C @ x", [("C @ sweep.total", "C * sweep.total")]),
        ("write C @ v", [("C @ sweep.total", "sweep.total @ C")]),
        ("x * v", [("delta * t.phi", "delta @ t.phi")]),
        ("weights[0] @ x.phi", [(VALUE, VALUE.replace("weights[0]", "weights"))]),
        ('FeatureBlock("rho", lambda t, p: t.rho, scalar=True)', [("x.reward + ", "x.rho * x.reward + ")]),
        ('transition_scalars=("rho",)', [("+ delta * t.phi", "+ t.rho * delta * t.phi")]),
        ('parameters=("gamma", "beta")', [("+ delta * t.phi", "+ p.beta * delta * t.phi")]),
        ('defaults={"beta": "1/3"}', [("+ delta * t.phi", "+ p.beta * delta * t.phi")]),
        ("write p.gamma", [("p.gamma * (w", "gamma * (w")]),
        ("sweep.n", [("/ sweep.n", "/ len(sweep)")]),
        ("for t in sweep", [("for t in sweep:", "for i in range(sweep.n):\n        t = sweep[i]")]),
        ("for t in sweep", [("for t in sweep:", "for i in range(3):\n        t = sweep[i]")]),
        ("Fraction(1, 2)", [("+ delta * t.phi", "+ 0.5 * delta * t.phi")]),
    ),
)
def test_the_message_says_what_to_write(monkeypatch, message, changes):
    assert message in asked(monkeypatch, *changes)[0]


def test_a_sum_over_the_sweep_says_how_totals_start(monkeypatch):
    changes = ((TOTAL, "pass"), ("C @ sweep.total", "C @ sum((t.reward - w @ t.phi) * t.phi for t in sweep)"))
    _, server = asked(monkeypatch, *changes)
    with pytest.raises(TypeError, match=r"sweep\.total = 0 \* w"):
        values_at(server.subject, {}, next(iter(points(server.subject, 0))))


def test_a_parameter_without_a_value_says_both_ways_to_give_one(monkeypatch):
    changes = (
        ("+ delta * t.phi", "+ p.beta * delta * t.phi"),
        ('parameters=("gamma",)', 'parameters=("gamma", "beta")'),
    )
    _, server = asked(monkeypatch, *changes)
    with pytest.raises(ArgumentError, match=r'--parameter beta=1/2, or defaults=\{"beta": "1/2"\}'):
        server.subject.values({"gamma": 1})
