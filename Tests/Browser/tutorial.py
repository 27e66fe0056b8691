"""Walks the tutorial (Documentation/tutorial.md) on a running system, as a newcomer would by hand, and takes its pictures.

Usage: tutorial.py URL [FOLDER]

URL is the dashboard's address that `up` prints, with its token; Bazaar was just started. FOLDER is where the pictures go,
Documentation/pictures unless said. Prints when each step was reached and what was measured; the clock begins with the script.
It buys, looks for the limit, and kills a replica of orders while orders come: not for a shop that somebody needs.
"""

import json
import pathlib
import statistics
import sys
import time

from chromium import DESK, chromium, first_paints, window
from shopping import fill, put

PICTURES = pathlib.Path(__file__).resolve().parents[2] / "Documentation" / "pictures"
HEIGHT_MAX = 900
# How long the search for the limit, and a run with its audit, may take at most (milliseconds).
SEARCH_MAX, RUN_MAX = 900_000, 240_000
ORDERS_RATE, ORDERS_SECONDS, KILL_AFTER = 20, 40, 15


class Walk:
    """A walk through the tutorial: what was reached when, and what was measured on the way."""

    def __init__(self, url, folder):
        self.url, self.folder, self.began = url, folder, time.monotonic()
        self.base = url.split("/?")[0]

    def reached(self, what):
        seconds = int(time.monotonic() - self.began)
        print(f"{seconds // 60}:{seconds % 60:02d}  {what}", flush=True)

    def figure(self, name, value):
        print(f"      {name}: {value}", flush=True)

    def take(self, page, name, top=None, height=HEIGHT_MAX):
        """A picture of the window's upper part, or of what begins at `top`."""
        path = str(self.folder / f"{name}.png")
        width = DESK["viewport"]["width"]
        if top is None:
            return page.screenshot(path=path, clip={"x": 0, "y": 0, "width": width, "height": height})
        box = top.bounding_box()
        scrolled = page.evaluate("window.scrollY")
        clip = {"x": 0, "y": max(0, box["y"] + scrolled - 16), "width": width, "height": min(height, box["height"] + 32)}
        page.screenshot(path=path, full_page=True, clip=clip)

    def ask(self, page, path):
        return page.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)


def buy(walk, browser, shop):
    """The shop is looked at, and something is bought in it."""
    with window(browser, shop, color_scheme="light", **DESK) as page:
        page.goto("/")
        walk.reached("the shop")
        put(page, "kitchen-22423", 1)
        put(page, "lighting-85123A", 6)
        page.goto("/products/kitchen-22423")
        walk.take(page, "shop")
        page.goto("/checkout")
        fill(page)
        page.get_by_role("button", name="Place order").click()
        page.wait_for_url("**/orders/*")
        walk.take(page, "tutorial-order")
        walk.reached("an order")


def trace(walk, page):
    """The request that placed the order, from the edge to the shards."""
    page.goto(walk.base + "/traces")
    page.get_by_label("Search requests").fill("POST /checkout")
    row = page.get_by_role("link", name="POST /checkout").first
    row.wait_for()
    row.click()
    page.locator("table.waterfall").wait_for()
    walk.reached("a trace")
    spans = page.locator("table.waterfall tbody tr")
    walk.figure("spans", spans.count())
    walk.figure("it took", page.locator("main p").first.inner_text().split(" · ")[2])
    # Nothing is pointed at in the picture.
    page.mouse.move(1270, 110)
    walk.take(page, "tutorial-trace", height=800)


def start(page, base, scenario, reason, **fields):
    """Starts a run on the page of loads."""
    page.goto(base + "/loads")
    page.locator("select[name=scenario]").select_option(scenario)
    if "limit" in fields:
        page.get_by_label("find the limit").check()
    for name, value in fields.items():
        page.locator(f"input[name={name}]").fill(str(value))
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("dialog").get_by_role("button", name="Start the load").click()
    page.get_by_label("The run").get_by_text("is under way").wait_for()


