"""Lets two strangers judge the API's document: a generator of clients, and Schemathesis, which sends what the document allows
and what it forbids and looks whether the answers are as documented.

Usage: api_test.py URL SEED EXAMPLES

Prints what they say, and ends with 1 where one of them is not content.
"""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
TOOLS = pathlib.Path(sys.executable).parent


def run(name, *words, cwd=None, env=None):
    done = subprocess.run(words, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name}", flush=True)
    if done.returncode != 0:
        print(done.stdout, flush=True)
    return done.returncode == 0


# What a newcomer would write with the client that was generated.
BUYER = """
import sys
from bazaar_client import Client
from bazaar_client.api.default import get_api_products, post_api_carts, put_api_carts_cart, put_api_carts_cart_lines_product
from bazaar_client.api.default import post_api_carts_cart_checkout, get_api_carts_cart_orders
from bazaar_client.models import Address, AddressCountry, CartContents, CartContentsLinesItem, Checkout, Quantity

client = Client(sys.argv[1], raise_on_unexpected_status=True)
product = get_api_products.sync(client=client, limit=1).products[0]
cart = post_api_carts.sync(client=client)
cart = put_api_carts_cart_lines_product.sync(cart.id, product.id, client=client, body=Quantity(quantity=2))
assert [line.quantity for line in cart.lines] == [2], cart
contents = CartContents(lines=[CartContentsLinesItem(product=product.id, quantity=3)])
cart = put_api_carts_cart.sync(cart.id, client=client, body=contents)
assert [line.quantity for line in cart.lines] == [3], cart
address = Address(
    name="Ada", email="ada@example.com", street="1 Square", town="London", postcode="SW1",
    country=AddressCountry.UNITED_KINGDOM,
)
body = Checkout(address=address, cart_version=cart.version)
orders = [
    post_api_carts_cart_checkout.sync(cart.id, client=client, body=body, idempotency_key="generated-client")
    for _ in range(2)
]
assert orders[0].number == orders[1].number, orders
found = get_api_carts_cart_orders.sync(cart.id, client=client)
assert [order.number for order in found.orders] == [orders[0].number], found
"""


def client(url):
    with tempfile.TemporaryDirectory() as folder:
        made = run(
            "openapi-python-client takes the document",
            TOOLS / "openapi-python-client", "generate", "--url", f"{url}/openapi.json", "--output-path", f"{folder}/client",
            "--meta", "none", "--fail-on-warning", "--overwrite",
            env={"PATH": f"{TOOLS}:/usr/bin:/bin", "HOME": folder},
        )
        if not made:
            return False
        (pathlib.Path(folder) / "client").rename(pathlib.Path(folder) / "bazaar_client")
        return run("the client buys", sys.executable, "-c", BUYER, url, cwd=folder)


def schemathesis(url, seed, examples):
    with tempfile.TemporaryDirectory() as folder:
        return run(
            f"Schemathesis with seed {seed}",
            TOOLS / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run", f"{url}/openapi.json",
            "--seed", seed, "--max-examples", examples, "--checks", "all", "--continue-on-failure", "--no-color",
            cwd=folder, env={"PATH": f"{TOOLS}:/usr/bin:/bin", "HOME": folder},
        )


if __name__ == "__main__":
    address = sys.argv[1].rstrip("/")
    results = [client(address), schemathesis(address, sys.argv[2], sys.argv[3])]
    sys.exit(0 if all(results) else 1)
