import ApusHTTP

/// What became of the requests of one kind, such as `GET /products/{product}`.
struct KindTally: Sendable {
    var requests = 0
    var failures = [Int](repeating: 0, count: Failure.allCases.count)
    /// Answers by the first digit of their status, 1 to 5.
    var statuses = [Int](repeating: 0, count: 6)
    /// Bytes of the bodies received.
    var bytes = 0
    var latency = LatencyCounts()

    var failed: Int { failures.reduce(0, +) }

    mutating func answered(_ status: Status, _ failure: Failure?, bytes count: Int, after nanoseconds: Int64) {
        requests &+= 1
        statuses[Int(status.code) / 100] &+= 1
        bytes &+= count
        latency.record(nanoseconds)
        if let failure { failures[failure.rawValue] &+= 1 }
    }

    mutating func failed(_ failure: Failure, after nanoseconds: Int64) {
        requests &+= 1
        failures[failure.rawValue] &+= 1
        // Whoever waited counts with what they waited; a refusal at once would make the run look quick.
        if failure == .timedOut || failure == .unsent { latency.record(nanoseconds) }
    }

    mutating func add(_ other: KindTally) {
        requests += other.requests
        for index in failures.indices { failures[index] += other.failures[index] }
        for index in statuses.indices { statuses[index] += other.statuses[index] }
        bytes += other.bytes
        latency.add(other.latency)
    }
}

/// How often a check held.
struct CheckTally: Sendable, Hashable {
    var passed = 0
    var failed = 0
}

/// What a loop, or all of them, have seen since they were last asked.
struct Tally: Sendable {
    /// By the index of the kind's name in the loop's ``names``.
    var kinds: [KindTally] = []
    var names: [String] = []
    var checks: [String: CheckTally] = [:]
    /// Arrivals started.
    var arrivals = 0
    /// Visitors that came to the end of their journey, and those that gave up.
    var finished = 0
    var abandoned = 0
    /// How late requests started for reasons of the generator's own.
    var lag = LatencyCounts()
    /// Requests sent once more since an idle connection had been closed under them.
    var resent = 0
    var connects = 0
    /// Visitors, or requests, under way now.
    var underWay = 0
    /// Processor time of the loops' threads in nanoseconds.
    var cpu: Int64 = 0

    /// All kinds together.
    var all: KindTally {
        var all = KindTally()
        for kind in kinds { all.add(kind) }
        return all
    }

    mutating func add(_ other: Tally) {
        for (name, kind) in zip(other.names, other.kinds) {
            if let index = names.firstIndex(of: name) {
                kinds[index].add(kind)
            } else {
                names.append(name)
                kinds.append(kind)
            }
        }
        for (name, check) in other.checks {
            checks[name, default: CheckTally()].passed += check.passed
            checks[name, default: CheckTally()].failed += check.failed
        }
        arrivals += other.arrivals
        finished += other.finished
        abandoned += other.abandoned
        lag.add(other.lag)
        resent += other.resent
        connects += other.connects
        underWay += other.underWay
        cpu += other.cpu
    }
}
