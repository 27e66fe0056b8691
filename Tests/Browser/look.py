"""Takes pictures of the shop's pages, on a phone and on a desk, in light and in dark, to look at.

Usage: look.py URL FOLDER [NAME...]
"""

import pathlib
import sys

from chromium import DESK, PHONE, chromium, window
from shopping import fill, put

PAGES = {
    "home": "/",
    "department": "/departments/kitchen",
    "filtered": "/departments/garden?sort=cheap&price=6-&stock=yes",
    "product": "/products/kitchen-22423",
    "search": "/search?q=hart",
    "nothing": "/search?q=zzzzqqq",
    "empty": "/basket",
    "missing": "/nowhere",
    "orders": "/orders",
}


def take(page, folder, name, full=False):
    page.wait_for_load_state("load")
    page.screenshot(path=str(folder / f"{name}.png"), full_page=full)


def look(browser, url, folder, wanted):
    def is_wanted(name):
        return not wanted or name in wanted

    for place, options in [("desk", DESK), ("phone", PHONE)]:
        for scheme in ["light", "dark"]:
            tag = f"{place}-{scheme}"
            with window(browser, url, color_scheme=scheme, **options) as page:
                for seen in ["bags-85099B", "lighting-85123A", "party-47566"]:
                    page.goto(f"/products/{seen}")
                for name, path in PAGES.items():
                    if is_wanted(name):
                        page.goto(path)
                        take(page, folder, f"{name}-{tag}", full=True)
                if is_wanted("suggestions"):
                    page.goto("/")
                    page.locator("#q").press_sequentially("lanten")
                    page.locator("[role=option]").first.wait_for()
                    take(page, folder, f"suggestions-{tag}")
                if any(is_wanted(name) for name in ["basket", "checkout", "mistakes", "order", "history"]):
                    put(page, "kitchen-22423", 2)
                    put(page, "lighting-85123A", 1)
                    page.goto("/basket")
                    take(page, folder, f"basket-{tag}", full=True)
                    page.goto("/checkout")
                    take(page, folder, f"checkout-{tag}", full=True)
                    fill(page, email="ada at example")
                    page.evaluate("document.querySelector('main form').noValidate = true")
                    page.get_by_role("button", name="Place order").click()
                    page.get_by_role("alert").first.wait_for()
                    take(page, folder, f"mistakes-{tag}", full=True)
                    fill(page)
                    page.get_by_role("button", name="Place order").click()
                    page.wait_for_url("**/orders/*")
                    take(page, folder, f"order-{tag}", full=True)
                    page.goto("/orders")
                    take(page, folder, f"history-{tag}", full=True)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    with chromium() as started:
        look(started, sys.argv[1], target, set(sys.argv[3:]))
