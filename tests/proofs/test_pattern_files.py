"""Users' files that attend by patterns: what holds of them, and each planted fault refuted with numbers to redo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import own_patterns
import pytest
from cli import run_cli
from own_patterns import more

import layerproof as lp
from layerproof.proofs.witness_text import witness_lines
from layerproof.symbolic.errors import ContentError

pytestmark = pytest.mark.slow
EVIDENCE = ["identity-symbolic", "identity-exact", "identity-random"]
SMALL: dict[str, Any] = {"d": 2, "n": 3, "layers": 2, "trials": 1, "evidence": EVIDENCE}


@pytest.mark.parametrize("text", [own_patterns.KERNEL, own_patterns.CAUSAL, own_patterns.COLUMN],
                         ids=["kernel", "causal", "column"])  # fmt: skip
def test_a_file_holds_with_the_layer_derived_and_with_the_same_one_given(tmp_path: Path, text: str):
    for given in (False, True):
        result = lp.verify(own_patterns.write(tmp_path, text, given=given), **SMALL)
        assert result.holds, result.to_json()
    assert lp.verify(str(tmp_path / "mine.py"), d=2, n=3, layers=1, evidence=["derived"]).exit_code == 3  # it is given


FAULTS = {
    "wrong-axis-of-softmax": (own_patterns.KERNEL, more('kernel="softmax-over-queries"'), {"identity-exact"}),
    "mask-before-the-activation": (own_patterns.KERNEL, more("mask_first=True"), {"identity-exact"}),
    "query-as-a-key": (own_patterns.KERNEL, more('keys="context and query"'), set(EVIDENCE)),
    "shift-the-wrong-way": (own_patterns.KERNEL, more('shift_from="previous"'), set(EVIDENCE)),
    "target-one-step-late": (
        own_patterns.KERNEL, ("p.gamma * k.next_state - k.state", "p.gamma * k.state - k.next_state"), set(EVIDENCE)
    ),
    "C-transposed": (own_patterns.COLUMN, ('{"w": C @', '{"w": C.T @'), set(EVIDENCE)),
    "causal-without-the-minimum": (
        own_patterns.CAUSAL, ('keys="causal"', 'keys="causal with query"'), set(EVIDENCE)
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_layer_of_ones_own_is_refuted_with_a_prompt(tmp_path: Path, fault: str):
    text, change, refuted = FAULTS[fault]
    result = lp.verify(own_patterns.write(tmp_path, text, change), **SMALL)
    assert result.exit_code == 1
    assert {c.evidence for c in result.claims if c.verdict == "REFUTED"} == refuted
    (exact,) = (c for c in result.claims if c.evidence == "identity-exact")
    witness: Any = exact.witness
    assert witness["layer_value"] != witness["iterate_value"] and witness["pattern_layer"]["heads"]
    assert any("counterexample" in line for line in witness_lines(witness))


def test_balls_that_overlap_are_no_equality(tmp_path: Path):
    """With one token the softmax over keys is 1; over queries it is not. A kernel's own axis, named, is undecided."""
    path = own_patterns.write(tmp_path, own_patterns.KERNEL, ('kernels=("softmax",)', 'kernels=("exponential",)'),
                              more("mask_first=True"), ('"current": k.reward', '"current": 0 * k.reward'),
                              ("k.weight * (k.reward + p.gamma * k.next_state - k.state)", "0 * k.weight * k.state"),
                              ("+ k.target - k.current", ""))  # fmt: skip
    (exact,) = (c for c in lp.verify(path, **SMALL).claims if c.evidence == "identity-exact")
    assert exact.verdict == "UNDECIDED" and "an overlap is no equality" in exact.reason


def test_a_head_with_scores_beside_another_kernel_keeps_the_mask(tmp_path: Path):
    """The heads under the kernel add nothing here: that the numbers stay balls is all that is left open."""
    beside = (
        '    kernel="softmax-over-queries",\n    heads=(\n        GivenHead(lambda k, C, p: {"error": 0 * k.error}),'
    )
    kernels = ("    preconditioned=True,", '    preconditioned=True,\n    kernels=("softmax",),')
    path = own_patterns.write(tmp_path, own_patterns.CAUSAL, kernels, ("    heads=(", beside))
    (exact,) = (c for c in lp.verify(path, **SMALL).claims if c.evidence == "identity-exact")
    assert exact.verdict == "UNDECIDED" and "an overlap is no equality" in exact.reason
    with pytest.raises(ContentError, match="mask_first is of a kernel, and a head has linear scores"):
        lp.verify(
            own_patterns.write(
                tmp_path, own_patterns.CAUSAL, ('    keys="causal"', '    mask_first=True,\n    keys="causal"')
            ),
            **SMALL,
        )


