"""Buys in the shop as people do, in headless Chromium: on a phone and on a desk, by keyboard alone, without scripts, with a
slow and with a failing network, twice with one key; and looks whether everybody can use its pages.

Usage: shop_test.py URL [--leave FILE] [--find FILE] [NAME...]

--leave fills a basket at the end and keeps the visitor's cookies in FILE, --find looks for that basket first: between the
two the shop may be started anew. Prints a line a test, and ends with 1 where one failed or none ran.
"""

import argparse
import functools
import sys

from axe import small_targets, violations
from chromium import DESK, PHONE, WAIT, run, window
from playwright.sync_api import expect

from shopping import ADDRESS, fill, put

TESTS = []
MUG, HEART, BAG = "kitchen-22423", "lighting-85123A", "bags-85099B"


def test(function):
    TESTS.append(function)
    return function


def heading(page, name):
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def order_count(page):
    page.goto("/orders")
    heading(page, "Your orders")
    return page.locator(".orders > li").count()


def place(page):
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/orders/W*")
    heading(page, "Thank you, it is on its way")


def buy(page):
    """From the front page to the order, by what there is to see."""
    page.goto("/")
    heading(page, "Small things for a happier house")
    page.get_by_role("navigation", name="Departments").get_by_role("link", name="Kitchen").click()
    heading(page, "Kitchen & Dining")
    page.get_by_role("link", name="Regency Cakestand 3 Tier").click()
    heading(page, "Regency Cakestand 3 Tier")
    expect(page.get_by_text("In stock")).to_be_visible()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to basket").click()
    page.get_by_text("It is in your basket.").or_(page.get_by_role("heading", name="Your basket")).first.wait_for()
    page.get_by_role("link", name="Basket", exact=False).first.click()
    heading(page, "Your basket")
    expect(page.locator("main dd.total")).to_have_text("£29.45")
    page.get_by_role("link", name="Check out").click()
    heading(page, "Checkout")
    fill(page)
    place(page)
    expect(page.locator("main dd.total")).to_have_text("£29.45")
    expect(page.get_by_text("12 St James's Square")).to_be_visible()


@test
def a_guest_buys_on_a_desk(browser, url):
    with window(browser, url, **DESK) as page:
        buy(page)


