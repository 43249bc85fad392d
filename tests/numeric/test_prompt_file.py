"""Prompt files: what is written is what is read, exactly, and everything else is refused in words."""

from __future__ import annotations

import json
import os
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layerproof.numeric.files import text as text_file
from layerproof.numeric.files.prompt_file import read_context
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.exact import parse_rational
from layerproof.symbolic.prompt import Context

GOOD = {"features": [["1/2", 0], ["-0.1", 1]], "next_features": [[0, 1], [1, 1]], "rewards": [1, "2"], "query": [3, 4]}
WANTED = Context.of([["1/2", 0], ["-1/10", 1]], [[0, 1], [1, 1]], [1, 2], [3, 4])
HEADER = "phi_1,phi_2,phi_next_1,phi_next_2,reward\n"


def write(tmp_path, content, suffix=".json"):
    path = tmp_path / f"prompt{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, message):
    with pytest.raises(ContentError) as caught:
        read_context(path)
    assert caught.value.exit_code == 4
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and message in text, text
    assert "\n" not in text and len(text) < 400 + len(str(path))


@given(st.fractions())
def test_rationals_round_trip(x):
    assert parse_rational(str(x), "x") == x


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=12))
@example(Decimal("0.1"))
def test_decimals_are_exact(x):
    assert parse_rational(str(x), "x") == Fraction(x)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+3", 3),
        (".5", "1/2"),
        ("1.", 1),
        ("-0", 0),
        ("1E+2", 100),
        ("25e-2", "1/4"),
        ("007/014", "1/2"),
        ("1e0400", 10**400),
    ],
)
def test_the_forms_of_a_number(text, value):
    assert parse_rational(text, "x") == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "1_000",
        "1,5",
        "nan",
        "inf",
        "-Infinity",
        "0x10",
        "1/2/3",
        "1.5/2",
        "1/-2",
        "1 /2",
        "e5",
        ".",
        "1e",
        "1e1.5",
        "--1",
        "٣",
        "１",
        "1\xa0",
        "\x00",
        "1/",
        "/2",
        "True",
        "__import__('os')",
    ],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ContentError, match=r"gamma is .*, wanted a number such as 3, -0.25, 1e-3 or 3/7") as caught:
        parse_rational(text, "gamma")
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1" * 1001,
            "x is '1111111111111111111111111111111111111111'... (1001 characters), wanted a number of at most 1000",
        ),
        ("1e401", "x is '1e401', wanted a decimal exponent of at most 400 in size"),
        ("1e-401", "wanted a decimal exponent of at most 400 in size"),
        ("1e40000000", "wanted a decimal exponent of at most 400 in size"),
        ("1e" + "9" * 900, "wanted a decimal exponent of at most 400 in size"),
        ("1/0", "x is '1/0', wanted a denominator other than zero"),
        ("0/000", "wanted a denominator other than zero"),
        (True, "x is true or false, wanted a number"),
        (0.5, "x is of type float, wanted a number"),
    ],
)
def test_a_hostile_number_is_refused_before_it_is_converted(text, message):
    start = time.monotonic()
    with pytest.raises(ContentError) as caught:
        parse_rational(text, "x")
    assert message in str(caught.value)
    assert time.monotonic() - start < 1


def test_the_limits_themselves_are_allowed():
    assert parse_rational("1" * 1000, "x") == int("1" * 1000)
    assert parse_rational("1e-400", "x") == Fraction(1, 10**400)


def test_json_is_read_exactly(tmp_path):
    assert read_context(write(tmp_path, json.dumps(GOOD))) == WANTED
    assert read_context(str(write(tmp_path, "\ufeff" + json.dumps(GOOD), ".JSON"))) == WANTED
    numbers = '{"features": [[0.1]], "next_features": [[123456789012345678901234567890.5]], "rewards": [1e-400]}'
    context = read_context(write(tmp_path, numbers))
    assert context.features == ((Fraction(1, 10),),)
    assert context.next_features == ((Fraction(246913578024691357802469135781, 2),),)
    assert context.rewards == (Fraction(1, 10**400),)


def test_without_a_query_it_is_the_last_of_next_features(tmp_path):
    without = {key: value for key, value in GOOD.items() if key != "query"}
    assert read_context(write(tmp_path, json.dumps(without))).query == (1, 1)
    assert read_context(write(tmp_path, HEADER + "1,2,3,4,5\n1,2,6,7,5\n", ".csv")).query == (6, 7)


