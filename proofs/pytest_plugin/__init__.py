"""The pytest plugin: assert in a test run that algorithms and constructions hold.

`@pytest.mark.layerproof("td0", d=3, n=100, layers=40)` runs `layerproof.verify` before the test's body; the fixture
`layerproof` does the same, and more, inside it. What is refuted fails the test. What is undecided or could not be run
is listed at the end, and fails the test with `--layerproof-strict`; so do then a test that asked for a check and made
none, and a run that established nothing. pytest loads this file in every run of every project: nothing heavy is
imported before the first check.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from .checks import Checks, failure
from .session import REPORTED, Session

MARK = "layerproof"
CHECKS = pytest.StashKey[Checks]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("layerproof", "layerproof: claims about linear-attention layers")
    group.addoption(
        "--layerproof-strict",
        action="store_true",
        dest="layerproof_strict",
        help="fail on claims that are undecided or could not be run, on tests with the mark or the fixture that check "
        "nothing, and on a run that establishes no claim",
    )
    group.addoption(
        "--layerproof-json",
        metavar="PATH",
        dest="layerproof_json",
        help="write every claim of every test to this file",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARK}(*algorithms, **settings): before the test's body run layerproof.verify with these arguments; "
        "a refuted claim fails the test",
    )
    if not hasattr(config, "workerinput"):  # a worker of xdist reports to its controller, which gathers
        config.pluginmanager.register(Session(config), "layerproof-session")


@pytest.fixture(name="layerproof")
def _layerproof(request: pytest.FixtureRequest) -> Checks:
    """Check claims inside a test: `verify`, `assert_implements` and `invariance`; a refuted one fails the test."""
    checks: Checks = request.node.stash[CHECKS]
    checks.used = True
    return checks


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    strict = bool(item.config.getoption("layerproof_strict"))
    checks = Checks(item.nodeid, item.path.parent, strict, item.user_properties)
    checks.used = item.get_closest_marker(MARK) is not None
    item.stash[CHECKS] = checks


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Marks run in the call, not in the setup: a refuted claim is then a failure, no error, and xfail knows it."""
    __tracebackhide__ = _went_wrong
    checks = item.stash[CHECKS]
    wrong = []
    for mark in _marks(item):
        wrong += _run(item, mark, checks)
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)
    result = yield
    if checks.used and not checks.asked and item.config.getoption("layerproof_strict"):
        pytest.fail(
            f"{item.nodeid} asks for the fixture layerproof and checks nothing with it: call layerproof.verify, "
            "assert_implements or invariance (this fails because of --layerproof-strict)",
            pytrace=False,
        )
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    checks = item.stash.get(CHECKS, None)
    if checks is None or not checks.used:
        return report
    if checks.outcome != "failed" and (report.outcome != "passed" or hasattr(report, "wasxfail")):
        expected = {"skipped": "xfailed", "passed": "xpassed"} if hasattr(report, "wasxfail") else {}
        checks.outcome = expected.get(report.outcome, report.outcome)
    if call.when == "teardown":
        from ...symbolic.strict_json import dumps

        setattr(report, REPORTED, dumps(checks.document()))
    return report


def _went_wrong(error: pytest.ExceptionInfo[BaseException]) -> bool:
    """Hide a frame of ours above an error of other code; of a failure of ours pytest shows the words alone anyway."""
    return not error.errisinstance(pytest.fail.Exception)


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    """The marks as they are read: the module's, the class's, then the function's from top to bottom."""
    return list(item.iter_markers(MARK))[::-1]


def _run(item: pytest.Item, mark: pytest.Mark, checks: Checks) -> list[str]:
    """Run one mark: in words, what is wrong with its arguments, or refuted (or open, when strict); empty if nothing."""
    __tracebackhide__ = True
    from ...symbolic.errors import LayerproofError

    where = f"{item.nodeid}: {_written(mark)}"
    if not mark.args:
        return [f'{where}: no algorithm is named, wanted one or more, such as @pytest.mark.{MARK}("td0", d=3, n=100)']
    try:
        result = checks.verified(*mark.args, **mark.kwargs)
    except LayerproofError as error:
        return [f"{where}: {error}"]
    except Exception as error:  # an argument of a wrong type, or code of the user's: the traceback is what tells
        error.add_note(f"in {where}")
        raise
    text = failure(result, bool(item.config.getoption("layerproof_strict")))
    return [] if text is None else [f"{where}\n{text}"]


def _written(mark: pytest.Mark) -> str:
    """The mark as it stands in the test, long arguments cut."""

    def short(value: Any) -> str:
        text = repr(value) if isinstance(value, str) or not hasattr(value, "name") else str(value.name)
        return text if len(text) <= 60 else f"{text[:60]}..."

    arguments = [*map(short, mark.args), *(f"{name}={short(value)}" for name, value in mark.kwargs.items())]
    return f"@pytest.mark.{MARK}({', '.join(arguments)})"
