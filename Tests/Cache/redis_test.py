"""Uses the embedded cache server by PyPI's redis as its users do, in RESP2 and RESP3. Usage: redis_test.py PORT"""

import sys
import threading
import time

import redis


def use(port, protocol):
    r = redis.Redis(port=port, protocol=protocol, decode_responses=True)
    r.flushdb()
    assert r.ping()
    assert r.set("a", "1", ex=100) and r.get("a") == "1" and 98 <= r.ttl("a") <= 100
    assert r.set("a", "2", nx=True) is None
    assert r.incr("n") == 1 and r.incrby("n", 41) == 42 and r.incrbyfloat("f", 0.1) == 0.1
    assert r.mset({"x": "1", "y": "2"}) and r.mget("x", "y", "z") == ["1", "2", None]
    assert r.hset("h", mapping={"f": "v", "g": "w"}) == 2 and r.hgetall("h") == {"f": "v", "g": "w"}
    assert r.rpush("l", "a", "b", "c") == 3 and r.lrange("l", 0, -1) == ["a", "b", "c"] and r.lpop("l") == "a"
    assert r.sadd("s", "a", "b") == 2 and r.smembers("s") == {"a", "b"} and r.sinter("s", "s") == {"a", "b"}
    assert r.zadd("z", {"a": 1, "b": 2.5}) == 2
    assert [(m, s) for m, s in r.zrange("z", 0, -1, withscores=True)] == [("a", 1.0), ("b", 2.5)]
    assert r.zscore("z", "b") == 2.5 and r.zrank("z", "b") == 1
    assert r.setbit("bits", 7, 1) == 0 and r.getbit("bits", 7) == 1 and r.bitcount("bits") == 1
    assert sorted(r.scan_iter(count=2)) == sorted(r.keys())
    assert dict(r.hscan_iter("h")) == {"f": "v", "g": "w"}
    assert r.type("z") == "zset" and r.object("encoding", "n") == "int" and r.memory_usage("h") > 0
    assert r.rename("x", "x2") and r.copy("x2", "x3") and r.exists("x2", "x3") == 2

    with r.pipeline(transaction=True) as pipe:
        pipe.set("p", 1).incr("p").get("p")
        assert pipe.execute() == [True, 2, "2"]
    with r.pipeline() as pipe:
        pipe.watch("p")
        pipe.multi()
        pipe.incr("p")
        r.set("p", 100)
        try:
            pipe.execute()
            raise AssertionError("a transaction ran although its key had changed")
        except redis.WatchError:
            pass

    listener = r.pubsub()
    listener.subscribe("news")
    listener.psubscribe("n*")
    deadline = time.monotonic() + 10
    while r.publish("news", "hi") < 2:
        assert time.monotonic() < deadline
    heard = []
    while len(heard) < 2:
        message = listener.get_message(timeout=10)
        assert message is not None
        if message["type"].endswith("message"):
            heard.append((message["type"], message["data"]))
    assert heard[-2:] == [("message", "hi"), ("pmessage", "hi")]
    listener.close()

    results = []
    waiter = threading.Thread(target=lambda: results.append(r.blpop("queue", timeout=10)))
    waiter.start()
    while int(r.info("clients")["blocked_clients"]) == 0:
        assert waiter.is_alive()
    r.rpush("queue", "job")
    waiter.join()
    assert [list(one) for one in results] == [["queue", "job"]]

    lock = r.lock("lock", timeout=10) if hasattr(r, "lock") else None
    assert lock.acquire(blocking=False)
    try:
        lock.release()
        raise AssertionError("scripts are not run, and this said that one was")
    except redis.ResponseError as error:
        assert "scripts are not run" in str(error)
    r.delete("lock")

    try:
        r.xadd("stream", {"a": "b"})
        raise AssertionError("streams are refused by name")
    except redis.ResponseError as error:
        assert "streams" in str(error)
    info = r.info()
    assert info["redis_mode"] == "standalone" and info["maxmemory"] > 0
    assert r.client_list() and r.client_id() > 0 and r.config_get("maxmemory")
    assert r.dbsize() > 10 and r.flushdb() and r.dbsize() == 0


def cache_by_tracking(port):
    """The client's own cache, which the server keeps true."""
    from redis.cache import CacheConfig

    near = redis.Redis(port=port, protocol=3, decode_responses=True, cache_config=CacheConfig())
    other = redis.Redis(port=port, decode_responses=True)
    other.set("tracked", "1")
    assert near.get("tracked") == "1" and near.get("tracked") == "1"
    other.set("tracked", "2")
    deadline = time.monotonic() + 10
    while near.get("tracked") != "2":
        assert time.monotonic() < deadline


if __name__ == "__main__":
    for version in (2, 3):
        use(int(sys.argv[1]), version)
    cache_by_tracking(int(sys.argv[1]))
    print("all good")
