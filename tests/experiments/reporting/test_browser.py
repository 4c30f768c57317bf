"""report.html as a browser shows it, opened from disk."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from tests.experiments.reports import made

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.takes_seconds,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; the variable CHROMIUM may name one"),
]

# the least contrast of text with what lies behind it, of all elements that hold text
CONTRAST = """() => {
    const light = (c) => {
        const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const parse = (s) => s.match(/[\\d.]+/g).map(Number);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
        }
        return [255, 255, 255];
    };
    let least = 21;
    for (const e of document.querySelectorAll("body *")) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
        const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
        least = Math.min(least, (a + 0.05) / (b + 0.05));
    }
    return least;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    results = made(folder)
    assert main(["report", str(folder / "study.toml"), "--results", str(results)]) == 0
    return results / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


class Opened:
    """The page in a window, with what the console said and what was asked for."""

    def __init__(self, browser: "playwright.Browser", file: Path, width: int, scheme: str) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def column(self, number: int) -> list[float | None]:
        """The numbers that a column of the table of cells begins with; None where there is none."""
        rows = self.page.locator("table", has=self.page.locator("#study-cells")).locator("tbody tr").all()
        texts = [row.locator("th, td").nth(number).inner_text() for row in rows]
        return [None if text == "-" else float(text.split()[0]) for text in texts]


@pytest.fixture(params=[(380, "light"), (380, "dark"), (1400, "light"), (1400, "dark")], ids=str)
def opened(request: pytest.FixtureRequest, browser: "playwright.Browser", page_file: Path) -> Iterator[Opened]:
    window = Opened(browser, page_file, *request.param)
    yield window
    window.context.close()


@pytest.fixture
def wide(browser: "playwright.Browser", page_file: Path) -> Iterator[Opened]:
    window = Opened(browser, page_file, 1400, "light")
    yield window
    window.context.close()


def test_opens_quietly_asks_for_nothing_fits_and_can_be_read(opened: Opened, page_file: Path) -> None:
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert opened.page.evaluate(CONTRAST) >= 4.5
    images = opened.page.locator("img")
    assert images.count() == 5
    for image in images.all():
        assert image.evaluate("e => e.complete && e.naturalWidth > 0")
        assert len(image.get_attribute("alt") or "") > 40


def test_wide_tables_scroll_in_a_place_that_the_keyboard_reaches(
    browser: "playwright.Browser", page_file: Path
) -> None:
    window = Opened(browser, page_file, 380, "light")
    region = window.page.locator(".scroll").first
    assert region.evaluate("e => e.scrollWidth > e.clientWidth && e.tabIndex === 0")
    region.focus()
    window.page.keyboard.press("ArrowRight")
    for _ in range(50):  # the page's own rules forbid wait_for_function
        if region.evaluate("e => e.scrollLeft"):
            break
        window.page.wait_for_timeout(50)
    assert region.evaluate("e => e.scrollLeft") > 0
    window.context.close()


def test_columns_are_sorted_by_click_and_by_keyboard(wide: Opened) -> None:
    table = wide.page.locator("table", has=wide.page.locator("#study-cells"))
    names = table.locator("thead th").all_inner_texts()
    number = next(place for place, name in enumerate(names) if name.startswith("test error"))
    heading = table.locator("thead th").nth(number)
    button = heading.get_by_role("button")
    before = wide.column(number)
    known = sorted(value for value in before if value is not None)
    nothing = [None] * (len(before) - len(known))
    assert len(set(known)) > 1
    assert nothing
    assert heading.get_attribute("aria-sort") is None
    button.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert wide.column(number) == [*known, *nothing]
    button.focus()
    wide.page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert wide.column(number) == [*known[::-1], *nothing]
    assert wide.page.locator("#said").inner_text() == f"Sorted by {names[number]}, descending"
    wide.page.keyboard.press("Shift+Tab")
    wide.page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") is None
    assert table.locator("thead th").nth(number - 1).get_attribute("aria-sort") == "ascending"


def test_contents_lead_to_every_study(wide: Opened) -> None:
    links = wide.page.locator("nav a")
    for link in links.all():
        assert wide.page.locator(link.get_attribute("href") or "").count() == 1
    headings = wide.page.locator("h1, h2, h3").evaluate_all("all => all.map(e => Number(e.tagName[1]))")
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert headings.count(1) == 1


def test_on_paper_there_is_no_navigation_and_headings_of_tables_remain(wide: Opened) -> None:
    wide.page.emulate_media(media="print")
    assert not wide.page.locator("nav").is_visible()
    name = "getComputedStyle(document.querySelector('thead th'), '::before').content"
    assert wide.page.evaluate(name) == '"report"'
    assert len(wide.page.pdf(prefer_css_page_size=True)) > 10_000


def test_without_scripts_all_is_there(browser: "playwright.Browser", page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("thead th").first.inner_text() == "report"
    assert page.locator("button").count() == 0
    context.close()
