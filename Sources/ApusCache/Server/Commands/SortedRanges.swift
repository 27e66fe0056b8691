/// Which members of a sorted set are meant.
enum SortedRange {
    /// The end of a range of scores.
    struct Score {
        let value: Double
        let isOpen: Bool

        /// `1.5`, `(1.5`, `-inf`.
        init?(_ bytes: UnsafeRawBufferPointer) {
            isOpen = bytes.first == UInt8(ascii: "(")
            let digits = isOpen ? UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) : bytes
            guard let value = Call.double(digits) else { return nil }
            self.value = value
        }
    }

    /// The end of a range of names.
    enum Name {
        case first, last
        case closed([UInt8])
        case open([UInt8])

        /// `-`, `+`, `[a`, `(a`.
        init?(_ bytes: UnsafeRawBufferPointer) {
            switch bytes.first {
            case UInt8(ascii: "-") where bytes.count == 1: self = .first
            case UInt8(ascii: "+") where bytes.count == 1: self = .last
            case UInt8(ascii: "["): self = .closed(Array(bytes.dropFirst()))
            case UInt8(ascii: "("): self = .open(Array(bytes.dropFirst()))
            default: return nil
            }
        }

        /// Whether a member is below the range that begins here.
        func isAbove(_ member: UnsafeRawBufferPointer) -> Bool {
            switch self {
            case .first: false
            case .last: true
            case .closed(let name): name.withUnsafeBytes { member.isBefore($0) }
            case .open(let name): name.withUnsafeBytes { member.isBefore($0) || member.isEqual(to: $0) }
            }
        }

        /// Whether a member is within the range that ends here.
        func reaches(_ member: UnsafeRawBufferPointer) -> Bool {
            switch self {
            case .first: false
            case .last: true
            case .closed(let name): name.withUnsafeBytes { member.isBefore($0) || member.isEqual(to: $0) }
            case .open(let name): name.withUnsafeBytes { member.isBefore($0) }
            }
        }
    }

    /// By place, the last included, negative from the end.
    case ranks(Int, Int)
    case scores(Score, Score)
    case names(Name, Name)

    /// The ranks of the members in the range, from the lowest score.
    func ranks(in value: UnsafeMutablePointer<SortedValue>) -> Range<Int> {
        let count = value.pointee.count
        switch self {
        case .ranks(let first, let last):
            let start = max(0, first < 0 ? first + count : first)
            let end = min(count - 1, last < 0 ? last + count : last)
            return start > end || start >= count ? 0..<0 : start..<end + 1
        case .scores(let low, let high):
            let start = value.pointee.firstNot { $0.score < low.value || low.isOpen && $0.score == low.value }.rank
            let end = value.pointee.firstNot { $0.score < high.value || !high.isOpen && $0.score == high.value }.rank
            return start..<max(start, end)
        case .names(let low, let high):
            let start = value.pointee.firstNot { low.isAbove($0.member) }.rank
            let end = value.pointee.firstNot { high.reaches($0.member) }.rank
            return start..<max(start, end)
        }
    }
}

extension CacheCore {
    /// What `ZRANGE` and its kin ask for.
    struct RangeRequest {
        enum Kind { case ranks, scores, names }
        var kind: Kind
        var isReversed = false
        var withScores = false
        var offset = 0
        var limit = -1
    }

    /// Reads a range of a kind from two arguments, the lower end first; `nil` where it was refused.
    func range(_ call: Call, _ kind: RangeRequest.Kind, _ low: Int, _ high: Int) -> SortedRange? {
        switch kind {
        case .ranks:
            guard let first = call.integer(low), let last = call.integer(high) else {
                refuse(Refusal.notInteger)
                return nil
            }
            return .ranks(first, last)
        case .scores:
            guard let first = SortedRange.Score(call[low]), let last = SortedRange.Score(call[high]) else {
                refuse(Refusal.rangeNotFloat)
                return nil
            }
            return .scores(first, last)
        case .names:
            guard let first = SortedRange.Name(call[low]), let last = SortedRange.Name(call[high]) else {
                refuse(Refusal.rangeNotString)
                return nil
            }
            return .names(first, last)
        }
    }