def test_csv_is_read_exactly(tmp_path):
    assert read_context(write(tmp_path, HEADER + "1/2,0,0,1,1\n-0.1,1,1,1,2\n3,4,,,\n", ".csv")) == WANTED
    mixed = (
        '\ufeffreward, phi_2,phi_next_1,"phi_1",phi_next_2\r\n1, 0 ,0,1/2,1\r\n\r\n2,1,"1",-1e-1,1\r\n,4,,3, \r\n\r\n'
    )
    assert read_context(write(tmp_path, mixed, ".csv")) == WANTED


@given(
    st.integers(1, 3).flatmap(
        lambda d: st.lists(
            st.tuples(*[st.lists(st.fractions(), min_size=d, max_size=d)] * 2, st.fractions()), min_size=1, max_size=4
        )
    )
)
def test_a_context_survives_either_file(tmp_path_factory, rows):
    features, next_features, rewards = (list(column) for column in zip(*rows, strict=True))
    context = Context.of(features, next_features, rewards, features[0])
    tmp_path = tmp_path_factory.mktemp("prompts")
    data = {"features": features, "next_features": next_features, "rewards": rewards, "query": features[0]}
    assert read_context(write(tmp_path, json.dumps(data, default=str))) == context
    d = context.d
    header = [f"phi_{k}" for k in range(1, d + 1)] + [f"phi_next_{k}" for k in range(1, d + 1)] + ["reward"]
    lines = [header, *([*f, *g, r] for f, g, r in rows), [*features[0], *[""] * (d + 1)]]
    assert read_context(write(tmp_path, "\n".join(",".join(map(str, line)) for line in lines), ".csv")) == context


