"""What a visitor does in the shop, by the names that a person sees."""

ADDRESS = {
    "Full name": "Ada Lovelace",
    "Email": "ada@example.com",
    "Street and number": "12 St James's Square",
    "Town": "London",
    "Postcode": "SW1Y 4JH",
}


def put(page, product, quantity=1):
    """Puts a product into the basket from its page, and waits until it is there."""
    page.goto(f"/products/{product}")
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to basket").click()
    page.get_by_text("It is in your basket.").or_(page.get_by_role("heading", name="Your basket")).first.wait_for()


def fill(page, **changes):
    """Fills the checkout's form."""
    main = page.locator("main")
    for label, value in ADDRESS.items():
        main.get_by_label(label, exact=True).fill(changes.get(label.split()[0].lower(), value))
