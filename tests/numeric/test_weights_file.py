"""The file of exact weights: what is written is read back, byte for byte, and nothing else is read at all."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers import Case, each_kind
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import layerproof as lp
from layerproof.numeric.files import text as text_file
from layerproof.numeric.files import weights_file
from layerproof.numeric.files.text import read_text
from layerproof.numeric.files.weights_file import document, from_document, read_weights, write_weights
from layerproof.symbolic import strict_json
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.errors import ArgumentError, ContentError
from layerproof.symbolic.prompt import Layout
from layerproof.symbolic.strict_json import dumps, loads

each_form = pytest.mark.parametrize("looped", [False, True], ids=["sequential", "looped"])


def built(name: str = "td0", **more: Any) -> Construction:
    return lp.construct(name, **{"d": 2, "n": 3, "layers": 2, **more})


def rows(matrix: list[Any]) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in matrix]


def plain(c: Construction) -> dict[str, Any]:
    """Everything that a construction says, in plain numbers."""
    return {
        "algorithm": c.algorithm,
        "options": dict(c.options),
        "parameters": dict(c.parameters),
        "layout": c.layout,
        "layers": [[{x: getattr(h, x).fractions() for x in "WPQM"} for h in heads] for heads in c.layers],
        "depth": c.depth,
        "looped": c.looped,
        "steps": [[rows(s) if isinstance(s, list) else s for s in step] for step in c.steps],
        "readout": c.readout,
    }  # fmt: skip


# round trips


@each_kind
@each_form
def test_what_is_written_is_read_back_exactly_and_gives_the_same_bytes(
    case: Case, looped: bool, tmp_path: Path
) -> None:
    good = built(case.name, trace=dict(case.options).get("trace"), looped=looped)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_weights(good, first)
    read = read_weights(first)
    write_weights(read, second)
    assert plain(read) == plain(good)
    assert first.read_bytes() == second.read_bytes()
    assert lp.assert_implements(read, case.name).holds


def test_the_file_says_whether_it_is_looped_and_stores_one_layer_then(tmp_path: Path) -> None:
    for looped, stored in ((True, {"0"}), (False, {"0", "1"})):
        write_weights(built(looped=looped), tmp_path / "w.json")
        data = loads(read_text(tmp_path / "w.json"))
        assert data["looped"] is looped and data["layers"] == 2
        assert {name.split(".")[1] for name in data["tensors"]} == stored


def test_the_tensors_are_named_by_layer_head_and_letter_and_the_rest_stands_beside_them() -> None:
    data = document(built("average-reward-td"))
    assert list(data["tensors"]) == [f"layers.{k}.heads.{h}.{x}" for k in range(2) for h in range(2) for x in "WPQM"]
    assert data["layout"] == {
        "features": [["phi", 2], ["phi_next", 2]],
        "accumulators": ["reward", "difference"],
    }
    assert data["readout"] == {"row": 5, "row_name": "difference", "column": 3, "sign": -1}
    assert (data["format"], data["schema"]) == ("layerproof-weights", 1)


def test_rationals_are_lowest_terms_text_and_a_mask_is_stored_once() -> None:
    data = document(lp.construct("td0", d=1, n=2, layers=2, gamma="0.90", preconditioners=[([["-2/4"]],), ([[3]],)]))
    assert data["parameters"] == {"gamma": "9/10"}
    assert data["preconditioners"] == [[[["-1/2"]]], [[["3"]]]]
    assert data["tensors"]["layers.0.heads.0.Q"][0] == ["1/2", "-1/2", "0"]
    assert data["tensors"]["layers.0.heads.0.M"] == [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "0"]]
    assert data["tensors"]["layers.1.heads.0.M"] == {"same_as": "layers.0.heads.0.M"}


BIG = 7**2000  # 1691 digits
TALL = 7**700  # 592 digits


@pytest.mark.parametrize(
    "value",
    [
        Fraction(BIG), Fraction(-BIG), Fraction(1, BIG), Fraction(-1, BIG), Fraction(BIG, 3), Fraction(3, BIG),
        Fraction(BIG + 2, BIG), Fraction(TALL), Fraction(1, TALL), Fraction(TALL + 2, TALL),
        Fraction(2**3299, 3), Fraction(3, 2**3299), Fraction(2**3300, 3), Fraction(3, 2**3300), Fraction(-12345, BIG),
    ],
    ids=lambda x: f"{'-' * (x < 0)}{x.numerator.bit_length()}/{x.denominator.bit_length()} bits",
)  # fmt: skip
def test_rationals_of_any_size_are_read_back(value: Fraction, tmp_path: Path) -> None:
    c = built()
    big = replace(c, steps=(([[value, Fraction(0)], [Fraction(1), value]],), c.steps[1]))
    write_weights(big, tmp_path / "big.json")
    assert read_weights(tmp_path / "big.json").steps[0] == ([[value, 0], [1, value]],)


def test_numbers_beyond_a_thousand_digits_are_hexadecimal() -> None:
    assert strict_json.rational_text(Fraction(-BIG, 3)) == f"{-BIG:#x}/3"
    assert strict_json.rational_text(Fraction(3, BIG)) == f"3/{BIG:#x}"
    assert strict_json.rational_text(Fraction(10**990)) == "1" + "0" * 990


@given(st.fractions(), st.fractions(min_value=-3, max_value=3, max_denominator=2**60))
def test_any_rational_is_read_back(x: Fraction, y: Fraction) -> None:
    c = built(layers=1)
    data = loads(dumps(document(replace(c, steps=(([[x, y], [y, x]],),), parameters={"gamma": y}))))
    read = from_document(data)
    assert (read.steps, read.parameters) == ((([[x, y], [y, x]],),), {"gamma": y})


# what is refused


def edited(change: Callable[[Any], Any], name: str = "td0", looped: bool = False) -> Any:
    data = copy.deepcopy(document(built(name, looped=looped)))
    change(data)
    return data


def paths(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a document, itself included."""
    yield at
    if isinstance(data, (dict, list)):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield from paths(data[key], (*at, key))


