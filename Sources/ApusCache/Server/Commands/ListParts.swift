/// Lists: the middle.
extension CacheCore {
    func lindex(_ call: Call) {
        guard let index = call.integer(2) else { return refuse(Refusal.notInteger) }
        guard case .found(let entry) = typed(call[1], .list, or: { out.pointee.null(call.version) }) else { return }
        let list = entry.list
        if let place = list.pointee.place(of: index < 0 ? index + list.pointee.count : index) {
            out.pointee.bulk(place.element)
        } else {
            out.pointee.null(call.version)
        }
    }

    /// The elements that two indexes name, as Redis reads them: the last included, negative from the back.
    func indexes(_ first: Int, _ last: Int, of count: Int) -> Range<Int> {
        let start = max(0, first < 0 ? first + count : first)
        let end = min(count - 1, last < 0 ? last + count : last)
        return start > end || start >= count ? 0..<0 : start..<end + 1
    }

    func lrange(_ call: Call) {
        guard let first = call.integer(2), let last = call.integer(3) else { return refuse(Refusal.notInteger) }
        guard case .found(let entry) = typed(call[1], .list, or: { out.pointee.array(0) }) else { return }
        let list = entry.list
        let range = indexes(first, last, of: list.pointee.count)
        out.pointee.array(range.count)
        var place = range.isEmpty ? nil : list.pointee.place(of: range.lowerBound)
        for _ in range {
            guard let here = place else { return }
            out.pointee.bulk(here.element)
            place = list.pointee.place(after: here)
        }
    }

    func lset(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .list, or: { refuse(Refusal.noKey) }) else { return }
        guard let index = call.integer(2) else { return refuse(Refusal.notInteger) }
        let list = entry.list
        guard let place = list.pointee.place(of: index < 0 ? index + list.pointee.count : index) else {
            return refuse(Refusal.indexOutOfRange)
        }
        let before = entry.weight
        list.pointee.replace(place, with: call[3])
        finish(call[1], entry, before, changed: true, call)
        ok()
    }

    func linsert(_ call: Call) {
        let isBefore = call.isWord(2, "before")
        guard isBefore || call.isWord(2, "after") else { return refuse(Refusal.syntax) }
        guard case .found(let entry) = typed(call[1], .list, or: { out.pointee.integer(0) }) else { return }
        let list = entry.list
        var place = list.pointee.place(of: 0)
        while let here = place, !here.element.isEqual(to: call[3]) { place = list.pointee.place(after: here) }
        guard let pivot = place else { return out.pointee.integer(-1) }
        let before = entry.weight
        if isBefore {
            list.pointee.insert(call[4], before: pivot)
        } else {
            list.pointee.insert(call[4], after: pivot)
        }
        finish(call[1], entry, before, changed: true, call)
        out.pointee.integer(list.pointee.count)
    }

    func lrem(_ call: Call) {
        guard let count = call.integer(2) else { return refuse(Refusal.notInteger) }
        guard case .found(let entry) = typed(call[1], .list, or: { out.pointee.integer(0) }) else { return }
        let before = entry.weight
        let most = count == 0 ? Int.max : Int(clamping: count.magnitude)
        let removed = entry.list.pointee.removeAll(equalTo: call[3], most: most, fromBack: count < 0)
        finish(call[1], entry, before, changed: removed > 0, call)
        out.pointee.integer(removed)
    }

    func ltrim(_ call: Call) {
        guard let first = call.integer(2), let last = call.integer(3) else { return refuse(Refusal.notInteger) }
        guard case .found(let entry) = typed(call[1], .list, or: { ok() }) else { return }
        let before = entry.weight
        let range = indexes(first, last, of: entry.list.pointee.count)
        entry.list.pointee.trim(range.lowerBound, range.upperBound)
        finish(call[1], entry, before, changed: true, call)
        ok()
    }

    func lpos(_ call: Call) {
        var (rank, wanted, most) = (1, Int?.none, 0)
        var index = 3
        while index < call.count {
            guard index + 1 < call.count else { return refuse(Refusal.syntax) }
            guard let value = call.integer(index + 1) else { return refuse(Refusal.notInteger) }
            if call.isWord(index, "rank") {
                guard value != 0, value != .min else {
                    return refuse(
                        "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list\r\n"
                    )
                }
                rank = value
            } else if call.isWord(index, "count") {
                guard value >= 0 else { return refuse("-ERR COUNT can't be negative\r\n") }
                wanted = value
            } else if call.isWord(index, "maxlen") {
                guard value >= 0 else { return refuse("-ERR MAXLEN can't be negative\r\n") }
                most = value
            } else {
                return refuse(Refusal.syntax)
            }
            index += 2
        }
        switch typed(call[1], .list) {
        case .refused: return
        case .missing: if wanted == nil { out.pointee.null(call.version) } else { out.pointee.array(0) }
        case .found(let entry):
            let found = positions(entry.list, call[2], rank, wanted ?? 1, most)
            if wanted == nil {
                if let first = found.first { out.pointee.integer(first) } else { out.pointee.null(call.version) }
            } else {
                out.pointee.array(found.count)
                for position in found { out.pointee.integer(position) }
            }
        }
    }

    /// Where elements equal to one are, from the match number `rank` on; `wanted` 0 is all, `most` 0 looks at all.
    private func positions(
        _ list: UnsafeMutablePointer<ListValue>,
        _ element: UnsafeRawBufferPointer,
        _ rank: Int,
        _ wanted: Int,
        _ most: Int
    ) -> [Int] {
        var found: [Int] = []
        let count = list.pointee.count
        let fromBack = rank < 0
        var skip = abs(rank) - 1
        var place = list.pointee.place(of: fromBack ? count - 1 : 0)
        var looked = 0
        while let here = place, most == 0 || looked < most {
            if here.element.isEqual(to: element) {
                if skip == 0 {
                    found.append(fromBack ? count - 1 - looked : looked)
                    if wanted != 0, found.count == wanted { break }
                } else {
                    skip -= 1
                }
            }
            looked += 1
            place = fromBack ? list.pointee.place(before: here) : list.pointee.place(after: here)
        }
        return found
    }
}
