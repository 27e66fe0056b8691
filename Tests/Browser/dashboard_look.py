"""Takes pictures of the dashboard's pages, on a phone and on a desk, in light and in dark, to look at.

Usage: dashboard_look.py URL FOLDER [NAME...]

URL is the address that `up` prints, with its token.
"""

import pathlib
import sys

from chromium import DESK, PHONE, chromium, window


def pages(page):
    """The pages by name, with what there is on them."""
    facts = page.evaluate("fetch('/api/facts').then((answer) => answer.json())")["facts"]
    parts = page.evaluate("fetch('/api/parts').then((answer) => answer.json())")["parts"]
    traces = page.evaluate("fetch('/api/traces?most=50').then((answer) => answer.json())")["traces"]
    loads = page.evaluate("fetch('/api/loads').then((answer) => answer.json())")["loads"]
    found = {"picture": "/", "parts": "/parts", "traces": "/traces", "logs": "/logs", "explore": "/explore", "loads": "/loads",
             "configuration": "/configuration"}
    for kind in ["web", "service"]:
        name = next((part["name"] for part in parts if part["kind"] == kind), None)
        if name:
            found[kind] = f"/parts/{name}"
            found[f"picture-{kind}"] = f"/?part={name}"
    for kind in ["cache", "store"]:
        name = next((block["name"] for block in facts["blocks"] if block["kind"] == kind), None)
        if name:
            found[kind] = f"/blocks/{kind}/{name}"
    if traces:
        found["trace"] = "/traces/" + max(traces, key=lambda trace: trace["spans"])["trace"]
    if loads:
        found["run"] = "/loads?run=" + loads[0]["name"]
    if len(loads) > 1:
        found["compared"] = f"/loads?run={loads[1]['name']}&run={loads[0]['name']}"
    return found


def look(browser, url, folder, wanted):
    for place, options in [("desk", DESK), ("phone", PHONE)]:
        for scheme in ["light", "dark"]:
            with window(browser, None, color_scheme=scheme, **options) as page:
                page.goto(url)
                base = page.evaluate("location.origin")
                for name, path in pages(page).items():
                    if wanted and name not in wanted:
                        continue
                    page.goto(base + path)
                    page.locator("main h1").first.wait_for()
                    # A second round of figures.
                    page.wait_for_timeout(2500)
                    page.screenshot(path=str(folder / f"{name}-{place}-{scheme}.png"), full_page=name not in ["logs", "traces"])


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    with chromium() as started:
        look(started, sys.argv[1], target, set(sys.argv[3:]))
