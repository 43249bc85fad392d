"""README.md and docs: every example runs and ends as its page says, no link is dead, and the README is one page."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from expected import expected
from pages import FENCE, PAGES, ROOT, PageError, anchors, blocks, commands, dead_links, matches, run_page

import layerproof as lp
from layerproof.proofs.cli import build
from layerproof.symbolic.algorithms import catalogue


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


# examples


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "*.jsonl"))
    missing = run_page(text(page), tmp_path)
    if missing:
        assert "CI" not in os.environ, f"CI installs {', '.join(missing)}"
        pytest.skip(f"all ran but those that need {', '.join(missing)}")


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_only_shown_are_commands(page: str) -> None:
    for line in commands(text(page)):
        build().parse_args(shlex.split(line, comments=True)[1:], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES)
def test_a_file_is_named_where_it_is_shown(page: str) -> None:
    shown = FENCE.sub("", text(page))
    for block in blocks(text(page)):
        assert block.action != "file" or f"`{block.name}`" in shown, block.name


def test_pages_that_promise_to_run_are_there() -> None:
    wanted = ("README.md", *(f"docs/{name}.md" for name in ("construction", "ci", "export", "sweeps", "python")))
    for page in wanted:
        assert any(block.action in ("run", "compare") for block in blocks(text(page))), page


BROKEN = {
    "python": "```python\nassert 1 == 2\n```\n",
    "an import that is not there": "```python\nfrom layerproof import prove_everything\n```\n",
    "an exit code": "<!-- run: 1 -->\n```sh\ntrue\n```\n",
    "an exit code inside": "<!-- run: 0 -->\n```sh\nfalse\ntrue\n```\n",
    "an exit code before a pipe": "<!-- run: 0 -->\n```sh\nfalse | cat\n```\n",
    "a command's exit code": "<!-- run: 1 -->\n```sh\nlayerproof list\n```\n",
    "a command that is refused": "<!-- run: 0 -->\n```sh\nlayerproof verify td7\n```\n",
    "an output": "```console\n$ echo 1\n2\n```\n",
    "an output's exit code": "```console\n$ echo 1; exit 3\n1\n```\n",
    "a file that is written elsewhere": "<!-- run: 0 -->\n```sh\ntest -f mine.py\n```\n",
    "shell without a comment": "```sh\ntrue\n```\n",
    "a comment with a typing error": "<!-- runs: 0 -->\n```sh\ntrue\n```\n",
    "output without a command": "```console\n1\n```\n",
}


@pytest.mark.parametrize("planted", BROKEN)
def test_a_broken_example_is_seen(planted: str, tmp_path: Path) -> None:
    with pytest.raises(PageError):
        run_page(f"# Page\n\nWords.\n\n{BROKEN[planted]}", tmp_path)


def test_good_examples_are_run(tmp_path: Path) -> None:
    page = (
        "<!-- file: a/mine.py -->\n```python\nX = 1\n```\n\n<!-- run: 3 -->\n```sh\ntest -f a/mine.py && exit 3\n```\n"
        "```console\n$ echo 1; echo 2; echo 3\n1\n...\n$ echo 4\n4\n```\n```python\nopen('seen', 'w').close()\n```\n"
        "<!-- run: 0, needs no_such_module -->\n```sh\nfalse\n```\n<!-- not run: far away -->\n```sh\nfalse\n```\n"
    )
    assert run_page(page, tmp_path) == ("no_such_module",)
    assert (tmp_path / "seen").exists() and "X" in (tmp_path / "a" / "mine.py").read_text()


def test_an_output_is_compared_line_by_line() -> None:
    assert matches("a\n...\nd\n", "\n a\n".replace(" a", "a") + "b  \nc\nd\n\n")
    assert not matches("a\n...\nd\n", "a\nb\nc\nd e\n") and not matches("a\n", "a\nb\n") and not matches("a.\n", "ab\n")


@pytest.mark.parametrize("line", ["layerproof verify td0 --sed 3", "layerproof proof td0", "layerproof derive"])
def test_a_command_that_is_none_is_seen(line: str) -> None:
    (command,) = commands(f"<!-- not run: slow -->\n```sh\n{line}  # why\n```\n")
    with pytest.raises(Exception, match=r"(?i)unknown|unable|invalid|requires"):
        build().parse_args(shlex.split(command, comments=True)[1:], exit_on_error=False, print_error=False)


# links


@pytest.mark.parametrize("page", PAGES)
def test_no_link_is_dead(page: str) -> None:
    assert dead_links(ROOT / page) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One *more*: title, `x`!\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md) [b](other.md#one-more-title-x) [c](#here) [d](https://example.org/x)\n"
        "[e](other.md#twice-1) "
        "`[code](no.md)`\n```text\n[code](no.md)\n```\n"
        "[f](no.md) ![g](no.png) [h](other.md#two) [i](#there) [j](../page.md) [k](other.md#twice-2)\n"
    )
    assert dead_links(page) == ["no.md", "no.png", "other.md#two", "#there", "../page.md", "other.md#twice-2"]
    assert anchors(page.read_text()) == {"here"}


# what a newcomer reads first


def test_the_readme_is_one_page() -> None:
    assert len(text("README.md").splitlines()) - len(catalogue()) <= 147  # each algorithm has its row in a table there


def test_every_page_is_in_the_index_and_in_the_contents_of_the_site() -> None:
    index = text("docs/index.md")
    _, _, contents = index.partition("```{toctree}")
    for page in PAGES[1:]:
        name = page.removeprefix("docs/").removesuffix(".md")
        if name != "index":
            assert f"]({name}.md)" in index and re.search(rf" <{name}>$", contents, re.M), name


def test_the_site_describes_every_name_of_the_facade() -> None:
    described = re.findall(r"^\.\. (?:auto\w+|py:data):: layerproof\.(\w+)$", text("docs/api.rst"), flags=re.M)
    assert sorted(described) == lp.__all__


def test_the_tests_page_names_every_folder_and_every_shared_file() -> None:
    folder = ROOT / "tests"
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", text("tests/README.md")))
    files = {p.name for p in folder.glob("*.py")} - {"conftest.py"}
    folders = {f"{p.parent.name}/" for p in folder.glob("*/test_*.py")}
    assert files | folders <= named
    assert [name for name in named if not ((folder / name).exists() or (folder / "algorithms" / name).exists())] == []


def test_the_readmes_table_is_the_catalogue() -> None:
    """python scripts/catalogue_table.py writes it."""
    made = runpy.run_path(str(ROOT / "scripts" / "catalogue_table.py"))
    assert made["written"](text("README.md")) == text("README.md")
    shown = made["table"](), made["evidence_table"]()
    assert made["written"](text("docs/catalogue.md"), shown[1]) == text("docs/catalogue.md")
    for name in catalogue():
        assert all(f"| `{name}` | {expected(name).heads} |" in row for row in shown)
