"""Starts Debian's Chromium under Playwright, and gives the windows that tests look through."""

import contextlib
import time
import traceback

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]
DESK = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
# What one wait may take on a loaded machine, in milliseconds.
WAIT = 30_000


@contextlib.contextmanager
def chromium():
    """A browser; an error, never a skip, where it cannot start."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(browser, url, **options):
    """A page of a visitor of their own; anything the page's script throws is an error."""
    context = browser.new_context(base_url=url, locale="en-GB", reduced_motion="reduce", **options)
    context.set_default_timeout(WAIT)
    page = context.new_page()
    thrown = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    try:
        yield page
        if thrown:
            raise AssertionError(f"the page's script failed: {thrown[0]}")
    finally:
        context.close()


def first_paints(browser, url, loads):
    """When the first content of a page was painted, in milliseconds from the start of its load: once for each of so many visitors."""
    paints = []
    for _ in range(loads):
        with window(browser, None, **DESK) as page:
            page.goto(url)
            page.locator("main h1").first.wait_for()
            paints.append(page.evaluate(
                """() => new Promise((done) => {
                    const tell = (list) => {
                        const paint = list.getEntries().find((entry) => entry.name === 'first-contentful-paint');
                        if (paint) done(paint.startTime);
                    };
                    new PerformanceObserver(tell).observe({ type: 'paint', buffered: true });
                })"""
            ))
    return paints


def run(cases, target):
    """Runs tests, each a name and what is called with a browser and the target; prints a line each.

    Returns the exit code: 1 where one failed or none ran."""
    failed = 0
    with chromium() as browser:
        for name, case in cases:
            began = time.monotonic()
            try:
                case(browser, target)
                print(f"ok   {name} {time.monotonic() - began:.1f} s", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed", flush=True)
    return 0 if cases and not failed else 1