def put(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The document with the value at `at` replaced."""
    if not at:
        return value
    data = copy.deepcopy(data)
    parent = data
    for key in at[:-1]:
        parent = parent[key]
    parent[at[-1]] = value
    return data


def removed(data: Any, at: tuple[Any, ...]) -> Any:
    data = copy.deepcopy(data)
    parent = data
    for key in at[:-1]:
        parent = parent[key]
    del parent[at[-1]]
    return data


KEYS = ["format", "schema", "algorithm", "options", "parameters", "d", "n", "layers", "looped", "layout", "readout",
        "preconditioners", "tensors"]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_the_document_is_needed(key: str) -> None:
    assert sorted(document(built())) == sorted(KEYS)
    with pytest.raises(ContentError, match=key):
        from_document(removed(document(built()), (key,)))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [None, 1.5, True, -1, "no", [], {}, [None], {"a": 1}])
def test_a_value_of_the_wrong_type_is_refused_by_name(key: str, value: Any) -> None:
    same = [("looped", bool), ("algorithm", str), ("options", dict), ("parameters", dict)]
    if any(key == name and isinstance(value, kind) and value != {"a": 1} for name, kind in same):
        return  # the right type: looped, an empty object or a name are values that can stand there
    inner = {"layout": "layout|features", "readout": "readout|row_name"}  # the first key that it lacks
    with pytest.raises(ContentError, match=inner.get(key, key)):
        from_document(put(document(built()), (key,), value))


@pytest.mark.parametrize(
    ("at", "value", "named"),
    [
        (("format",), "weights", "format"),
        (("schema",), 2, "schema is 2"),
        (("d",), 0, "d is 0"),
        (("n",), 10**9, "n is 1000000000"),
        (("layers",), 0, "layers is 0"),
        (("d",), 2.0, "d is of type float"),
        (("looped",), True, "preconditioners has 2 entries, wanted 1"),
        (("layers",), 3, "preconditioners has 2 entries, wanted 3"),
        (("parameters", "gamma"), 0.9, "parameters.gamma"),
        (("parameters", "gamma"), "nan", "parameters.gamma"),
        (("parameters", "gamma"), "1/0", "parameters.gamma"),
        (("parameters", "gamma"), "0x1/0", "parameters.gamma"),
        (("parameters", "gamma"), "0xzz", "parameters.gamma"),
        (("parameters", "gamma"), "1e40000000", "parameters.gamma"),
        (("parameters", "gamma"), "9" * 1001, "parameters.gamma"),
        (("options", "trace"), 1, "options"),
        (("layout", "features"), "phi", "features"),
        (("layout", "features", 0), ["phi"], "layout.features"),
        (("layout", "features", 0), ["phi", 0], "layout.features"),
        (("layout", "features", 0), ["phi", "2"], "layout.features"),
        (("layout", "features", 0), [2, "phi"], "layout.features"),
        (("layout", "features", 0), ["phi", 3], "layout|readout|shape"),
        (("layout", "features", 0), ["phi", 10**9], "layout|readout|shape|limit"),
        (("layout", "accumulators"), [], "readout"),
        (("layout", "accumulators", 0), "error", "readout"),
        (("layout", "accumulators", 0), 1, "accumulators"),
        (("readout", "row_name"), "phi", "readout"),
        (("readout", "row_name"), 4, "row_name"),
        (("readout", "row"), 3, "readout"),
        (("readout", "row"), None, "readout"),
        (("readout", "column"), 2, "readout"),
        (("readout", "sign"), 0, "readout"),
        (("readout", "sign"), True, "readout"),
        (("readout", "sign"), "-", "readout"),
        (("readout", "sign"), [], "readout"),
        (("preconditioners", 0), "1", r"preconditioners\[0\]"),
        (("preconditioners", 1, 0, 0), "1", r"preconditioners\[1\]"),
        (("preconditioners", 1, 0, 0, 0), 1, r"preconditioners\[1\]"),
        (("preconditioners", 1, 0, 0, 0), "one", r"preconditioners\[1\]"),
        (("tensors", "layers.0.heads.0.Q"), [], r"tensors.layers.0.heads.0.Q has the wrong shape"),
        (("tensors", "layers.0.heads.0.Q"), None, r"tensors.layers.0.heads.0.Q"),
        (("tensors", "layers.0.heads.0.Q", 0), "0", r"tensors.layers.0.heads.0.Q has the wrong shape"),
        (("tensors", "layers.0.heads.0.Q", 0, 0), 1, r"tensors.layers.0.heads.0.Q"),
        (("tensors", "layers.1.heads.0.P", 4, 4), "1//2", r"tensors.layers.1.heads.0.P"),
        (("tensors", "layers.1.heads.0.M"), {"same_as": "layers.9.heads.0.M"}, r"tensors.layers.1.heads.0.M"),
        (("tensors", "layers.1.heads.0.M"), {"same_as": "layers.1.heads.0.M"}, r"tensors.layers.1.heads.0.M"),
        (("tensors", "layers.1.heads.0.M"), {"same_as": "layers.0.heads.0.Q"}, r"tensors.layers.1.heads.0.M .* shape"),
        (("tensors", "layers.1.heads.0.M"), {"same_as": None}, r"tensors.layers.1.heads.0.M"),
        (("tensors", "layers.1.heads.0.M"), {"same_as": []}, r"tensors.layers.1.heads.0.M"),
        (("tensors", "layers.1.heads.0.M"), {"same_as": {"a": 1}}, r"tensors.layers.1.heads.0.M"),
        (("tensors", "layers.1.heads.0.M"), {}, r"tensors.layers.1.heads.0.M"),
        (("tensors", "layers.2.heads.0.W"), [], r"tensors.layers.2.heads.0.W belongs to no head"),
        (("tensors", "layers.0.heads.0.V"), [], r"tensors.layers.0.heads.0.V belongs to no head"),
        (("tensors", "layers.0.heads.2.W"), [], r"tensors.layers.0.heads.2.W belongs to no head"),
    ],
)
def test_a_wrong_value_is_refused_by_name(at: tuple[Any, ...], value: Any, named: str) -> None:
    with pytest.raises(ContentError, match=named):
        from_document(put(document(built()), at, value))


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("letter", "WPQM")
def test_every_tensor_is_needed(layer: int, letter: str) -> None:
    with pytest.raises(ContentError, match=rf"layers\.{layer}\.heads\.0"):
        from_document(removed(document(built()), ("tensors", f"layers.{layer}.heads.0.{letter}")))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("schema",), 1.0),
        (("readout", "sign"), -1.0),
        (("readout", "row"), 3.0),
        (("readout", "column"), True),
        (("readout", "column"), 1.0),
        (("layout", "features", 0), ["phi", True]),
        (("layout", "features", 2), ["one", 1.0]),
    ],
)
def test_a_number_of_another_type_is_refused_even_where_it_equals_the_right_one(
    at: tuple[Any, ...], value: Any
) -> None:
    with pytest.raises(ContentError, match=at[0]):
        from_document(put(smallest(False), at, value))


@pytest.mark.parametrize(
    "step",
    [[[["1"]]], [[["1", "0"], ["0"]]], [[]], [], ["1/2"], [[["1", "0"], ["0", "1"]], "1"],
     [[["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]]],
)  # fmt: skip
def test_preconditioners_of_the_wrong_shape_are_refused(step: Any) -> None:
    with pytest.raises(ContentError, match=r"preconditioners"):
        lp.assert_implements(from_document(put(document(built()), ("preconditioners", 1), step)), "td0")


@pytest.mark.parametrize("key", ["row", "row_name", "column", "sign"])
def test_every_key_of_the_read_out_is_needed(key: str) -> None:
    with pytest.raises(ContentError, match=r"readout|row_name"):
        from_document(removed(document(built()), ("readout", key)))


def test_a_file_with_more_entries_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = document(built())
    entries = 5 * 5 * 5 + 4 * 4  # W once, P and Q twice, M once
    monkeypatch.setattr(weights_file, "MAX_ENTRIES", entries)
    assert from_document(data).depth == 2
    monkeypatch.setattr(weights_file, "MAX_ENTRIES", entries - 1)
    with pytest.raises(ContentError, match=f"more than {entries - 1} entries, the limit"):
        from_document(data)


@pytest.mark.parametrize("data", [None, [], "", 1, {}, {"format": "other"}, [{"format": "layerproof-weights"}]])
def test_anything_but_a_weights_file_is_refused(data: Any) -> None:
    with pytest.raises(ContentError, match="no weights file"):
        from_document(data)


# the file around the document


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace('"d": 2', '"d": 2, "d": 3'), "given twice"),
        (lambda text: text.replace('"d": 2', '"d": NaN'), "NaN"),
        (lambda text: text.replace('"d": 2', '"d": Infinity'), "Infinity"),
        (lambda text: text.replace('"d": 2', '"d": ' + "9" * 5000), "number that cannot be read"),
        (lambda text: text[:-3], "is not JSON"),
        (lambda text: text + text, "is not JSON"),
        (lambda text: "", "is empty"),
        (lambda text: "[" * 100_000, "nested too deeply"),
        (lambda text: text + " " * text_file.MAX_FILE_BYTES, "is larger than 16777216 bytes"),
        (lambda text: text.replace('"td0"', "3"), "algorithm is of type int"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(damage: Callable[[str], str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    write_weights(built(), path)
    read_weights(path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ContentError, match=message) as refused:
        read_weights(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_file_that_is_not_utf_8_or_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"format": "\xe9"}')
    for name, message in (
        ("latin.json", "byte 12 is not UTF-8"),
        ("none.json", "no such file"),
        ("", "is a directory"),
    ):
        with pytest.raises(ContentError, match=message):
            read_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["w", "w.txt", "w.json.gz", "w.pt", "json"])
def test_an_unknown_suffix_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"ends in .json or .safetensors"):
        write_weights(built(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.json"
    write_weights(built(), path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ContentError, match="cannot be written: No space left"):
        write_weights(built("td-lambda"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_reading_runs_nothing_and_a_file_can_name_any_algorithm() -> None:
    """A name is data: it is looked up by nobody until a check asks for an algorithm."""
    read = from_document(put(document(built()), ("algorithm",), "__import__('os').abort()"))
    assert read.algorithm == "__import__('os').abort()"


# any document at all


def meaning(data: dict[str, Any]) -> Any:
    """What a document says: references followed, rationals as numbers."""

    def number(text: str) -> Fraction:
        top, _, bottom = text.partition("/")
        return Fraction(int(top, 0), int(bottom or "1", 0)) if "x" in text else Fraction(text)

    def numbers(value: Any) -> Any:
        return [numbers(v) for v in value] if isinstance(value, list) else number(value)

    tensors = data["tensors"]

    def tensor(name: str) -> Any:
        value = tensors[name]
        return tensor(value["same_as"]) if isinstance(value, dict) else numbers(value)

    return {
        **{key: data[key] for key in KEYS},
        "parameters": {k: number(v) for k, v in data["parameters"].items()},
        "preconditioners": numbers(data["preconditioners"]),
        "tensors": {name: tensor(name) for name in tensors},
    }


def same_types(a: Any, b: Any) -> bool:
    """Equal, and no 1 for true or 1.0."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_types(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same_types, a, b))
    return type(a) is type(b) and a == b


@cache
def smallest(looped: bool) -> dict[str, Any]:
    return document(lp.construct("differential-td", d=1, n=1, layers=2, looped=looped))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from(["1/2", "-0x1f/3", "layers.0.heads.0.M", "td_error", 1, 2, -1, 1.0, -1.0, 10**12]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["same_as", "d", "x"]), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=300)