def changed(**changes):
    return json.dumps({key: value for key, value in {**GOOD, **changes}.items() if value != "absent"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "the file is a list, wanted an object with the keys features, next_features, rewards, query"),
        ("3", "the file is a number or string, wanted an object"),
        ('{"features": [[1]', "is not JSON: Expecting"),
        ("{} {}", "is not JSON: Extra data at line 1, column 4"),
        ("[" * 200_000, "is nested too deeply"),
        ('{"features":' * 200_000, "is nested too deeply"),
        ('{"rewards": [1], "rewards": [2]}', "key 'rewards' is given twice"),
        ('{"features": [{"a": 1, "a": 2}]}', "key 'a' is given twice"),
        (changed(rewards="absent"), "key rewards is missing"),
        (changed(features="absent"), "key features is missing"),
        (changed(next_features="absent"), "key next_features is missing"),
        (changed(reward=[1]), "key 'reward' is not known: did you mean rewards?"),
        (changed(zzz=[1]), "key 'zzz' is not known: the keys are features, next_features, rewards, query"),
        (changed(**{"\ud800" * 60: 1}), "(60 characters) is not known"),
        (changed(features=3), "features is a number or string, wanted a list of lists of numbers"),
        (changed(features=[1, 2]), "features[0] is a number or string, wanted a list of numbers"),
        (changed(features=["12", "34"]), "features[0] is a number or string, wanted a list of numbers"),
        (changed(features=[[[1], 2], [3, 4]]), "features[0][0] is a list, wanted a number"),
        (changed(next_features=[[{}, 2], [3, 4]]), "next_features[0][0] is an object, wanted a number"),
        (changed(rewards=[1, True]), "rewards[1] is true or false, wanted a number"),
        (changed(rewards=[1, None]), "rewards[1] is null, wanted a number"),
        (changed(query=None), "query is null, wanted a list of numbers"),
        (changed(rewards=[1, float("nan")]), "NaN is no number that can be used"),
        (changed(rewards=[1, float("-inf")]), "-Infinity is no number that can be used"),
        (changed(rewards=[1, "nan"]), "rewards[1] is 'nan', wanted a number"),
        (changed(rewards=[1, "1/0"]), "rewards[1] is '1/0', wanted a denominator other than zero"),
        (
            '{"rewards": [1e40000000], "features": [], "next_features": []}',
            "rewards[0] is '1e40000000', wanted a decimal",
        ),
        (
            changed().replace("3", "3" * 5000),
            "query[0] is '3333333333333333333333333333333333333333'... (5000 characters)",
        ),
        (changed(rewards=[1]), "rewards has 1 entries, wanted one for each of 2 transitions"),
        (changed(next_features=[[1, 2]]), "next_features has 1 vectors"),
        (changed(features=[[1, 2], [3]]), "features[1] has 1 entries, wanted 2"),
        (changed(features=[], next_features=[], rewards=[], query="absent"), "at least one transition"),
        (changed(features=[[1], [2]], query="absent"), "no query is given: the last vector of next features stands"),
        ("", "is empty"),
        (" \n", "is empty"),
        (b"\xff\xfe{}", "byte 0 is not UTF-8"),
    ],
)
def test_json_that_cannot_be_used_is_refused(tmp_path, content, message):
    refused(write(tmp_path, content), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("phi_1,phi_2,phi_next_1,phi_next_2\n1,2,3,4\n", "column reward is missing"),
        ("phi_1,phi_2,phi_next_1,reward\n1,2,3,4\n", "column phi_next_2 is missing"),
        ("phi_1,phi_next_1,phi_next_2,reward\n1,2,3,4\n", "column phi_2 is missing"),
        ("phi_1,phi_3,phi_next_1,phi_next_2,reward\n", "column phi_2 is missing"),
        ("phi_1;phi_next_1;reward\n1;2;3\n", "comma separated: the header is 'phi_1;phi_next_1;reward'"),
        ("1,2,3\n4,5,6\n", "column phi_1 is missing"),
        ("phi_1,phi_next_1,reward,reward\n1,2,3,4\n", "column 'reward' is given twice"),
        ("phi_1,phi_next_1,reward,action\n1,2,3,4\n", "column 'action' is not known: remove it"),
        (HEADER, "at least one transition"),
        (HEADER + "1,2,,,\n", "at least one transition"),
        (HEADER + "1,2,3,4\n", "line 2 has 4 cells, wanted 5 as in the header"),
        (HEADER + "1,2,3,4,5,6\n", "line 2 has 6 cells"),
        (HEADER + "1,2,3,4,5\n1,2,3,,5\n", "line 3, column phi_next_2 is '', wanted a number"),
        (HEADER + "1,2,3,4,5\n,,,,\n", "line 3, column phi_1 is '', wanted a number"),
        (HEADER + "1,2,,,\n1,2,3,4,5\n", "line 3 follows the query"),
        (HEADER + "1,2,3,4,nan\n", "line 2, column reward is 'nan', wanted a number"),
        (HEADER + "1,2,3,4,1e-999\n", "line 2, column reward is '1e-999', wanted a decimal exponent"),
        (HEADER + "1,2,3,4," + "7" * 2000, "(2000 characters), wanted a number of at most 1000 characters"),
        (HEADER + "1,2,3,4," + "7" * 200_000, "is not CSV: line 2: field larger than field limit"),
        (HEADER + '1,2,3,4,"5\n', "is not CSV: line 2: unexpected end of data"),
        (HEADER + "1,2,3,4,5\x00\n", "column reward is '5\\x00', wanted a number"),
        (b"\xe9\n", "byte 0 is not UTF-8"),
        ("", "is empty"),
    ],
)
def test_csv_that_cannot_be_used_is_refused(tmp_path, content, message):
    refused(write(tmp_path, content, ".csv"), message)


def test_a_wide_hostile_header_is_refused_quickly(tmp_path):
    start = time.monotonic()
    refused(write(tmp_path, ",".join(f"phi_{k}" for k in range(1, 100_001)), ".csv"), "column phi_next_1 is missing")
    assert time.monotonic() - start < 5


def test_a_file_that_is_none_is_refused(tmp_path):
    refused(write(tmp_path, "{}", ".txt"), "the suffix is '.txt', wanted .json or .csv")
    refused(tmp_path / "prompt", "the suffix is '', wanted .json or .csv")
    refused(tmp_path / "absent.json", "there is no such file")
    refused(tmp_path / ("x" * 300 + ".json"), "cannot be read: File name too long")
    (tmp_path / "folder.json").mkdir()
    refused(tmp_path / "folder.json", "is a directory, wanted a file")
    # A pipe that nobody writes to would hang.
    os.mkfifo(tmp_path / "pipe.json")
    refused(tmp_path / "pipe.json", "is no regular file")


def test_the_size_limit_is_the_stated_one(tmp_path, monkeypatch):
    assert text_file.MAX_FILE_BYTES == 16 * 2**20
    content = json.dumps(GOOD)
    monkeypatch.setattr(text_file, "MAX_FILE_BYTES", len(content))
    assert read_context(write(tmp_path, content)) == WANTED
    refused(write(tmp_path, content + " "), f"is larger than {len(content)} bytes, the limit")
    # The limit may cut a character in two: the size is what is wrong then.
    refused(write(tmp_path, content[:-1] + "é" * 9), "is larger than")
