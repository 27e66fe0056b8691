/// From a command's code to the function that does it.
extension CacheCore {
    @inline(never)
    func perform(_ code: CommandCode, _ call: Call) {
        switch code {
        case .get: get(call)
        case .set: set(call)
        case .incr: increment(call, by: 1)
        case .decr: increment(call, by: -1)
        case .hset: hset(call, replies: true)
        case .hget: hget(call)
        case .lpush: push(call, front: true, onlyThere: false)
        case .rpush: push(call, front: false, onlyThere: false)
        case .sadd: sadd(call)
        case .zadd: zadd(call)
        case .ping: ping(call)
        case .mget: mget(call)
        case .del, .unlink: del(call)
        case .append, .bitcount, .bitfield, .bitfield_ro, .bitop, .bitpos, .decrby, .getbit, .getdel, .getex, .getrange,
            .getset, .incrby, .incrbyfloat, .mset, .msetnx, .psetex, .setbit, .setex, .setnx, .setrange, .strlen,
            .substr:
            performString(code, call)
        case .hdel, .hexists, .hgetall, .hincrby, .hincrbyfloat, .hkeys, .hlen, .hmget, .hmset, .hrandfield, .hscan,
            .hsetnx, .hstrlen, .hvals:
            performHash(code, call)
        case .blmove, .blmpop, .blpop, .brpop, .brpoplpush, .lindex, .linsert, .llen, .lmove, .lmpop, .lpop, .lpos,
            .lpushx, .lrange, .lrem, .lset, .ltrim, .rpop, .rpoplpush, .rpushx:
            performList(code, call)
        case .scard, .sdiff, .sdiffstore, .sinter, .sintercard, .sinterstore, .sismember, .smembers, .smismember,
            .smove,
            .spop, .srandmember, .srem, .sscan, .sunion, .sunionstore:
            performSet(code, call)
        case .bzmpop, .bzpopmax, .bzpopmin, .zcard, .zcount, .zdiff, .zdiffstore, .zincrby, .zinter, .zintercard,
            .zinterstore, .zlexcount, .zmpop, .zmscore, .zpopmax, .zpopmin, .zrandmember, .zrange, .zrangebylex,
            .zrangebyscore, .zrangestore, .zrank, .zrem, .zremrangebylex, .zremrangebyrank, .zremrangebyscore,
            .zrevrange,
            .zrevrangebylex, .zrevrangebyscore, .zrevrank, .zscan, .zscore, .zunion, .zunionstore:
            performSorted(code, call)
        case .copy, .exists, .expire, .expireat, .expiretime, .keys, .object, .persist, .pexpire, .pexpireat,
            .pexpiretime,
            .pttl, .randomkey, .rename, .renamenx, .scan, .touch, .ttl, .type:
            performKey(code, call)
        case .auth, .client, .command, .config, .dbsize, .discard, .echo, .exec, .flushall, .flushdb, .hello, .info,
            .memory, .multi, .psubscribe, .publish, .pubsub, .punsubscribe, .quit, .reset, .role, .select, .slowlog,
            .subscribe, .time, .unsubscribe, .unwatch, .wait, .watch:
            performServer(code, call)
        }
    }

    private func performString(_ code: CommandCode, _ call: Call) {
        switch code {
        case .append: append(call)
        case .bitcount: bitcount(call)
        case .bitfield: bitfield(call, readOnly: false)
        case .bitfield_ro: bitfield(call, readOnly: true)
        case .bitop: bitop(call)
        case .bitpos: bitpos(call)
        case .decrby: incrby(call, sign: -1)
        case .getbit: getbit(call)
        case .getdel: getdel(call)
        case .getex: getex(call)
        case .getrange, .substr: getrange(call)
        case .getset: getset(call)
        case .incrby: incrby(call, sign: 1)
        case .incrbyfloat: incrbyfloat(call)
        case .mset: mset(call, onlyNew: false)
        case .msetnx: mset(call, onlyNew: true)
        case .psetex: setex(call, .milliseconds, "psetex")
        case .setbit: setbit(call)
        case .setex: setex(call, .seconds, "setex")
        case .setnx: setnx(call)
        case .setrange: setrange(call)
        default: strlen(call)
        }
    }

    private func performHash(_ code: CommandCode, _ call: Call) {
        switch code {
        case .hdel: hdel(call)
        case .hexists: hexists(call)
        case .hgetall: hgetall(call, fields: true, values: true)
        case .hincrby: hincrby(call)
        case .hincrbyfloat: hincrbyfloat(call)
        case .hkeys: hgetall(call, fields: true, values: false)
        case .hlen: hlen(call)
        case .hmget: hmget(call)
        case .hmset: hset(call, replies: false)
        case .hrandfield: hrandfield(call)
        case .hscan: hscan(call)
        case .hsetnx: hsetnx(call)
        case .hstrlen: hstrlen(call)
        default: hgetall(call, fields: false, values: true)
        }
    }

    private func performList(_ code: CommandCode, _ call: Call) {
        switch code {
        case .blmove: blmove(call)
        case .blmpop: popMany(call, first: 2, isSorted: false)
        case .blpop: blockingPop(call, .pop(front: true))
        case .brpop: blockingPop(call, .pop(front: false))
        case .brpoplpush: brpoplpush(call)
        case .lindex: lindex(call)
        case .linsert: linsert(call)
        case .llen: llen(call)
        case .lmove: lmove(call)
        case .lmpop: popMany(call, first: 1, isSorted: false)
        case .lpop: pop(call, front: true)
        case .lpos: lpos(call)
        case .lpushx: push(call, front: true, onlyThere: true)
        case .lrange: lrange(call)
        case .lrem: lrem(call)
        case .lset: lset(call)
        case .ltrim: ltrim(call)
        case .rpop: pop(call, front: false)
        case .rpoplpush: move(call, fromFront: false, toFront: true)
        default: push(call, front: false, onlyThere: true)
        }
    }