@pytest.mark.parametrize(
    ("text", "change", "says"),
    [
        (own_patterns.KERNEL, ('scored="x"', 'scored="current"'), "made from the row current, which holds a state"),
        (own_patterns.CAUSAL, ("@ q.phi", "@ q.phi + k.error * q.error"), "read the row error of keys, which holds"),
        (own_patterns.COLUMN, ('{"w": C @ k.phi}', '{"w": k.reward * k.phi}'), "are not linear in the rows of one"),
        (own_patterns.COLUMN, ("k.phi @ q.w", "k.phi @ k.phi"), "are no sum of products of a row of the key"),
        (own_patterns.KERNEL, ("* (k.reward + p.gamma", "* (k.reward * k.state + p.gamma"), ""),
    ],
)  # fmt: skip
def test_what_is_outside_is_undecided_with_the_reason(tmp_path: Path, text: str, change: Any, says: str):
    result = lp.verify(own_patterns.write(tmp_path, text, change), **{**SMALL, "evidence": ["derived", *EVIDENCE]})
    if not says:  # the update multiplies two entries: the layer given is no such one
        assert result.exit_code == 1
        return
    derived = result.claims[0]
    assert (result.exit_code, derived.verdict) == (3, "UNDECIDED") and says in derived.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('state="a number', 'state="some number'), "state is 'some number for each token', wanted one of"),
        (('kernels=("softmax",)', 'kernels=("cosine",)'), "kernels holds 'cosine', wanted some of linear"),
        (('kernels=("softmax",)', 'kernels="softmax"'), "kernels is 'softmax', wanted a tuple"),
        (("lambda t, p: t.reward,", "lambda t, p: t.action,"), "a token of the context has no action here: it has phi"),
        (("k.reward + p.gamma * k.next", "k.index + p.gamma * k.next"), "the update reads index of a token: it"),
        (("k.reward + p.gamma * k.next", "k.rho + p.gamma * k.next"), "a token of the loop has no rho: it has phi"),
        (("own.state + sweep.total", "own.phi + sweep.total"), "the token that is updated has no phi"),
        (('scored="x"', 'scored="y"'), "scored is 'y', wanted one of the rows x, reward, target, current"),
        (('{"current": k.reward', '{"value": k.reward'), "the values of a head writes value, wanted {row: entries}"),
    ],
)  # fmt: skip
def test_what_a_file_gets_wrong_is_said_with_what_to_write(tmp_path: Path, change: tuple[str, str], says: str):
    with pytest.raises((ContentError, lp.ArgumentError)) as caught:
        lp.verify(own_patterns.write(tmp_path, own_patterns.KERNEL, change), **SMALL)
    assert says in str(caught.value) and "mine.py" in str(caught.value)


def test_a_file_that_does_something_else_on_numbers_is_refuted(tmp_path: Path):
    change = ("    return own.state + sweep.total", "    if type(own.state).__name__ == 'Fraction':\n"
              "        return own.state\n    return own.state + sweep.total")  # fmt: skip
    result = lp.verify(own_patterns.write(tmp_path, own_patterns.KERNEL, change), **SMALL)
    assert result.exit_code == 1 and "something else than on symbols" in result.claims[0].reason
    compared = ("    return own.state +", "    if own.state == 0:\n        return own.state\n    return own.state +")
    result = lp.verify(own_patterns.write(tmp_path, own_patterns.KERNEL, compared), **SMALL)
    assert result.exit_code == 3 and "compares" in result.claims[0].reason


@pytest.mark.parametrize("kind", ["--kernel", "--column-state"])
def test_the_template_verifies_at_once_is_derived_and_checked(capsys, tmp_path: Path, kind: str):
    assert run_cli(capsys, "new", "my-own", kind, "-o", str(tmp_path)).code == 0
    path = str(tmp_path / "my_own.py")
    ran = run_cli(capsys, "verify", path, "-d", "2", "-n", "3", "-L", "2", "--trials", "1", "--json")
    assert ran.code == 0 and len([c for c in ran.document["claims"] if c["asked"]]) >= 6
    assert "3. The layer" in run_cli(capsys, "derive", path).out
    checked = run_cli(capsys, "check", path, "-n", "3", "-L", "2")
    assert checked.code == 0 and "my-own" in checked.out
    text = Path(path).read_text(encoding="utf-8")
    first = text.index("    # layer=")
    text = text[:first] + "\n".join(line.replace("    # ", "    ", 1) for line in text[first:].split("\n"))
    text = text.replace("import PatternAlgorithm", "import GivenHead, GivenLayer, PatternAlgorithm")
    Path(path).write_text(text, encoding="utf-8")
    assert lp.verify(path, **SMALL).holds  # the layer that its comment shows
    assert run_cli(capsys, "derive", path).code == 4


def test_templates_of_two_kinds_and_names_of_the_catalogue_are_refused(capsys, tmp_path: Path):
    assert run_cli(capsys, "new", "mine", "--kernel", "--column-state", "-o", str(tmp_path)).code == 2
    assert run_cli(capsys, "new", "softmax-td", "--kernel", "-o", str(tmp_path)).code == 2