@given(st.data(), st.booleans(), st.integers(1, 3))
def test_a_document_changed_at_random_is_read_as_what_it_says_or_refused(
    data: st.DataObject, looped: bool, edits: int
) -> None:
    changed: Any = smallest(looped)
    for _ in range(edits):
        if not isinstance(changed, dict):
            break
        everywhere = list(paths(changed))
        at = data.draw(st.sampled_from([at for at in everywhere if len(at) < 4]) | st.sampled_from(everywhere))
        changed = removed(changed, at) if at and data.draw(st.booleans()) else put(changed, at, data.draw(values))
    try:
        read = from_document(loads(dumps(changed)))
    except ContentError:
        return
    assert same_types(meaning(document(read)), meaning({k: changed[k] for k in KEYS}))


@given(st.binary(max_size=60))
def test_a_file_of_any_bytes_is_refused_cleanly(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "w.json"
    path.write_bytes(content)
    with pytest.raises(ContentError):
        read_weights(path)


def test_the_law_for_random_documents_sees_a_reader_that_is_careless() -> None:
    good = document(built())
    assert same_types(meaning(good), meaning(json.loads(json.dumps(good))))
    for at, value in ((("readout", "sign"), 1.0), (("looped",), 0), (("parameters", "gamma"), "8/10")):
        assert not same_types(meaning(good), meaning(put(good, at, value)))


def test_a_layout_is_read_with_its_own_sizes() -> None:
    assert from_document(document(built("differential-td", d=3, n=4))).layout == Layout(
        3, 4, (("phi", 3), ("phi_next", 3), ("one", 1)), ("td_error",)
    )


# rounded weights for other programs


@each_form
def test_safetensors_holds_the_same_names_and_says_the_same_beside_them(looped: bool, tmp_path: Path) -> None:
    good, path = built("average-reward-td", looped=looped), tmp_path / "w.safetensors"
    write_weights(good, path)
    with safe_open(path, "numpy") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        metadata = file.metadata()
    exact = weights_file.tensors(good)
    assert set(stored) == set(exact)
    for name, matrix in exact.items():
        assert stored[name].tolist() == [[float(x) for x in row] for row in matrix.fractions()]
    assert sorted(metadata) == ["format", "layerproof"] and metadata["format"] == "pt"  # what transformers 4 wants
    assert loads(metadata["layerproof"]) == {**weights_file.description(good), "dtype": "float64"}


def test_safetensors_written_twice_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_weights(built("tdc"), tmp_path / f"{name}.safetensors", dtype="float32")
    first, second = (tmp_path / f"{name}.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first.safetensors", "second.safetensors"]


def test_safetensors_of_an_unknown_dtype_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="dtype is 'float8'"):
        write_weights(built(), tmp_path / "w.safetensors", dtype="float8")
    assert not list(tmp_path.iterdir())


def test_rounded_weights_are_not_read_as_exact_ones(tmp_path: Path) -> None:
    write_weights(built(), tmp_path / "w.safetensors")
    with pytest.raises(ContentError, match=r"w\.safetensors: "):
        read_weights(tmp_path / "w.safetensors")