    /// Reads what stands behind the ends of a range, from `index` on; false where it was refused.
    private func readOptions(_ call: Call, _ index: Int, _ request: inout RangeRequest, isGeneral: Bool) -> Bool {
        var index = index
        var hasLimit = false
        while index < call.count {
            if call.isWord(index, "withscores") {
                request.withScores = true
            } else if call.isWord(index, "limit"), index + 2 < call.count {
                guard let offset = call.integer(index + 1), let limit = call.integer(index + 2) else {
                    refuse(Refusal.notInteger)
                    return false
                }
                (request.offset, request.limit, hasLimit) = (offset, limit, true)
                index += 2
            } else if isGeneral, call.isWord(index, "byscore") {
                request.kind = .scores
            } else if isGeneral, call.isWord(index, "bylex") {
                request.kind = .names
            } else if isGeneral, call.isWord(index, "rev") {
                request.isReversed = true
            } else {
                refuse(Refusal.syntax)
                return false
            }
            index += 1
        }
        if hasLimit, request.limit != -1 || request.offset != 0, request.kind == .ranks {
            refuse("-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n")
            return false
        }
        if request.withScores, request.kind == .names {
            refuse("-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n")
            return false
        }
        return true
    }

    /// `ZRANGE` and its older kin.
    func zrange(_ call: Call, _ request: RangeRequest, isGeneral: Bool = false) {
        var request = request
        guard readOptions(call, 4, &request, isGeneral: isGeneral), let range = readRange(call, 2, request) else {
            return
        }
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.array(0) }) else { return }
        let nodes = members(of: entry.sorted, range, request)
        replyPairs(nodes.count, request.withScores, call.version) { index in
            out.pointee.bulk(nodes[index].member)
            if request.withScores { out.pointee.double(nodes[index].score, call.version) }
        }
    }

    func zrangestore(_ call: Call) {
        var request = RangeRequest(kind: .ranks)
        guard readOptions(call, 5, &request, isGeneral: true) else { return }
        if request.withScores { return refuse(Refusal.syntax) }
        guard let range = readRange(call, 3, request) else { return }
        var result = SortedValue(seed: keys.pointee.random.next())
        switch typed(call[2], .sorted) {
        case .refused: return
        case .missing: break
        case .found(let entry):
            for node in members(of: entry.sorted, range, request) {
                result.insert(node.member, keys.pointee.hash(node.member), node.score)
            }
        }
        store(&result, call[1], call)
    }

    /// The two ends; from the highest score the first is the upper one, but for ranks.
    private func readRange(_ call: Call, _ first: Int, _ request: RangeRequest) -> SortedRange? {
        request.isReversed && request.kind != .ranks
            ? range(call, request.kind, first + 1, first) : range(call, request.kind, first, first + 1)
    }

    /// The members in a range, in the order that was asked for.
    private func members(
        of value: UnsafeMutablePointer<SortedValue>,
        _ range: SortedRange,
        _ request: RangeRequest
    ) -> [SortedNode] {
        var ranks = range.ranks(in: value)
        let count = value.pointee.count
        if request.isReversed, request.kind == .ranks { ranks = count - ranks.upperBound..<count - ranks.lowerBound }
        guard request.offset >= 0, request.offset < ranks.count else { return [] }
        let wanted = request.limit < 0 ? ranks.count - request.offset : min(request.limit, ranks.count - request.offset)
        let start = request.isReversed ? ranks.upperBound - 1 - request.offset : ranks.lowerBound + request.offset
        var nodes: [SortedNode] = []
        nodes.reserveCapacity(wanted)
        var next = value.pointee.node(at: start)
        while nodes.count < wanted, let node = next {
            nodes.append(node)
            next = request.isReversed ? node.previous : node.next
        }
        return nodes
    }

    func zcount(_ call: Call, _ kind: RangeRequest.Kind) {
        guard let range = range(call, kind, 2, 3) else { return }
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(range.ranks(in: entry.sorted).count)
    }

    func zremrange(_ call: Call, _ kind: RangeRequest.Kind) {
        guard let range = range(call, kind, 2, 3) else { return }
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.integer(0) }) else { return }
        let before = entry.weight
        let ranks = range.ranks(in: entry.sorted)
        var next = entry.sorted.pointee.node(at: ranks.lowerBound)
        for _ in ranks {
            guard let node = next else { break }
            next = node.next
            entry.sorted.pointee.remove(node)
        }
        finish(call[1], entry, before, changed: !ranks.isEmpty, call)
        out.pointee.integer(ranks.count)
    }
}
