"""scripts/fuzz.py and fuzz_readers.py: hundreds of hostile inputs end as they may, and what should not be is seen."""

import sys
from pathlib import Path

import pytest

from layerproof.symbolic.errors import ContentError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import fuzz
import fuzz_readers


@pytest.mark.slow
def test_hundreds_of_hostile_inputs_end_as_commands_may_end() -> None:
    codes, findings = fuzz.fuzz(seed=16, numbers=range(200), processes=False)
    assert [(item.number, wrong, item.arguments, item.damaged, printed) for item, wrong, printed in findings] == []
    assert sum(codes.values()) == 200 and {0, 2, 4} <= codes.keys()


@pytest.mark.slow
def test_hundreds_of_damaged_files_are_read_or_refused() -> None:
    findings: list[tuple[int, str, str]] = []
    ends = fuzz_readers.fuzz(16, range(400), lambda *wrong: findings.append(wrong))
    assert findings == [] and ends.total() == 400
    assert {end.split(": ")[0] for end in ends} == fuzz_readers.READERS.keys()


# seen to fail


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (KeyError("gone"), "KeyError: 'gone'"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (ContentError("chain.json: lacks reward"), ""),
    ],
)
def test_what_is_wrong_with_a_reader_is_seen(error: BaseException, wrong: str) -> None:
    def reader(_: Path) -> None:
        raise error

    assert fuzz_readers.finding(reader, Path("chain.json"))[1] == wrong


def test_a_slow_reader_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_readers, "SECONDS", -1.0)
    assert fuzz_readers.finding(lambda path: None, Path("chain.json")) == ("read", "over -1 s")


@pytest.mark.parametrize(
    ("code", "out", "err", "wrong"),
    [
        (5, "", "layerproof: internal error\n", "exit code 5"),
        (1, "", "Traceback (most recent call last)\n", "a traceback"),
        (0, "\x1b[31mred\n", "", "control characters ['0x1b']"),
        (2, "", "", "no message"),
        (4, "", "layerproof: one\ntwo\n", "a message of more than one line, or a long one"),
        (4, "", f"layerproof: {'a' * 1000}\n", "a message of more than one line, or a long one"),
        (4, "", "layerproof: gone.json: there is no such file\n", ""),
    ],
)
def test_what_is_wrong_is_seen(monkeypatch: pytest.MonkeyPatch, code: int, out: str, err: str, wrong: str) -> None:
    def command(_: list[str]) -> int:
        print(out, end="")
        print(err, end="", file=sys.stderr)
        return code

    monkeypatch.setattr(fuzz, "run", command)
    assert fuzz.finding(["verify"])[:2] == (code, wrong)


def test_an_error_that_leaves_the_command_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(_: list[str]) -> int:
        raise RuntimeError("loose")

    monkeypatch.setattr(fuzz, "run", command)
    assert fuzz.finding(["verify"])[1] == "RuntimeError left the command"


def test_one_input_is_the_same_on_its_own(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        (tmp_path / "prompt.json").write_text('{"features": [[1]]}')
        item = fuzz.one(3, 5, tmp_path, {name: [("--seed", False)] for name in fuzz.LINES})
        made.append((item, (tmp_path / "prompt.json").read_bytes()))
    assert made[0] == made[1]
