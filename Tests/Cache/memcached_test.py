"""Uses the embedded cache server's other port by PyPI's pymemcache as its users do. Usage: memcached_test.py PORT"""

import sys

from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheClientError
from pymemcache import serde


def use(client):
    client.flush_all(noreply=False)
    assert client.set("a", "1", noreply=False) and client.get("a") == b"1"
    assert client.get("none") is None and client.get("none", "default") == "default"
    assert not client.add("a", "2", noreply=False) and client.add("b", "2", noreply=False)
    assert client.replace("b", "3", noreply=False) and not client.replace("c", "3", noreply=False)
    assert client.append("b", "4", noreply=False) and client.prepend("b", "2", noreply=False)
    assert client.get("b") == b"234"
    value, version = client.gets("b")
    assert value == b"234"
    assert client.cas("b", "x", version, noreply=False) is True
    assert client.cas("b", "y", version, noreply=False) is False
    assert client.cas("none", "y", version, noreply=False) is None
    assert client.set_many({f"k{n}": str(n) for n in range(100)}, noreply=False) == []
    found = client.get_many([f"k{n}" for n in range(200)])
    assert found == {f"k{n}": str(n).encode() for n in range(100)}
    assert len(client.gets_many(["k1", "k2", "none"])) == 2
    assert client.delete("k1", noreply=False) and not client.delete("k1", noreply=False)
    assert client.delete_many(["k2", "k3"], noreply=False) and client.get("k3") is None
    assert client.set("n", "10", noreply=False) and client.incr("n", 5, noreply=False) == 15
    assert client.decr("n", 100, noreply=False) == 0 and client.incr("none", 1, noreply=False) is None
    assert client.touch("n", 100, noreply=False) and not client.touch("none", 100, noreply=False)
    large = b"v" * 1_000_000
    assert client.set("large", large, noreply=False) and client.get("large") == large


def main(port):
    server = ("127.0.0.1", port)
    client = Client(server, timeout=20, connect_timeout=20)
    use(client)
    assert client.version().startswith(b"1.6") and client.cache_memlimit is not None
    figures = client.stats()
    assert figures[b"curr_items"] > 90 and figures[b"cmd_get"] > 0 and figures[b"limit_maxbytes"] > 0
    try:
        client.incr("a b", 1)
        raise AssertionError("a key with a space was sent")
    except MemcacheClientError:
        pass
    try:
        client.incr("large", 1, noreply=False)
        raise AssertionError("what is no number was counted up")
    except MemcacheClientError:
        pass
    use(PooledClient(server, timeout=20, max_pool_size=4))

    # The client's own numbers say how a value is to be read.
    objects = Client(server, timeout=20, serde=serde.pickle_serde)
    objects.set("object", {"a": [1, 2]}, noreply=False)
    assert objects.get("object") == {"a": [1, 2]}

    many = HashClient([server], timeout=20)
    assert many.set("h", "1") and many.get("h") == b"1"

    # What the client has no names for, as written by hand.
    client.set("n", "0", noreply=False)
    assert client.raw_command("gat 50 n", end_tokens=b"END\r\n").startswith(b"VALUE n 0 1\r\n0")
    assert client.raw_command("ms m 2 T60\r\nhi", end_tokens=b"\r\n") == b"HD"
    assert client.raw_command("md m I", end_tokens=b"\r\n") == b"HD"
    assert client.raw_command("mg m t f", end_tokens=b"\r\n").split()[-2:] == [b"X", b"W"]
    client.quit()


if __name__ == "__main__":
    main(int(sys.argv[1]))
    print("all good")
