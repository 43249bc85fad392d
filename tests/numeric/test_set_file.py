"""Files of sets and of symmetry generators: what is written is what is asked, and all else is refused in words."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from cli import assert_refused, run_cli
from hypothesis import example, given
from hypothesis import strategies as st

from layerproof.numeric.files.set_file import check_set, read_group, read_set, weight_set
from layerproof.proofs.invariance.at_depth import at_depths
from layerproof.proofs.invariance.question import Question
from layerproof.symbolic.errors import ArgumentError, ContentError
from layerproof.symbolic.invariance.constraints import parse_equation
from layerproof.symbolic.invariance.sets import parse_entry
from layerproof.symbolic.invariance.symmetry import identity

P = [["0", "0", "0"], ["0", "0", "0"], ["0", "0", "eta"]]
Q = [["c", "frozen", "frozen"], ["e", "frozen", "frozen"], ["0", "frozen", "frozen"]]
GOOD = {"schema": 1, "name": "value row only", "matrices": {"P": P, "Q": Q}}
ZERO_Q = {"schema": 1, "matrices": {"P": P, "Q": [["0"] * 3] * 3}}


def subject_of(layers=1, looped=True):
    return next(iter(at_depths(["td0"], Question(layers=layers, looped=looped))))


def write(tmp_path, content, name="set.json"):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def built(content, layers=1, looped=True):
    s = subject_of(layers, looped)
    return weight_set(check_set(content), s.space, s.group)


def constraints(*equations, **more):
    return {"schema": 1, "constraints": [{"name": f"c{k}", "equation": e, **more} for k, e in enumerate(equations)]}


# what is read


@pytest.mark.parametrize("schema", [1, "1"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_pattern_is_read_as_it_is_written(tmp_path, schema, mark):
    path = write(tmp_path, mark + json.dumps({**GOOD, "schema": schema}).encode())
    s = subject_of()
    weights = weight_set(read_set(path), s.space, s.group)
    assert (weights.name, weights.dimension) == ("value row only", 3)
    m = s.space.layout.m
    assert weights.frozen == {s.space.position(0, 1, i, j) for i in range(m) for j in range(2, m)}
    assert set(weights.labels) == {"eta", "c", "e"}
    point = weights.point([Fraction(k + 1) for k in range(3)])
    value = dict(zip(weights.labels, (1, 2, 3), strict=True))
    assert s.space.matrix_rows(point, 0, 0)[4] == [0, 0, 0, 0, value["eta"]]
    assert [row[:2] for row in s.space.matrix_rows(point, 0, 1)] == [
        [value["c"], 0], [0, value["c"]], [value["e"], 0], [0, value["e"]], [0, 0],
    ]  # fmt: skip


def test_entries_are_linear_expressions():
    rows = [["a - 1/2 b", "2 a + 3", "0"], ["0", "-b", "0"], ["0", "0", "1/3"]]
    weights = built({"schema": 1, "matrices": {"P": rows, "Q": [["0"] * 3] * 3}})
    s = subject_of()
    a, b = (weights.labels.index(x) for x in "ab")
    drawn = [Fraction(0)] * 2
    drawn[a], drawn[b] = Fraction(5), Fraction(4)
    row = s.space.matrix_rows(weights.point(drawn), 0, 0)
    assert (row[0][0], row[0][2], row[1][3], row[2][2], row[4][4]) == (3, 13, 13, -4, Fraction(1, 3))
    assert row[0][1] == row[0][3] == 0


def test_free_is_any_matrix_and_the_last_layer_has_a_pattern_of_its_own():
    free = {"P": [["free", "0", "free"], ["0"] * 3, ["0"] * 3], "Q": [["0"] * 3] * 3}
    assert built({"schema": 1, "matrices": free}).dimension == 4 + 2
    two = {"schema": 1, "matrices": ZERO_Q["matrices"], "last_layer": free}
    assert built(two, 2, False).dimension == 1 + 6
    assert built({"schema": 1, "matrices": ZERO_Q["matrices"]}, 3, False).dimension == 3


def test_equations_hold_in_the_layers_they_name():
    assert built(constraints("Q[phi, phi] = 0"), 2, False).dimension == 18
    assert built(constraints("Q[phi, phi] = 0", layers=[2]), 2, False).dimension == 19
    assert built(constraints("Q[phi, phi] = 0", "2 Q[phi, phi] = 0"), 1).dimension == 9
    weights = built(constraints("2 Q[phi, phi] - P[td_error, td_error] = 1/2", "P[td_error,td_error] = 1"))
    s = subject_of()
    point = weights.point([Fraction(k) for k in range(weights.dimension)])
    assert s.space.matrix_rows(point, 0, 0)[4][4] == 1
    assert s.space.matrix_rows(point, 0, 1)[0][0] == s.space.matrix_rows(point, 0, 1)[1][1] == Fraction(3, 4)
    assert built(constraints("0 = 0")).dimension == 10


def test_generators_are_read_exactly(tmp_path):
    turn = [["3/5", "-0.8"], [0.8, "6e-1"]]
    group = read_group(write(tmp_path, {"schema": 1, "name": "turn", "generators": [turn]}), 2)
    assert group.name == "turn" and group.generators == (
        ((Fraction(3, 5), Fraction(-4, 5)), (Fraction(4, 5), Fraction(3, 5))),
    )
    nameless = read_group(write(tmp_path, {"schema": 1, "generators": []}, "mine.json"), 2)
    assert (nameless.name, nameless.order, nameless.elements) == ("mine", 1, (identity(2),))


# what is refused when a file is read: exit code 4, with the file named

BAD_FILES = {
    "no JSON": ("{", "is not JSON"),
    "empty": ("  \n", "is empty"),
    "not UTF-8": (b'{"schema": \xff}', "is not UTF-8"),
    "a list": ([], "is no JSON object"),
    "a duplicate key": ('{"schema": 1, "schema": 1, "matrices": {}}', "key 'schema' is given twice"),
    "a duplicate matrix": ('{"schema": 1, "matrices": {"P": [], "P": []}}', "key 'P' is given twice"),
    "NaN": ('{"schema": 1, "matrices": {"P": [[NaN]]}}', "NaN is no number"),
    "Infinity": ('{"schema": 1, "dimension": Infinity, "matrices": {}}', "Infinity is no number"),
    "deep nesting": ("[" * 100_000, "nested too deeply"),
    "no schema": ({"matrices": {"P": P, "Q": Q}}, "lacks schema"),
    "another schema": ({**GOOD, "schema": 2}, "schema is '2', wanted 1"),
    "schema true": ({**GOOD, "schema": True}, "schema is True, wanted 1"),
    "an unknown key": ({**GOOD, "matrice": {}}, "has the key 'matrice'"),
    "both": ({**GOOD, **constraints("Q[phi, phi] = 0")}, "both or neither of matrices and constraints"),
    "neither": ({"schema": 1, "name": "x"}, "both or neither of matrices and constraints"),
    "last_layer alone": ({**constraints("Q[phi, phi] = 0"), "last_layer": {}}, "last_layer goes with matrices"),
    "matrices a list": ({"schema": 1, "matrices": [P]}, "matrices is no object"),
    "last_layer a list": ({**GOOD, "last_layer": [P]}, "last_layer is no object"),
    "a grid of text": ({"schema": 1, "matrices": {"P": "0", "Q": Q}}, "matrices.'P' is no list of rows"),
    "a row of text": ({"schema": 1, "matrices": {"P": ["0"], "Q": Q}}, "matrices.'P' is no list of rows"),
    "an entry null": ({"schema": 1, "matrices": {"P": [[None]], "Q": Q}}, "matrices.'P' has an entry that is no short"),
    "an entry too long": ({"schema": 1, "matrices": {"P": [["1" * 201]], "Q": Q}}, "matrices.'P' has an entry that"),
    "a name of no text": ({**GOOD, "name": ["x"]}, "name is no printable text of at most 200"),
    "an empty name": ({**GOOD, "name": ""}, "name is no printable text of at most 200"),
    "a long meaning": ({**GOOD, "meaning": "x" * 201}, "meaning is no printable text of at most 200"),
    "a negative dimension": ({**GOOD, "dimension": -1}, "dimension is '-1', wanted a whole number"),
    "a fraction": ({**GOOD, "dimension": 1.5}, "dimension is '1.5', wanted a whole number"),
    "a huge dimension": ('{"schema": 1, "dimension": %s, "matrices": {}}' % ("9" * 5000), "wanted a whole number"),
    "no constraints": ({"schema": 1, "constraints": []}, "constraints is no list"),
    "constraints text": ({"schema": 1, "constraints": "Q = 0"}, "constraints is no list"),
    "a constraint of text": ({"schema": 1, "constraints": ["Q = 0"]}, "constraints[0] wants the keys name"),
    "no equation": ({"schema": 1, "constraints": [{"name": "x"}]}, "constraints[0] wants the keys name"),
    "an unknown constraint key": (constraints("Q[phi, phi] = 0", layer=1), "constraints[0] wants the keys name"),
    "a long equation": (constraints("1" * 1001 + " = 0"), "constraints[0] has a name or equation that is no text"),
    "layers a number": (constraints("Q[phi, phi] = 0", layers=1), "constraints[0].layers is no list"),
    "no layers": (constraints("Q[phi, phi] = 0", layers=[]), "constraints[0].layers is no list"),
    "negative layers": (constraints("Q[phi, phi] = 0", layers=[-1]), "constraints[0].layers is no list"),
    "two equations": (constraints("P = Q = 0"), "has no single ="),
    "no equation sign": (constraints("Q[phi, phi]"), "has no single ="),
    "code": (constraints("__import__('os') = 0"), "cannot be read at"),
    "a product": (constraints("Q[phi, phi] * Q[phi, phi] = 0"), "cannot be read at"),
    "nothing on a side": (constraints("Q[phi, phi] ="), "cannot be read at"),
}  # fmt: skip


@pytest.mark.parametrize("content, message", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_set_file_is_refused(tmp_path, capsys, content, message):
    path = write(tmp_path, content)
    with pytest.raises(ContentError) as caught:
        read_set(path)
    text = str(caught.value)
    assert caught.value.exit_code == 4 and text.startswith(f"{path}: ") and message in text and len(text) < 600
    assert_refused(run_cli(capsys, "invariance", "td0", "--no-float", "--set", str(path)), 4, str(path), message)


HALF_TURN = [["3/5", "4/5"], ["4/5", "3/5"]]
BAD_GROUPS = {
    "no generators": ({"schema": 1}, "lacks generators"),
    "not orthogonal": ({"schema": 1, "generators": [[[1, 0], [0, 1]], HALF_TURN]}, "generators[1] is not orthogonal"),
    "of another size": ({"schema": 1, "generators": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]}, "generators[0] is no 2 x 2"),
    "not square": ({"schema": 1, "generators": [[[1, 0]]]}, "generators[0] is no 2 x 2"),
    "ragged": ({"schema": 1, "generators": [[[1, 0], [0]]]}, "generators[0] is no 2 x 2"),
    "no matrix": ({"schema": 1, "generators": [1]}, "generators[0] is no list of rows"),
    "no list": ({"schema": 1, "generators": {}}, "generators is no list of at most 64"),
    "too many": ({"schema": 1, "generators": [[[1, 0], [0, 1]]] * 65}, "generators is no list of at most 64"),
    "no number": ({"schema": 1, "generators": [[["x", 0], [0, 1]]]}, "an entry of generators[0] is 'x'"),
    "NaN": ('{"schema": 1, "generators": [[[NaN, 0], [0, 1]]]}', "NaN is no number"),
    "null": ({"schema": 1, "generators": [[[None, 0], [0, 1]]]}, "an entry of generators[0] is null"),
    "1/0": ({"schema": 1, "generators": [[["1/0", 0], [0, 1]]]}, "wanted a denominator other than zero"),
    "a huge exponent": ({"schema": 1, "generators": [[["1e999999", 0], [0, 1]]]}, "wanted a decimal exponent"),
    "an unknown key": ({"schema": 1, "generators": [], "matrices": {}}, "has the key 'matrices'"),
}


@pytest.mark.parametrize("content, message", BAD_GROUPS.values(), ids=BAD_GROUPS)
def test_a_bad_file_of_generators_is_refused(tmp_path, capsys, content, message):
    path = write(tmp_path, content, "group.json")
    with pytest.raises(ContentError) as caught:
        read_group(path, 2)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert_refused(run_cli(capsys, "invariance", "td0", "--no-float", "--group", str(path)), 4, str(path), message)


@pytest.mark.parametrize("option", ["--set", "--group"])
def test_what_is_no_file_is_refused(tmp_path, capsys, option):
    missing, folder = tmp_path / "missing.json", tmp_path
    assert_refused(run_cli(capsys, "invariance", "td0", option, str(missing)), 4, str(missing), "there is no such file")
    assert_refused(run_cli(capsys, "invariance", "td0", option, str(folder)), 4, str(folder), "is a directory")
    assert_refused(run_cli(capsys, "invariance", "td0", option, "word"), 2, f"{option} is 'word', wanted one of")


# a set that is well written but does not fit the transformer asked about

UNFIT = {
    "a short grid": ({"schema": 1, "matrices": {"P": P[:2], "Q": Q}}, "P is no grid of 3 x 3 blocks"),
    "a short row": ({"schema": 1, "matrices": {"P": [*P[:2], ["0"]], "Q": Q}}, "P is no grid of 3 x 3 blocks"),
    "an empty grid": ({"schema": 1, "matrices": {"P": [], "Q": Q}}, "P is no grid of 3 x 3 blocks"),
    "a missing matrix": ({"schema": 1, "matrices": {"P": P}}, "wanted the matrices P, Q"),
    "an unknown matrix": ({"schema": 1, "matrices": {"P": P, "Q": Q, "R": Q}}, "wanted the matrices P, Q"),
    "a bad last layer": ({**GOOD, "last_layer": {"P": P}}, "wanted the matrices P, Q"),
    "a name on features by row": (
        {"schema": 1, "matrices": {"P": [["0", "0", "a"], *P[1:]], "Q": Q}},
        "P[phi, td_error] is 'a', but it joins features with another row",
    ),
    "a number on row by features": (
        {"schema": 1, "matrices": {"P": [*P[:2], ["1", "0", "0"]], "Q": Q}},
        "P[td_error, phi] is '1', but it joins features with another row",
    ),
    "code": (
        {"schema": 1, "matrices": {"P": [["__import__('os')", "0", "0"], *P[1:]], "Q": Q}},
        "P[phi, phi]: entry \"__import__('os')\" is no linear expression",
    ),
    "1/0": ({"schema": 1, "matrices": {"P": [["1/0", "0", "0"], *P[1:]], "Q": Q}}, "is no linear expression"),
    "nothing": ({"schema": 1, "matrices": {"P": [["", "0", "0"], *P[1:]], "Q": Q}}, "is no linear expression"),
    "a product": ({"schema": 1, "matrices": {"P": [["a*b", "0", "0"], *P[1:]], "Q": Q}}, "is no linear expression"),
    "a decimal": ({"schema": 1, "matrices": {"P": [["0.5", "0", "0"], *P[1:]], "Q": Q}}, "is no linear expression"),
    "contradiction": (constraints("Q[phi, phi] = 0", "Q[phi, phi] = 1"), "contradict each other"),
    "0 = 1": (constraints("0 = 1"), "contradict each other"),
    "layer 0": (constraints("Q[phi, phi] = 0", layers=[0]), "'c0' names layer 0, wanted 1 to 2"),
    "layer 3": (constraints("Q[phi, phi] = 0", layers=[3]), "'c0' names layer 3, wanted 1 to 2"),
    "an unknown row": (constraints("Q[phi, psi] = 0"), "'c0' names the row psi"),
    "an unknown matrix in an equation": (constraints("R[phi, phi] = 0"), "'c0' names R, wanted P, Q"),
    "a block that is zero": (constraints("Q[phi, td_error] = 0"), "is zero throughout the commutant"),
}  # fmt: skip


@pytest.mark.parametrize("content, message", UNFIT.values(), ids=UNFIT)
def test_a_set_that_does_not_fit_is_refused(tmp_path, capsys, content, message):
    with pytest.raises((ArgumentError, ContentError)) as caught:
        built(content, 2, False)
    assert message in str(caught.value)
    ran = run_cli(capsys, "invariance", "td0", "-L", "2", "--sequential", "--no-float", "--set",
                  str(write(tmp_path, content)))  # fmt: skip
    assert ran.code in (2, 4) and ran.out == "" and "Traceback" not in ran.err
    assert message in ran.err.splitlines()[-1]


def test_a_refusal_that_depends_on_the_algorithm_names_the_file_too(tmp_path, capsys):
    path = write(tmp_path, UNFIT["a short grid"][0])
    ran = run_cli(capsys, "invariance", "td0", "-L", "1", "--no-float", "--set", str(path))
    assert ran.code == 4 and f"{path}: " in ran.err


def test_constraints_want_a_group_with_one_number_a_block():
    s = next(iter(at_depths(["td0"], Question(layers=1, group="permutations"))))
    with pytest.raises(ArgumentError, match="one number a block, but the commutant of permutations has more"):
        weight_set(constraints("Q[phi, phi] = 0"), s.space, s.group)


# hostile content


def test_a_huge_layer_number_is_refused_in_words(tmp_path, capsys):
    text = '{"schema": 1, "constraints": [{"name": "x", "equation": "Q[phi, phi] = 0", "layers": [%s]}]}' % ("9" * 5000)
    ran = run_cli(capsys, "invariance", "td0", "--no-float", "--set", str(write(tmp_path, text)))
    assert ran.code in (2, 4) and "internal error" not in ran.err and len(ran.err) < 1000


@pytest.mark.parametrize("entry", ["frozen ", " frozen", "2 free", "frozen + 1", "-free", "free*"])
def test_a_reserved_word_is_never_taken_for_a_name(entry):
    """`frozen ` with a blank must not become a number called frozen, which asks another question."""
    rows = [[entry, "0", "0"], ["0"] * 3, ["0"] * 3]
    try:
        weights = built({"schema": 1, "matrices": {"P": rows, "Q": [["0"] * 3] * 3}})
    except (ArgumentError, ContentError):
        return
    assert "frozen" not in weights.labels and "free" not in weights.labels


@pytest.mark.parametrize(
    "content",
    [{"schema": 1, "matrices": {"P\nR": P}}, {"schema": 1, "matrices": {"P" * 5000: P}},
     {"schema": 1, "constraints": [{"name": "x\ny" + "z" * 900, "equation": "Q[phi, psi] = 0"}]}],
    ids=["a line break in a matrix name", "a long matrix name", "a line break in a constraint name"],
)  # fmt: skip
def test_a_message_is_one_short_line_whatever_the_file_says(tmp_path, capsys, content):
    ran = run_cli(capsys, "invariance", "td0", "-L", "1", "--no-float", "--set", str(write(tmp_path, content)))
    assert ran.code in (2, 4) and ran.out == ""
    lines = [line for line in ran.err.splitlines() if not line.endswith("...")]
    assert len(lines) == 1 and lines[0].startswith("layerproof: ") and len(lines[0]) < 600


@pytest.mark.parametrize("name", ["[/x]", "[red]x", "[link=file:///etc]x", "a\x1b[31mb"])
def test_a_sets_name_is_text_not_markup(tmp_path, capsys, name):
    content = {**GOOD, "name": name, "meaning": "[/y]"}
    ran = run_cli(capsys, "invariance", "td0", "-L", "1", "--no-float", "--set", str(write(tmp_path, content)))
    assert ran.code == 0 or ("\x1b" in name and ran.code == 4)
    assert "internal error" not in ran.err and "\x1b" not in ran.out
    if "\x1b" not in name:
        assert any("algorithm" in line and name in line for line in ran.out.splitlines())  # the table's head


def test_more_constraints_than_anyone_writes_are_refused(tmp_path):
    """20,000 take seconds, a file of 16 MiB would take minutes: there has to be a limit, as for generators."""
    with pytest.raises(ContentError, match="constraints"):
        read_set(write(tmp_path, constraints(*["Q[phi, phi] = 0"] * 20_000)))


# expressions and equations, fuzzed

fractions = st.fractions(-(10**8), 10**8, max_denominator=9).filter(lambda x: x)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_']{0,5}", fullmatch=True)


def magnitude(c):
    return str(abs(c))


def printed(terms, star, space):
    text = ""
    for c, what in terms:
        sign = "-" if c < 0 else "+" if text else ""
        joint = (" * " if star else " ") if what else ""
        text += f"{' ' if space else ''}{sign}{' ' if space else ''}{magnitude(c)}{joint}{what}"
    return text


@given(st.dictionaries(names, fractions, max_size=5), fractions | st.just(Fraction(0)), st.booleans(), st.booleans())
def test_an_entry_round_trips(named, constant, star, space):
    terms = [(c, x) for x, c in named.items()] + ([(constant, "")] if constant or not named else [])
    assert parse_entry(printed(terms, star, space)) == (named, constant)


block_names = st.tuples(st.sampled_from(["P", "Q", "W1", "Q12"]), st.sampled_from(["phi", "x_1"]), st.just("td_error"))


@given(st.dictionaries(block_names, fractions, max_size=5), fractions | st.just(Fraction(0)), st.booleans())
def test_an_equation_round_trips(terms, constant, star):
    left = printed([(c, f"{m}[{r}, {s}]") for (m, r, s), c in terms.items()], star, True) or "0"
    sign = "-" if constant < 0 else ""
    assert parse_equation(f"{left} = {sign}{magnitude(constant)}") == (terms, constant)
    assert parse_equation(f"{sign}{magnitude(constant)} = {left}") == ({b: -c for b, c in terms.items()}, -constant)


@given(st.text(alphabet="ab01 +-*/=[],()._'PQφ٣\n\x00", max_size=25) | st.text(max_size=25))
@example("1/0 a")
@example("-")
@example("a" * 3000)
@example("9" * 4000 + " a")
def test_any_text_is_an_expression_or_an_argument_error(text):
    try:
        named, constant = parse_entry(text)
    except ArgumentError as error:
        assert len(str(error)) < 400
    else:
        assert all(named.values()) and isinstance(constant, Fraction)
        assert all(name.isascii() for name in named)
    try:
        parse_equation(text + "= 0")
    except ArgumentError as error:
        assert len(str(error)) < 400


@pytest.mark.parametrize("text", ["a b", "1 2", "a -", "a + + b", "--a", "a 1", "1/2/3", "+"])
def test_what_reads_like_an_expression_but_is_none(text):
    with pytest.raises(ArgumentError, match="is no linear expression"):
        parse_entry(text)


def test_terms_add_up():
    assert parse_entry("a + a - 2 a + b") == ({"b": 1}, 0)
    assert parse_equation("Q[phi, phi] = Q[phi, phi]") == ({}, 0)
    assert parse_entry("0") == parse_entry("0 a") == ({}, 0)
