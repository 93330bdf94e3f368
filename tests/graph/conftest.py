"""The browser that the tests of pages share."""

import pytest

from .browser import Browser, NoBrowserError


@pytest.fixture(scope="package")
def browser():
    try:
        found = Browser()
    except NoBrowserError as reason:
        pytest.skip(str(reason))
    with found:
        yield found


@pytest.fixture
def show(browser, tmp_path):
    """Opens the page of a graph; in the end nothing may have gone wrong in it."""
    pages = []

    def opened(graph, **options):
        path = graph.to_html(tmp_path / f"g{len(pages)}.html", **options)
        pages.append(browser.open(path.as_uri()))
        pages[-1].wait_for("document.documentElement.dataset.ready === 'true'")
        return pages[-1]

    yield opened
    for page in pages:
        assert page.errors == []
        assert page.js("document.title") != "taken over"
        assert all(url.startswith(("file:", "data:")) for url in page.requests)
        page.close()
