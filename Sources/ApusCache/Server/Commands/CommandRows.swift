extension CommandTable {
    /// Every command that is served: name, arity (with the name; negative for "or more"), flags, first key, last key, step,
    /// group, the version of Redis that had it first, and what it does.
    ///
    /// Flags: `w` writes, `r` reads, `m` may need memory, `F` takes constant time, `n` is heard from unknown clients, `s` is
    /// heard from subscribers, `x` is not queued in a transaction, `b` may wait, `a` is for administrators, `p` is about
    /// channels, `v` finds its keys by their number in front of them.
    static let rows = """
        append 3 wmF 1 1 1 string 2.0.0 Appends a string to the value of a key
        auth -2 nF 0 0 0 connection 1.0.0 Authenticates the connection
        bitcount -2 r 1 1 1 bitmap 2.6.0 Counts the set bits of a string
        bitfield -2 wm 1 1 1 bitmap 3.2.0 Reads and changes integers within a string
        bitfield_ro -2 rF 1 1 1 bitmap 6.0.0 Reads integers within a string
        bitop -4 wm 2 -1 1 bitmap 2.6.0 Combines strings bit by bit
        bitpos -3 r 1 1 1 bitmap 2.8.7 Finds the first set or clear bit of a string
        blmove 6 wmb 1 2 1 list 6.2.0 Moves an element to another list, or waits for one
        blmpop -5 wbv 0 0 0 list 7.0.0 Takes elements from the first list that has some, or waits
        blpop -3 wb 1 -2 1 list 2.0.0 Takes the first element of a list, or waits for one
        brpop -3 wb 1 -2 1 list 2.0.0 Takes the last element of a list, or waits for one
        brpoplpush 4 wmb 1 2 1 list 2.2.0 Moves the last element to the front of another list, or waits for one
        bzmpop -5 wbv 0 0 0 sorted-set 7.0.0 Takes members from the first sorted set that has some, or waits
        bzpopmax -3 wbF 1 -2 1 sorted-set 5.0.0 Takes the member with the highest score, or waits for one
        bzpopmin -3 wbF 1 -2 1 sorted-set 5.0.0 Takes the member with the lowest score, or waits for one
        client -2 - 0 0 0 connection 2.4.0 Tells about connections and sets what this one wants
        command -1 - 0 0 0 server 2.8.13 Tells about commands
        config -2 a 0 0 0 server 2.0.0 Reads and changes settings
        copy -3 wm 1 2 1 generic 6.2.0 Copies the value of a key to another key
        dbsize 1 rF 0 0 0 server 1.0.0 Counts the keys
        decr 2 wmF 1 1 1 string 1.0.0 Takes one from an integer
        decrby 3 wmF 1 1 1 string 1.0.0 Takes a number from an integer
        del -2 w 1 -1 1 generic 1.0.0 Deletes keys
        discard 1 xF 0 0 0 transactions 2.0.0 Forgets the commands of a transaction
        echo 2 F 0 0 0 connection 1.0.0 Says what it was told
        exec 1 x 0 0 0 transactions 1.2.0 Runs the commands of a transaction
        exists -2 rF 1 -1 1 generic 1.0.0 Counts those of the keys that exist
        expire -3 wF 1 1 1 generic 1.0.0 Sets the life of a key in seconds
        expireat -3 wF 1 1 1 generic 1.2.0 Sets when a key expires, in Unix seconds
        expiretime 2 rF 1 1 1 generic 7.0.0 Tells when a key expires, in Unix seconds
        flushall -1 w 0 0 0 server 1.0.0 Deletes all keys
        flushdb -1 w 0 0 0 server 1.0.0 Deletes all keys
        get 2 rF 1 1 1 string 1.0.0 Gets the value of a key
        getbit 3 rF 1 1 1 bitmap 2.2.0 Gets a bit of a string
        getdel 2 wF 1 1 1 string 6.2.0 Gets the value of a key and deletes it
        getex -2 wF 1 1 1 string 6.2.0 Gets the value of a key and sets its life
        getrange 4 r 1 1 1 string 2.4.0 Gets a part of a string
        getset 3 wmF 1 1 1 string 1.0.0 Sets a key and gets its old value
        hdel -3 wF 1 1 1 hash 2.0.0 Deletes fields of a hash
        hello -1 nsxF 0 0 0 connection 6.0.0 Agrees on the protocol's version
        hexists 3 rF 1 1 1 hash 2.0.0 Tells whether a hash has a field
        hget 3 rF 1 1 1 hash 2.0.0 Gets the value of a field
        hgetall 2 r 1 1 1 hash 2.0.0 Gets all fields and values of a hash
        hincrby 4 wmF 1 1 1 hash 2.0.0 Adds to the integer in a field
        hincrbyfloat 4 wmF 1 1 1 hash 2.6.0 Adds to the number in a field
        hkeys 2 r 1 1 1 hash 2.0.0 Gets all fields of a hash
        hlen 2 rF 1 1 1 hash 2.0.0 Counts the fields of a hash
        hmget -3 rF 1 1 1 hash 2.0.0 Gets the values of fields
        hmset -4 wmF 1 1 1 hash 2.0.0 Sets fields of a hash
        hrandfield -2 r 1 1 1 hash 6.2.0 Gets fields at random
        hscan -3 r 1 1 1 hash 2.8.0 Walks along the fields of a hash
        hset -4 wmF 1 1 1 hash 2.0.0 Sets fields of a hash
        hsetnx 4 wmF 1 1 1 hash 2.0.0 Sets a field unless it is there
        hstrlen 3 rF 1 1 1 hash 3.2.0 Gets the length of a field's value
        hvals 2 r 1 1 1 hash 2.0.0 Gets all values of a hash
        incr 2 wmF 1 1 1 string 1.0.0 Adds one to an integer
        incrby 3 wmF 1 1 1 string 1.0.0 Adds a number to an integer
        incrbyfloat 3 wmF 1 1 1 string 2.6.0 Adds to a number
        info -1 - 0 0 0 server 1.0.0 Tells about the server
        keys 2 r 0 0 0 generic 1.0.0 Finds the keys that match a pattern
        lindex 3 r 1 1 1 list 1.0.0 Gets an element of a list
        linsert 5 wm 1 1 1 list 2.2.0 Puts an element before or behind another
        llen 2 rF 1 1 1 list 1.0.0 Counts the elements of a list
        lmove 5 wm 1 2 1 list 6.2.0 Moves an element to another list
        lmpop -4 wv 0 0 0 list 7.0.0 Takes elements from the first list that has some
        lpop -2 wF 1 1 1 list 1.0.0 Takes the first elements of a list
        lpos -3 r 1 1 1 list 6.0.6 Finds elements of a list
        lpush -3 wmF 1 1 1 list 1.0.0 Puts elements before a list
        lpushx -3 wmF 1 1 1 list 2.2.0 Puts elements before a list that is there
        lrange 4 r 1 1 1 list 1.0.0 Gets a part of a list
        lrem 4 w 1 1 1 list 1.0.0 Takes equal elements out of a list
        lset 4 wm 1 1 1 list 1.0.0 Sets an element of a list
        ltrim 4 w 1 1 1 list 1.0.0 Keeps a part of a list
        memory -2 r 0 0 0 server 4.0.0 Tells what memory is used for
        mget -2 rF 1 -1 1 string 1.0.0 Gets the values of keys
        mset -3 wm 1 -1 2 string 1.0.1 Sets keys
        msetnx -3 wm 1 -1 2 string 1.0.1 Sets keys unless one of them is there
        multi 1 xF 0 0 0 transactions 1.2.0 Begins a transaction
        object -2 r 2 2 1 generic 2.2.3 Tells how a value is kept
        persist 2 wF 1 1 1 generic 2.2.0 Takes the life of a key away
        pexpire -3 wF 1 1 1 generic 2.6.0 Sets the life of a key in milliseconds
        pexpireat -3 wF 1 1 1 generic 2.6.0 Sets when a key expires, in Unix milliseconds
        pexpiretime 2 rF 1 1 1 generic 7.0.0 Tells when a key expires, in Unix milliseconds
        ping -1 sF 0 0 0 connection 1.0.0 Answers
        psetex 4 wm 1 1 1 string 2.6.0 Sets a key with a life in milliseconds
        psubscribe -2 sp 0 0 0 pubsub 2.0.0 Listens to channels that match patterns
        pttl 2 rF 1 1 1 generic 2.6.0 Gets the rest of a key's life in milliseconds
        publish 3 pF 0 0 0 pubsub 2.0.0 Says something on a channel
        pubsub -2 p 0 0 0 pubsub 2.8.0 Tells about channels
        punsubscribe -1 sp 0 0 0 pubsub 2.0.0 Listens no longer to patterns
        quit -1 nsxF 0 0 0 connection 1.0.0 Closes the connection
        randomkey 1 r 0 0 0 generic 1.0.0 Gets any key
        rename 3 w 1 2 1 generic 1.0.0 Gives a key another name
        renamenx 3 wF 1 2 1 generic 1.0.0 Gives a key another name that is free
        reset 1 nsxF 0 0 0 connection 6.2.0 Makes the connection as it was
        role 1 F 0 0 0 server 2.8.12 Tells the part of the server in replication
        rpop -2 wF 1 1 1 list 1.0.0 Takes the last elements of a list
        rpoplpush 3 wm 1 2 1 list 1.2.0 Moves the last element to the front of another list
        rpush -3 wmF 1 1 1 list 1.0.0 Puts elements behind a list
        rpushx -3 wmF 1 1 1 list 2.2.0 Puts elements behind a list that is there
        sadd -3 wmF 1 1 1 set 1.0.0 Puts members into a set
        scan -2 r 0 0 0 generic 2.8.0 Walks along the keys
        scard 2 rF 1 1 1 set 1.0.0 Counts the members of a set
        sdiff -2 r 1 -1 1 set 1.0.0 Gets the members that are in the first set only
        sdiffstore -3 wm 1 -1 1 set 1.0.0 Keeps the members that are in the first set only
        select 2 F 0 0 0 connection 1.0.0 Chooses the database, of which there is one, 0
        set -3 wm 1 1 1 string 1.0.0 Sets a key
        setbit 4 wm 1 1 1 bitmap 2.2.0 Sets a bit of a string
        setex 4 wm 1 1 1 string 2.0.0 Sets a key with a life in seconds
        setnx 3 wmF 1 1 1 string 1.0.0 Sets a key unless it is there
        setrange 4 wm 1 1 1 string 2.2.0 Overwrites a part of a string
        sinter -2 r 1 -1 1 set 1.0.0 Gets the members that are in all sets
        sintercard -3 rv 0 0 0 set 7.0.0 Counts the members that are in all sets
        sinterstore -3 wm 1 -1 1 set 1.0.0 Keeps the members that are in all sets
        sismember 3 rF 1 1 1 set 1.0.0 Tells whether a set has a member
        slowlog -2 a 0 0 0 server 2.2.12 Tells about slow commands, of which no list is kept
        smembers 2 r 1 1 1 set 1.0.0 Gets all members of a set
        smismember -3 rF 1 1 1 set 6.2.0 Tells which members a set has
        smove 4 wF 1 2 1 set 1.0.0 Moves a member to another set
        spop -2 wF 1 1 1 set 1.0.0 Takes members at random
        srandmember -2 r 1 1 1 set 1.0.0 Gets members at random
        srem -3 wF 1 1 1 set 1.0.0 Takes members out of a set
        sscan -3 r 1 1 1 set 2.8.0 Walks along the members of a set
        strlen 2 rF 1 1 1 string 2.2.0 Gets the length of a string
        subscribe -2 sp 0 0 0 pubsub 2.0.0 Listens to channels
        substr 4 r 1 1 1 string 1.0.0 Gets a part of a string
        sunion -2 r 1 -1 1 set 1.0.0 Gets the members that are in any set
        sunionstore -3 wm 1 -1 1 set 1.0.0 Keeps the members that are in any set
        time 1 F 0 0 0 server 2.6.0 Tells the time
        touch -2 rF 1 -1 1 generic 3.2.1 Counts those of the keys that exist, and marks them as used
        ttl 2 rF 1 1 1 generic 1.0.0 Gets the rest of a key's life in seconds
        type 2 rF 1 1 1 generic 1.0.0 Tells what a key holds
        unlink -2 wF 1 -1 1 generic 4.0.0 Deletes keys
        unsubscribe -1 sp 0 0 0 pubsub 2.0.0 Listens no longer to channels
        unwatch 1 F 0 0 0 transactions 2.2.0 Forgets the keys that are watched
        wait 3 - 0 0 0 generic 3.0.0 Waits for replicas, of which there are none
        watch -2 xF 1 -1 1 transactions 2.2.0 Lets the next transaction fail where a key changes
        zadd -4 wmF 1 1 1 sorted-set 1.2.0 Puts members into a sorted set, or gives them other scores
        zcard 2 rF 1 1 1 sorted-set 1.2.0 Counts the members of a sorted set
        zcount 4 rF 1 1 1 sorted-set 2.0.0 Counts the members in a range of scores
        zdiff -3 rv 0 0 0 sorted-set 6.2.0 Gets the members that are in the first sorted set only
        zdiffstore -4 wmv 1 1 1 sorted-set 6.2.0 Keeps the members that are in the first sorted set only
        zincrby 4 wmF 1 1 1 sorted-set 1.2.0 Adds to the score of a member
        zinter -3 rv 0 0 0 sorted-set 6.2.0 Gets the members that are in all sorted sets
        zintercard -3 rv 0 0 0 sorted-set 7.0.0 Counts the members that are in all sorted sets
        zinterstore -4 wmv 1 1 1 sorted-set 2.0.0 Keeps the members that are in all sorted sets
        zlexcount 4 rF 1 1 1 sorted-set 2.8.9 Counts the members in a range of names
        zmpop -4 wv 0 0 0 sorted-set 7.0.0 Takes members from the first sorted set that has some
        zmscore -3 rF 1 1 1 sorted-set 6.2.0 Gets the scores of members
        zpopmax -2 wF 1 1 1 sorted-set 5.0.0 Takes the members with the highest scores
        zpopmin -2 wF 1 1 1 sorted-set 5.0.0 Takes the members with the lowest scores
        zrandmember -2 r 1 1 1 sorted-set 6.2.0 Gets members at random
        zrange -4 r 1 1 1 sorted-set 1.2.0 Gets a range of members by rank, score or name
        zrangebylex -4 r 1 1 1 sorted-set 2.8.9 Gets the members in a range of names
        zrangebyscore -4 r 1 1 1 sorted-set 1.0.5 Gets the members in a range of scores
        zrangestore -5 wm 1 2 1 sorted-set 6.2.0 Keeps a range of members
        zrank 3 rF 1 1 1 sorted-set 2.0.0 Gets the rank of a member, from the lowest score
        zrem -3 wF 1 1 1 sorted-set 1.2.0 Takes members out of a sorted set
        zremrangebylex 4 w 1 1 1 sorted-set 2.8.9 Takes out the members in a range of names
        zremrangebyrank 4 w 1 1 1 sorted-set 2.0.0 Takes out the members in a range of ranks
        zremrangebyscore 4 w 1 1 1 sorted-set 1.2.0 Takes out the members in a range of scores
        zrevrange -4 r 1 1 1 sorted-set 1.2.0 Gets a range of members from the highest score
        zrevrangebylex -4 r 1 1 1 sorted-set 2.8.9 Gets the members in a range of names from the last
        zrevrangebyscore -4 r 1 1 1 sorted-set 2.2.0 Gets the members in a range of scores from the highest
        zrevrank 3 rF 1 1 1 sorted-set 2.0.0 Gets the rank of a member, from the highest score
        zscan -3 r 1 1 1 sorted-set 2.8.0 Walks along the members of a sorted set
        zscore 3 rF 1 1 1 sorted-set 1.2.0 Gets the score of a member
        zunion -3 rv 0 0 0 sorted-set 6.2.0 Gets the members that are in any sorted set
        zunionstore -4 wmv 1 1 1 sorted-set 2.0.0 Keeps the members that are in any sorted set
        """

    /// Commands of Redis that are refused, each group with its reason.
    static let refusals: [(reason: String, names: String)] = [
        (
            "streams are not kept in a cache",
            """
            xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim
            """
        ),
        ("scripts are not run", "eval eval_ro evalsha evalsha_ro fcall fcall_ro function script"),
        (
            "this server has no cluster and no replicas",
            "asking cluster migrate psync readonly readwrite replconf replicaof restore-asking slaveof sync"
        ),
        ("nothing is written to disk", "bgrewriteaof bgsave dump lastsave restore save"),
        ("there is one database", "move swapdb"),
        ("there is one user; a password is set where the server is started", "acl"),
        ("this server has no modules", "module"),
        ("positions are not kept", "geoadd geodist geohash geopos georadius geosearch geosearchstore"),
        ("distinct counts are not kept", "pfadd pfcount pfdebug pfmerge pfselftest"),
        (
            "fields have no lives of their own",
            "hexpire hexpireat hexpiretime hpersist hpexpire hpexpireat hpexpiretime hpttl httl"
        ),
        ("sharded channels are for clusters", "spublish ssubscribe sunsubscribe"),
        (
            "it is not served here",
            "debug failover latency lcs lolwut monitor shutdown sort sort_ro waitaof"
        ),
    ]
}
