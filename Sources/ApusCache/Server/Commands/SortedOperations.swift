/// Several sorted sets.
extension CacheCore {
    private enum Aggregate {
        case sum, min, max

        func join(_ left: Double, _ right: Double) -> Double {
            switch self {
            case .min: return Swift.min(left, right)
            case .max: return Swift.max(left, right)
            case .sum:
                let sum = left + right
                // Infinity and minus infinity are nothing, as in Redis.
                return sum.isNaN ? 0 : sum
            }
        }
    }

    /// A set or sorted set to be combined, with what its scores are multiplied by.
    private struct Operand {
        let entry: KeyEntry?
        var weight = 1.0

        var count: Int { entry?.elementCount ?? 0 }

        /// The score of a member, or `nil`; members of sets have 1.
        func score(_ member: UnsafeRawBufferPointer, _ hash: UInt32) -> Double? {
            guard let entry else { return nil }
            if entry.kind == .set { return entry.set.pointee.contains(member, hash) ? weighted(1) : nil }
            return entry.sorted.pointee.find(member, hash).map { weighted($0.score) }
        }

        func forEach(_ body: (UnsafeRawBufferPointer, Double) -> Void) {
            guard let entry else { return }
            if entry.kind == .set {
                entry.set.pointee.forEach { body($0, weighted(1)) }
            } else {
                entry.sorted.pointee.forEach { body($0.member, weighted($0.score)) }
            }
        }

        private func weighted(_ score: Double) -> Double {
            let product = score * weight
            return product.isNaN ? 0 : product
        }
    }

    private struct Request {
        var operands: [Operand]
        var aggregate = Aggregate.sum
        var withScores = false
        var limit = Int.max
    }

    /// `ZUNION`, `ZINTER`, `ZDIFF`, those that store, and `ZINTERCARD`.
    enum SortedOutcome { case reply, store, count }

    /// Reads the number of keys at `index`, the keys and what stands behind them; `nil` where it was refused.
    private func request(
        _ call: Call,
        _ index: Int,
        _ operation: SetOperation,
        _ outcome: SortedOutcome
    ) -> Request? {
        guard let number = call.integer(index) else {
            refuse(Refusal.notInteger)
            return nil
        }
        guard number > 0 else {
            if outcome == .count {
                refuse(Refusal.numkeysNotPositive)
            } else {
                let name = Call.shown(call[0]).lowercased()
                out.pointee.error("ERR at least 1 input key is needed for '\(name)' command")
            }
            return nil
        }
        guard number < call.count - index else {
            refuse(Refusal.syntax)
            return nil
        }
        var request = Request(operands: [])
        for place in index + 1...index + number {
            let entry = keys.pointee.read(call[place])
            if let entry, entry.kind != .set, entry.kind != .sorted {
                refuse(Refusal.wrongType)
                return nil
            }
            request.operands.append(Operand(entry: entry))
        }
        return readOptions(call, index + number + 1, operation, outcome, &request) ? request : nil
    }

    private func readOptions(
        _ call: Call,
        _ first: Int,
        _ operation: SetOperation,
        _ outcome: SortedOutcome,
        _ request: inout Request
    ) -> Bool {
        if outcome == .count {
            guard let limit = cardinalityLimit(call, first) else { return false }
            request.limit = limit
            return true
        }
        var index = first
        let number = request.operands.count
        while index < call.count {
            if operation != .difference, call.isWord(index, "weights"), index + number < call.count {
                for place in 0..<number {
                    guard let weight = call.double(index + 1 + place) else {
                        refuse("-ERR weight value is not a float\r\n")
                        return false
                    }
                    request.operands[place].weight = weight
                }
                index += number + 1
            } else if operation != .difference, call.isWord(index, "aggregate"), index + 1 < call.count {
                if call.isWord(index + 1, "sum") {
                    request.aggregate = .sum
                } else if call.isWord(index + 1, "min") {
                    request.aggregate = .min
                } else if call.isWord(index + 1, "max") {
                    request.aggregate = .max
                } else {
                    refuse(Refusal.syntax)
                    return false
                }
                index += 2
            } else if outcome == .reply, call.isWord(index, "withscores") {
                request.withScores = true
                index += 1
            } else {
                refuse(Refusal.syntax)
                return false
            }
        }
        return true
    }

    func combineSorted(_ call: Call, _ operation: SetOperation, _ outcome: SortedOutcome) {
        guard let request = request(call, outcome == .store ? 2 : 1, operation, outcome) else { return }
        var result = SortedValue(seed: keys.pointee.random.next())
        combine(request, operation, into: &result)
        switch outcome {
        case .count: out.pointee.integer(min(result.count, request.limit))
        case .store: store(&result, call[1], call)
        case .reply:
            let withScores = request.withScores
            out.pointee.array(withScores && call.version == .two ? result.count * 2 : result.count)
            result.forEach { node in
                if withScores, call.version == .three { out.pointee.array(2) }
                out.pointee.bulk(node.member)
                if withScores { out.pointee.double(node.score, call.version) }
            }
        }
    }

    private func combine(_ request: Request, _ operation: SetOperation, into result: inout SortedValue) {
        let aggregate = request.aggregate
        switch operation {
        case .union:
            for operand in request.operands {
                operand.forEach { member, score in
                    let hash = keys.pointee.hash(member)
                    if let node = result.find(member, hash) {
                        result.move(node, to: aggregate.join(node.score, score))
                    } else {
                        result.insert(member, hash, score)
                    }
                }
            }
        case .intersection:
            // The smallest first: what is not there need not be looked for in the others.
            let operands = request.operands.sorted { $0.count < $1.count }
            operands.first?.forEach { member, score in
                let hash = keys.pointee.hash(member)
                var sum = score
                for operand in operands.dropFirst() {
                    guard let other = operand.score(member, hash) else { return }
                    sum = aggregate.join(sum, other)
                }
                result.insert(member, hash, sum)
            }
        case .difference:
            request.operands.first?.forEach { member, score in
                let hash = keys.pointee.hash(member)
                for operand in request.operands.dropFirst() where operand.score(member, hash) != nil { return }
                result.insert(member, hash, score)
            }
        }
    }
}