    private func performSet(_ code: CommandCode, _ call: Call) {
        switch code {
        case .scard: scard(call)
        case .sdiff: combine(call, .difference)
        case .sdiffstore: combineAndStore(call, .difference)
        case .sinter: combine(call, .intersection)
        case .sintercard: sintercard(call)
        case .sinterstore: combineAndStore(call, .intersection)
        case .sismember: sismember(call)
        case .smembers: smembers(call)
        case .smismember: smismember(call)
        case .smove: smove(call)
        case .spop: spop(call)
        case .srandmember: srandmember(call)
        case .srem: srem(call)
        case .sscan: sscan(call)
        case .sunion: combine(call, .union)
        default: combineAndStore(call, .union)
        }
    }

    private func performSorted(_ code: CommandCode, _ call: Call) {
        switch code {
        case .bzmpop: popMany(call, first: 2, isSorted: true)
        case .bzpopmax: blockingPop(call, .popSorted(lowest: false))
        case .bzpopmin: blockingPop(call, .popSorted(lowest: true))
        case .zcard: zcard(call)
        case .zcount: zcount(call, .scores)
        case .zdiff: combineSorted(call, .difference, .reply)
        case .zdiffstore: combineSorted(call, .difference, .store)
        case .zincrby: zincrby(call)
        case .zinter: combineSorted(call, .intersection, .reply)
        case .zintercard: combineSorted(call, .intersection, .count)
        case .zinterstore: combineSorted(call, .intersection, .store)
        case .zlexcount: zcount(call, .names)
        case .zmpop: popMany(call, first: 1, isSorted: true)
        case .zmscore: zmscore(call)
        case .zpopmax: zpop(call, lowest: false)
        case .zpopmin: zpop(call, lowest: true)
        case .zrandmember: zrandmember(call)
        case .zrange: zrange(call, RangeRequest(kind: .ranks), isGeneral: true)
        case .zrangebylex: zrange(call, RangeRequest(kind: .names))
        case .zrangebyscore: zrange(call, RangeRequest(kind: .scores))
        case .zrangestore: zrangestore(call)
        case .zrank: zrank(call, isReversed: false)
        case .zrem: zrem(call)
        case .zremrangebylex: zremrange(call, .names)
        case .zremrangebyrank: zremrange(call, .ranks)
        case .zremrangebyscore: zremrange(call, .scores)
        case .zrevrange: zrange(call, RangeRequest(kind: .ranks, isReversed: true))
        case .zrevrangebylex: zrange(call, RangeRequest(kind: .names, isReversed: true))
        case .zrevrangebyscore: zrange(call, RangeRequest(kind: .scores, isReversed: true))
        case .zrevrank: zrank(call, isReversed: true)
        case .zscan: zscan(call)
        case .zscore: zscore(call)
        case .zunion: combineSorted(call, .union, .reply)
        default: combineSorted(call, .union, .store)
        }
    }

    private func performKey(_ code: CommandCode, _ call: Call) {
        switch code {
        case .copy: copy(call)
        case .exists: exists(call, touches: false)
        case .expire: expire(call, .seconds, "expire")
        case .expireat: expire(call, .unixSeconds, "expireat")
        case .expiretime: timeLeft(call, .unixSeconds)
        case .keys: keys(call)
        case .object: object(call)
        case .persist: persist(call)
        case .pexpire: expire(call, .milliseconds, "pexpire")
        case .pexpireat: expire(call, .unixMilliseconds, "pexpireat")
        case .pexpiretime: timeLeft(call, .unixMilliseconds)
        case .pttl: timeLeft(call, .milliseconds)
        case .randomkey: randomkey(call)
        case .rename: rename(call, onlyFree: false)
        case .renamenx: rename(call, onlyFree: true)
        case .scan: scan(call)
        case .touch: exists(call, touches: true)
        case .ttl: timeLeft(call, .seconds)
        default: type(call)
        }
    }

    private func performServer(_ code: CommandCode, _ call: Call) {
        switch code {
        case .auth: auth(call)
        case .client: client(call)
        case .command: command(call)
        case .config: config(call)
        case .dbsize: out.pointee.integer(keys.pointee.count)
        case .discard: discard(call)
        case .echo: out.pointee.bulk(call[1])
        case .exec: exec(call)
        case .flushall, .flushdb: flush(call)
        case .hello: hello(call)
        case .info: info(call)
        case .memory: memory(call)
        case .multi: multi(call)
        case .psubscribe: subscribe(call, isPattern: true)
        case .publish: publish(call)
        case .pubsub: pubsub(call)
        case .punsubscribe: unsubscribe(call, isPattern: true)
        case .quit: quit(call)
        case .reset: resetCommand(call)
        case .role: role()
        case .select: select(call)
        case .slowlog: slowlog(call)
        case .subscribe: subscribe(call, isPattern: false)
        case .time: time()
        case .unsubscribe: unsubscribe(call, isPattern: false)
        case .unwatch:
            unwatch(call.client)
            ok()
        case .wait: wait(call)
        default: watch(call)
        }
    }
}
