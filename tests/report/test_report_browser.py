"""Report pages in a real browser: headless Chromium through Playwright. Skipped without one, failing then in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples

from layerproof.proofs.formula.build import row
from layerproof.proofs.report.model import Matrix, Report, Section, Steps
from layerproof.proofs.report.writing import write

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (1280, 768, 390)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser of the system."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None or find_spec("playwright") is None:
        missing = "no Chromium" if program is None else "no playwright"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{missing} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's pages."""
    place = tmp_path_factory.mktemp("report") / "sample"
    write(samples.report(), place, ["html"])
    return place


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., tuple[Any, list[str]]]]:
    """Open a file: the page, and all that went wrong on it, which goes on being filled."""
    contexts = []

    def open_file(path: Path, width: int = 1280, hash_: str = "", **options: Any) -> tuple[Any, list[str]]:
        context = chromium.new_context(viewport={"width": width, "height": 844}, **options)
        contexts.append(context)
        page, troubles = context.new_page(), list[str]()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        address = path.as_uri()
        page.on("request", lambda r: r.url.partition("#")[0] != address and troubles.append(f"request: {r.url}"))
        page.goto(address + hash_)
        return page, troubles

    yield open_file
    for context in contexts:
        context.close()


def overflow(page: Any) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("name", ["index", "td0", "broken-td", "open"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_and_are_quiet(name: str, width: int, opened: Any, folder: Path) -> None:
    page, troubles = opened(folder / f"{name}.html", width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert overflow(page) == 0
    assert troubles == []


def test_a_matrix_wider_than_the_phone_scrolls_by_itself(opened: Any, tmp_path: Path) -> None:
    names = tuple(f"row {k}" for k in range(12))
    wide = Matrix(row("Z"), names, names, ((row("1"),) * 12,) * 12)
    step = Section("step", "A step", (Steps((("One", (wide,)),)),))
    write(Report("t", (), (replace(samples.page(), lead=(), sections=(step,)),)), tmp_path / "wide", ["html"])
    page, _ = opened(tmp_path / "wide" / "td0.html", 390)
    assert overflow(page) == 0


def test_overflow_and_noise_would_be_seen(opened: Any, folder: Path) -> None:
    page, troubles = opened(folder / "td0.html", 390)
    page.evaluate("document.querySelectorAll('.display')[1].style.overflow = 'visible'")
    page.evaluate("document.querySelector('main').append(Object.assign(document.createElement('p'), "
                  "{innerHTML: '<img src=\"https://example.invalid/x.png\">'}))")  # fmt: skip
    page.evaluate("console.error('planted')")
    page.wait_for_timeout(50)
    assert overflow(page) > 0
    assert any("planted" in trouble for trouble in troubles) and any(
        "Content Security Policy" in trouble for trouble in troubles
    )


@pytest.mark.parametrize("place", range(len(samples.NASTY)))
def test_hostile_pages_do_nothing(place: int, opened: Any, folder: Path) -> None:
    target = folder.parent / "hostile"
    if not target.exists():
        write(samples.hostile_report(), target, ["html"])
    page, troubles = opened(target / f"nasty-{place}.html", 390)
    page.mouse.move(100, 400)
    assert troubles == [] and page.title() != "owned"
    assert overflow(page) == 0


def test_mathematics_is_mathml_and_drawn(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html")
    sizes = page.evaluate(
        "[...document.querySelectorAll('math')].filter(m => m.checkVisibility())"
        ".map(m => [m.namespaceURI, m.getBoundingClientRect().width, m.getBoundingClientRect().height])"
    )
    assert len(sizes) > 60
    assert all(space.endswith("MathML") and width > 2 and height > 4 for space, width, height in sizes)
    text = page.evaluate("[...document.querySelectorAll('.display')].map(m => m.textContent).join(' ')")
    assert "\\" not in text and "′" in text


NUMBERS = """[...document.querySelectorAll('#example .step table.blocks')].map(table =>
  [...table.querySelectorAll('tbody tr')].map(row => [...row.querySelectorAll('td')].map(cell => {
    const read = node => node.localName === 'mfrac' ? read(node.children[0]) + '/' + read(node.children[1])
      : node.children.length ? [...node.children].map(read).join('') : node.textContent;
    const math = cell.querySelector('math');
    return [read(math), math.dataset.exact];
  })))"""


def test_numbers_on_the_page_are_the_exact_ones(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html")
    steps = samples.page().sections[2].blocks[0].items  # type: ignore[union-attr]
    wanted = [
        [[Fraction(entry.text) for entry in row] for row in blocks[1].entries]  # type: ignore[union-attr]
        for _, blocks in steps
    ]
    numbers = page.evaluate(NUMBERS)
    assert [[[Fraction(exact) for _, exact in row] for row in table] for table in numbers] == wanted
    shown = [[[Fraction(drawn.replace("−", "-")) for drawn, _ in row] for row in table] for table in numbers]
    assert shown == wanted
    page.evaluate("document.querySelector('#example .step tbody mn').textContent = '12345'")
    assert page.evaluate(NUMBERS)[0][0][0][0] != numbers[0][0][0][0]  # a wrong number on the page would be read


def visible_steps(page: Any) -> list[bool]:
    return list(
        page.evaluate("[...document.querySelectorAll('.steps:not(.together) > .step')].map(s => s.checkVisibility())")
    )


def test_steps_one_by_one_with_buttons_and_keys(opened: Any, folder: Path) -> None:
    page, troubles = opened(folder / "td0.html")
    assert visible_steps(page) == [True, False, False]
    assert page.get_by_role("button", name="Previous").is_disabled()
    page.get_by_role("button", name="Next").click()
    assert visible_steps(page) == [False, True, False]
    page.locator(".steps").first.focus()
    page.keyboard.press("ArrowRight")
    assert visible_steps(page) == [False, False, True]
    page.get_by_role("button", name="Previous").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Next").first.focus()
    page.keyboard.press("Enter")  # the last step: Next is switched off, and the keyboard's place is not lost
    assert page.evaluate("document.activeElement.textContent") == "Previous"
    assert page.get_by_role("button", name="Next").is_disabled()
    page.keyboard.press("ArrowLeft")
    assert "step 2 of 3" in page.locator(".stepper").inner_text()
    page.get_by_role("button", name="Show all").click()
    assert visible_steps(page) == [True] * 3
    assert troubles == []


def test_steps_that_belong_together_are_all_there(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html")
    assert page.locator(".steps.together .step >> visible=true").count() == 2
    assert page.locator(".steps.together .stepper").count() == 0


def test_without_scripts_everything_is_there(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html", java_script_enabled=False)
    assert page.locator(".stepper").count() == 0
    assert all(page.locator(".step").nth(k).is_visible() for k in range(3))
    page.locator("summary", has_text="Every number").click()
    assert page.locator("#numbers table").is_visible()


def test_a_link_opens_the_fold_that_it_leads_to(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html", hash_="#numbers")
    assert page.locator("#numbers table").is_visible()
    page, _ = opened(folder / "td0.html")
    assert not page.locator("#numbers table").is_visible()
    page.get_by_role("link", name="the numbers").click()
    page.wait_for_function("document.querySelector('#numbers').open")


@pytest.mark.parametrize("width", [1280, 390])
def test_refuted_shouts_on_the_first_screen(width: int, opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "broken-td.html", width)
    for selector in (".shout.refuted", ".note.refuted .title"):
        box = page.locator(selector).first.bounding_box()
        assert box and box["y"] + box["height"] < 844, selector
    assert "REFUTED" in page.locator("header").inner_text()
    page, _ = opened(folder / "td0.html", width)
    assert page.locator(".shout").count() == 0


def test_open_verdicts_do_not_look_like_success(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "open.html")
    colour = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color].join()"
    looks = {kind: page.locator(f".badge.{kind}").first.evaluate(colour)
             for kind in ("holds", "refuted", "undecided", "not-run")}  # fmt: skip
    assert len(set(looks.values())) == 4
    assert page.locator("header .badge.holds").count() == 0


def test_a_group_lights_up_its_blocks_and_labels(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html")
    first, second = (page.locator(f"td[data-group='{k}']").first for k in (0, 1))
    opacity = "e => getComputedStyle(e).opacity"
    assert first.evaluate(opacity) == second.evaluate(opacity) == "1"
    for reach in (first.hover, page.locator(".legend li").first.focus):
        page.mouse.move(0, 0)
        reach()
        assert first.evaluate(opacity) == "1" and second.evaluate(opacity) == "0.25"
        label = page.locator(".matrix th[data-groups~='0']").first
        other = page.locator(".matrix thead th:not([data-groups])").first
        background = "e => getComputedStyle(e).backgroundColor"
        assert label.evaluate(background) != other.evaluate(background)


def test_dark_mode_is_dark_and_print_is_light(opened: Any, folder: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, _ = opened(folder / "td0.html")
    dark, _ = opened(folder / "td0.html", color_scheme="dark")
    assert light.evaluate(background) == "rgb(255, 255, 255)" != dark.evaluate(background)
    dark.emulate_media(media="print")
    assert dark.evaluate(background) == "rgb(255, 255, 255)"
    assert visible_steps(dark) == [True] * 3


def test_print_holds_what_is_folded(opened: Any, folder: Path, tmp_path: Path) -> None:
    reader = shutil.which("pdftotext")
    if reader is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pdftotext is not installed")
    page, _ = opened(folder / "td0.html")
    (tmp_path / "page.pdf").write_bytes(page.pdf(format="A4"))
    done = subprocess.run([reader, "page.pdf", "-"], cwd=tmp_path, check=True, capture_output=True)
    printed = done.stdout.decode()
    for title in ("1. Layer 1", "2. Layer 2", "3. Layer 3", "Every number"):
        assert title in printed
    assert printed.count("claim undecided") == 2  # the table of the lead, and the same inside the fold


def test_landmarks_names_and_keyboard(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "td0.html")
    for role in ("main", "banner", "navigation"):
        assert page.get_by_role(role).count() == 1
    assert page.locator("h1").count() == 1 and page.locator("html").get_attribute("lang") == "en"
    unnamed = "[...document.querySelectorAll('[role=img], [role=region], nav')].filter(e => !e.ariaLabel).length"
    assert page.evaluate(unnamed) == 0
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.localName[1])")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(identifiers) == len(set(identifiers))


def test_links_of_the_index_lead_to_the_pages(opened: Any, folder: Path) -> None:
    page, _ = opened(folder / "index.html")
    for link in page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"):
        name, _, target = link.partition("#")
        assert not name or (folder / name).is_file()
        if name and target:
            assert f'id="{target}"' in (folder / name).read_text()


def test_a_report_without_pages_is_a_page(opened: Any, tmp_path: Path) -> None:
    write(Report("Nothing", (), ()), tmp_path / "empty", ["html"])
    page, troubles = opened(tmp_path / "empty" / "index.html", 390)
    assert page.locator("h1").inner_text() == "Nothing" and troubles == [] and page.locator(".badge").count() == 0