@test
def a_guest_buys_on_a_phone(browser, url):
    with window(browser, url, **PHONE) as page:
        buy(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["viewport"]["width"], f"the page is {width} wide"


@test
def a_guest_buys_without_scripts(browser, url):
    for options in [DESK, PHONE]:
        with window(browser, url, java_script_enabled=False, **options) as page:
            buy(page)


@test
def the_basket_is_changed_without_scripts(browser, url):
    with window(browser, url, java_script_enabled=False, **DESK) as page:
        put(page, HEART, 1)
        page.goto("/basket")
        page.get_by_label("Quantity of White Hanging Heart").fill("4")
        page.get_by_role("button", name="Update").click()
        expect(page.locator(".lines .price")).to_have_text("£11.80")
        page.get_by_role("button", name="Remove").click()
        heading(page, "Your basket is empty")
        page.goto("/departments/garden")
        page.get_by_label("Sort by").select_option("Highest price")
        page.get_by_label("In stock only").check()
        page.get_by_role("button", name="Show").click()
        assert "sort=dear" in page.url and "stock=yes" in page.url, page.url
        page.get_by_role("link", name="Next page").click()
        expect(page.get_by_role("link", name="Back to the start")).to_be_visible()


@test
def the_basket_is_changed_in_place(browser, url):
    with window(browser, url, **DESK) as page:
        put(page, HEART, 1)
        page.goto("/basket")
        page.get_by_role("button", name="One more of White Hanging Heart").click()
        expect(page.locator(".lines .price")).to_have_text("£5.90")
        expect(page.locator("#basket b")).to_contain_text("2")
        page.get_by_label("Quantity of White Hanging Heart").fill("4")
        page.keyboard.press("Tab")
        expect(page.locator(".lines .price")).to_have_text("£11.80")
        # It is the shop's basket that changed, not only what is shown.
        page.reload()
        expect(page.locator(".lines .price")).to_have_text("£11.80")
        page.get_by_role("button", name="Remove").click()
        heading(page, "Your basket is empty")


def tab_to(page, locator, limit=150):
    """Presses Tab until the element has the focus; it must be seen to have it."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if locator.evaluate("element => element === document.activeElement"):
            width = locator.evaluate("element => parseFloat(getComputedStyle(element).outlineWidth) || 0")
            assert width >= 2, "the focus cannot be seen"
            return
    raise AssertionError(f"Tab never reached {locator}")


@test
def a_guest_buys_by_keyboard_alone(browser, url):
    with window(browser, url, **DESK) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to content")).to_be_focused()
        tab_to(page, page.get_by_role("combobox"))
        page.keyboard.type("regensy cakest")
        expect(page.get_by_role("option").first).to_have_text("Regency Cakestand 3 Tier")
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Escape")
        expect(page.get_by_role("option").first).to_be_hidden()
        page.keyboard.press("Enter")
        heading(page, "“regency cakest”")
        tab_to(page, page.get_by_role("link", name="Regency Cakestand 3 Tier").first)
        page.keyboard.press("Enter")
        heading(page, "Regency Cakestand 3 Tier")
        tab_to(page, page.get_by_label("Quantity"))
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text="It is in your basket.")).to_be_visible()
        tab_to(page, page.get_by_role("link", name="Go to the basket"))
        page.keyboard.press("Enter")
        heading(page, "Your basket")
        tab_to(page, page.get_by_role("link", name="Check out"))
        page.keyboard.press("Enter")
        heading(page, "Checkout")
        for label, value in ADDRESS.items():
            tab_to(page, page.locator("main").get_by_label(label, exact=True))
            page.keyboard.type(value)
        tab_to(page, page.get_by_role("button", name="Place order"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders/W*")
        heading(page, "Thank you, it is on its way")


@test
def what_is_wrong_is_said_where_it_is_wrong(browser, url):
    with window(browser, url, **PHONE) as page:
        put(page, BAG)
        page.goto("/checkout")
        fill(page, email="ada at example", postcode=" ")
        page.evaluate("document.querySelector('main form').noValidate = true")
        page.get_by_role("button", name="Place order").click()
        alert = page.get_by_role("alert")
        expect(alert).to_be_focused()
        expect(alert).to_contain_text("Please give a postcode.")
        email = page.locator("main").get_by_label("Email")
        expect(email).to_have_attribute("aria-invalid", "true")
        expect(email).to_have_accessible_description("This does not look like an email address.")
        # What was right is still there, and the link leads to what was not.
        expect(page.locator("main").get_by_label("Town")).to_have_value("London")
        alert.get_by_role("link").first.click()
        expect(email).to_be_focused()
        fill(page)
        place(page)


@test
def the_country_changes_what_delivery_costs(browser, url):
    with window(browser, url, **DESK) as page:
        put(page, BAG)
        page.goto("/checkout")
        expect(page.locator("main dd.total:visible")).to_have_text("£6.03")
        page.get_by_label("Country").select_option("France")
        expect(page.locator("main dd.total:visible")).to_have_text("£11.03")
        fill(page)
        place(page)
        expect(page.locator("main dd.total")).to_have_text("£11.03")


@test
def a_slow_network_is_no_reason_to_press_twice(browser, url):
    with window(browser, url, **PHONE) as page:
        session = page.context.new_cdp_session(page)
        slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 25_000}
        session.send("Network.emulateNetworkConditions", slow)
        put(page, HEART)
        page.goto("/checkout")
        fill(page)
        button = page.get_by_role("button", name="Place order")
        sent = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        button.dispatch_event("click")
        button.or_(page.get_by_role("button", name="Placing your order")).first.dispatch_event("click")
        page.wait_for_url("**/orders/W*")
        assert len(sent) == 1, sent
        assert order_count(page) == 1


@test
def a_failing_network_costs_a_sentence_and_nothing_typed(browser, url):
    with window(browser, url, **DESK) as page:
        page.goto(f"/products/{HEART}")
        page.context.set_offline(True)
        page.get_by_role("button", name="Add to basket").click()
        expect(page.get_by_text("The shop cannot be reached just now.")).to_be_visible()
        page.context.set_offline(False)
        page.get_by_role("button", name="Add to basket").click()
        expect(page.get_by_text("It is in your basket.")).to_be_visible()
        page.goto("/basket")
        page.context.set_offline(True)
        page.get_by_role("button", name="One more of White Hanging Heart").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")
        expect(page.get_by_label("Quantity of White Hanging Heart")).to_have_value("1")
        page.context.set_offline(False)
        page.goto("/checkout")
        fill(page)

        # The order arrives, its answer is lost on the way back.
        def lose(route):
            route.fetch()
            route.abort("connectionreset")

        page.route("**/checkout", lambda route: lose(route) if route.request.method == "POST" else route.continue_())
        page.get_by_role("button", name="Place order").click()
        expect(page.get_by_role("alert")).to_contain_text("Your order is not placed twice")
        expect(page.locator("main").get_by_label("Town")).to_have_value("London")
        page.unroute("**/checkout")
        place(page)
        assert order_count(page) == 1


@test
def the_same_form_sent_twice_buys_once(browser, url):
    with window(browser, url, java_script_enabled=False, **DESK) as page:
        put(page, HEART)
        page.goto("/checkout")
        fill(page)
        place(page)
        first = page.url
        # Back, and the same form with the same key again.
        page.go_back()
        if page.get_by_role("button", name="Place order").count() == 0:
            page.goto(first)
        else:
            fill(page)
            page.get_by_role("button", name="Place order").click()
            page.wait_for_load_state()
        assert order_count(page) == 1
    with window(browser, url, **DESK) as page:
        put(page, BAG)
        page.goto("/checkout")
        fill(page)
        send = """async () => {
            const form = document.querySelector('[data-checkout]');
            const body = new URLSearchParams(new FormData(form));
            const answers = await Promise.all([1, 2].map(() => fetch(form.action, {method: 'POST', body})));
            return answers.map(answer => [answer.status, answer.redirected ? answer.url : '']);
        }"""
        answers = page.evaluate(send) + page.evaluate(send)
        places = {place for _, place in answers if place}
        assert len(places) == 1, answers
        assert all(status == 200 or status == 409 for status, _ in answers), answers
        assert order_count(page) == 1


def leave_a_basket(browser, url, file):
    """Fills a basket, and keeps the browser's cookies in a file for `find_the_basket`."""
    with window(browser, url, **DESK) as page:
        put(page, HEART, 3)
        page.context.storage_state(path=file)


def find_the_basket(browser, url, file):
    """The basket left before is still there, whatever happened to the shop meanwhile."""
    with window(browser, url, storage_state=file, **DESK) as page:
        page.goto("/basket")
        expect(page.get_by_label("Quantity of White Hanging Heart")).to_have_value("3")
        page.get_by_role("link", name="Check out").click()
        fill(page)
        place(page)
        assert order_count(page) == 1


@test
def an_order_is_found_from_another_browser(browser, url):
    with window(browser, url, **DESK) as page:
        put(page, HEART)
        page.goto("/checkout")
        fill(page)
        place(page)
        number = page.url.rsplit("/", 1)[1]
        link = page.get_by_role("link", name=f"Order {number}").get_attribute("href")
    with window(browser, url, **PHONE) as page:
        assert page.goto(f"/orders/{number}").status == 404
        assert page.goto(link).status == 200
        page.goto("/orders")
        page.get_by_label("Order number").fill(number.lower())
        page.locator("main").get_by_label("Email").fill("ADA@example.com")
        page.get_by_role("button", name="Find it").click()
        heading(page, f"Order {number}")


@test
def typing_errors_and_filters_are_a_matter_of_a_moment(browser, url):
    with window(browser, url, **PHONE) as page:
        page.goto("/")
        page.get_by_role("combobox").fill("lanten")
        expect(page.get_by_role("option").first).to_contain_text("Lantern")
        page.get_by_role("option").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lantern")
        page.goto("/departments/garden")
        page.get_by_label("Sort by").select_option("Lowest price")
        page.wait_for_url("**/departments/garden?sort=cheap")
        page.get_by_label("Price", exact=True).select_option("£1 to £3")
        page.wait_for_url("**/departments/garden?sort=cheap&price=1-3")
        prices = [float(text[1:]) for text in page.locator(".card .price").all_inner_texts()]
        assert prices and prices == sorted(prices) and 1 <= prices[0] and prices[-1] < 3, prices


@test
def nothing_comes_from_elsewhere_and_pages_are_light(browser, url):
    pages = ["/", "/departments/kitchen", f"/products/{MUG}", "/search?q=heart", "/basket", "/orders"]
    for path in pages:
        with window(browser, url, **DESK) as page:
            session = page.context.new_cdp_session(page)
            session.send("Network.enable")
            weights, strangers = [], []
            session.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
            page.on("request", lambda request: strangers.append(request.url) if not request.url.startswith(url) else None)
            messages = []
            page.on("console", lambda message: messages.append(message.text) if message.type == "error" else None)
            page.goto(path, wait_until="networkidle")
            assert not strangers, strangers
            assert not messages, messages
            total = sum(weights)
            assert 0 < total < 100_000, f"{path} weighs {total} bytes"
            print(f"     {path}: {total} bytes with everything, on a first visit", flush=True)


def everybody(page, name, is_covered=False):
    """Everything that axe can tell of WCAG 2.2 AA.

    On a desk no contrast may be left undecided, but under a list that covers it; on a phone some of the same colours lie
    outside the window, where axe does not look.
    """
    is_covered = is_covered or page.viewport_size["width"] < DESK["viewport"]["width"]
    wrong, response = violations(page)
    assert not wrong, f"{name}: " + "\n".join(wrong[:8])
    open_questions = [
        f"{item['id']}: {node['target']}"
        for item in response["incomplete"]
        if item["id"] == "color-contrast"
        for node in item["nodes"]
        # A sign of one character, such as a minus, has no contrast that axe would measure.
        if not any((check.get("data") or {}).get("messageKey") in ("nonBmp", "shortTextContent") for check in node["any"])
    ]
    assert is_covered or not open_questions, f"{name}: " + "\n".join(open_questions[:8])
    assert page.locator("h1").count() == 1, f"{name} has {page.locator('h1').count()} first headings"
    for place in ["banner", "main", "contentinfo", "search"]:
        assert page.get_by_role(place).count() == 1, f"{name} has no {place}"
    small = small_targets(page)
    assert not small, f"{name}: targets under 24 pixels: {small}"


@test
def everybody_can_use_the_pages(browser, url):
    paths = [
        "/", "/departments/kitchen", "/departments/christmas?price=0-1&stock=yes", f"/products/{MUG}", "/search?q=hart",
        "/search?q=zzzqqq", "/search", "/basket", "/orders", "/nowhere",
    ]
    # Contrast is decided on a desk, in both schemes; places differ by size alone.
    for scheme, options in [("light", DESK), ("dark", DESK), ("light", PHONE)]:
        with window(browser, url, color_scheme=scheme, **options) as page:
            for path in paths:
                page.goto(path)
                everybody(page, f"{path} {scheme} {options['viewport']['width']}")
            page.goto("/")
            page.get_by_role("combobox").fill("lantern")
            expect(page.get_by_role("option").first).to_be_visible()
            everybody(page, f"suggestions {scheme}", is_covered=True)
            put(page, MUG, 2)
            everybody(page, f"added {scheme}")
            page.goto("/basket")
            everybody(page, f"basket {scheme}")
            page.goto("/checkout")
            everybody(page, f"checkout {scheme}")
            fill(page, email="nonsense")
            page.evaluate("document.querySelector('main form').noValidate = true")
            page.get_by_role("button", name="Place order").click()
            expect(page.get_by_role("alert")).to_be_focused()
            everybody(page, f"mistakes {scheme}")
            fill(page)
            place(page)
            everybody(page, f"order {scheme}")
            page.goto("/orders")
            everybody(page, f"orders {scheme}")


@test
def pages_can_be_made_twice_as_large(browser, url):
    # WCAG 1.4.10: no sideways scrolling at 320 pixels, which is 400% of a 1280 pixels wide window.
    with window(browser, url, viewport={"width": 320, "height": 640}) as page:
        put(page, MUG, 2)
        for path in ["/", "/departments/kitchen", f"/products/{MUG}", "/search?q=heart", "/basket", "/checkout", "/orders"]:
            page.goto(path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, f"{path} is {width} wide"


def main():
    words = argparse.ArgumentParser()
    words.add_argument("url")
    words.add_argument("--leave")
    words.add_argument("--find")
    words.add_argument("names", nargs="*")
    given = words.parse_args()
    url = given.url.rstrip("/")
    expect.set_options(timeout=WAIT)
    cases = [(case.__name__, case) for case in TESTS if not given.names or case.__name__ in given.names]
    if given.find:
        cases.insert(0, ("find_the_basket", functools.partial(find_the_basket, file=given.find)))
    if given.leave:
        cases.append(("leave_a_basket", functools.partial(leave_a_basket, file=given.leave)))
    return run(cases, url)


if __name__ == "__main__":
    sys.exit(main())