def result(walk, page, scenario, limit):
    """Waits for the run's end, and shows its result; gives the report."""
    page.get_by_label("The run").get_by_text(f"{scenario} is done").wait_for(timeout=limit)
    page.get_by_role("link", name="Its result").click()
    page.get_by_role("link", name="The whole report").wait_for()
    return walk.ask(page, "/api/loads/" + page.url.split("run=")[1])


def knee(walk, page):
    """The limit is looked for; on the way the picture shows what is busy."""
    start(page, walk.base, "shopping", "where is the limit?", limit="p99=50ms")
    walk.reached("the search for the limit begins")
    page.locator("[aria-label='The run'] tbody tr").nth(2).wait_for(timeout=SEARCH_MAX)
    page.goto(walk.base + "/")
    page.locator(".picture .node").first.wait_for()
    # A window of the figures that the picture averages.
    page.wait_for_timeout(5000)
    walk.take(page, "dashboard")
    page.goto(walk.base + "/loads")
    report = result(walk, page, "shopping", SEARCH_MAX)
    walk.reached("the knee")
    found = report["limit"]
    for name in ["knee", "safe", "confidence", "reason"]:
        walk.figure(name, found.get(name))
    walk.figure("first limit", (found.get("bottleneck") or {}).get("description"))
    walk.figure("requests a second in the best step", round(report["all"]["rate"]))
    walk.take(page, "tutorial-knee", page.locator("section").filter(has=page.get_by_role("link", name="The whole report")))


def kill(walk, page, parts):
    """A replica of orders is killed while orders come, and no order is lost."""
    start(page, walk.base, "orders", "does an order get lost?", rate=ORDERS_RATE, duration=f"{ORDERS_SECONDS}s")
    walk.reached("orders come")
    page.wait_for_timeout(KILL_AFTER * 1000)
    parts.goto(walk.base + "/parts")
    parts.get_by_role("button", name="kill orders/0").click()
    parts.get_by_label("Reason").fill("to see whether an order gets lost")
    walk.take(parts, "tutorial-kill", height=640)
    parts.get_by_role("dialog").get_by_role("button", name="kill orders/0").click()
    row = parts.get_by_role("row").filter(has=parts.get_by_role("link", name="orders/0"))
    row.filter(has=parts.get_by_role("cell", name="1", exact=True)).filter(has_text="ready").wait_for()
    walk.reached("orders/0 was killed, and is back")
    lines = walk.ask(parts, "/api/logs?part=supervisor&most=20")["lines"]
    for line in reversed(lines):
        if "orders/0" in line["message"]:
            walk.figure("the log", line["message"])
    report = result(walk, page, "orders", RUN_MAX)
    walk.reached("the books were checked")
    for finding in report["findings"]:
        walk.figure(finding["what"], finding["detail"])
    for name in ["requests", "errors"]:
        walk.figure(name, report["all"][name])
    for name in ["p50", "p99", "max"]:
        walk.figure(f"{name} (ms)", round(report["all"]["latency"][name] * 1000, 1))
    walk.take(page, "tutorial-kept", page.locator("section").filter(has=page.get_by_role("link", name="The whole report")))
    if not all(finding["holds"] for finding in report["findings"]):
        raise AssertionError("the books do not hold: " + json.dumps(report["findings"]))


def go(browser, url, folder):
    walk = Walk(url, folder)
    with window(browser, None, color_scheme="light", **DESK) as page:
        page.goto(url)
        page.locator("main h1").first.wait_for()
        walk.reached("the dashboard")
        facts = walk.ask(page, "/api/facts")["facts"]
        paints = first_paints(browser, walk.base + "/", 7)
        walk.figure("first paint (ms), median of 7", f"{statistics.median(paints):.0f}, from {min(paints):.0f} to {max(paints):.0f}")
        buy(walk, browser, facts["url"])
        trace(walk, page)
        knee(walk, page)
        parts = page.context.new_page()
        kill(walk, page, parts)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURES
    target.mkdir(parents=True, exist_ok=True)
    with chromium() as started:
        go(started, sys.argv[1], target)
