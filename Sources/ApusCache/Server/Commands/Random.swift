/// Elements at random.
extension CacheCore {
    /// What `SRANDMEMBER`, `HRANDFIELD` and `ZRANDMEMBER` are asked for.
    struct RandomRequest {
        /// How many: each once, or as often as it comes where negative; `nil` for one alone.
        var count: Int?
        var withValues = false
    }

    /// Reads a count and a word behind it; `nil` where it was refused.
    func randomRequest(_ call: Call, _ word: StaticString?) -> RandomRequest? {
        var request = RandomRequest()
        guard call.count > 2 else { return request }
        guard let count = call.integer(2) else {
            refuse(Refusal.notInteger)
            return nil
        }
        // As many as a reply may have, twice over where values come with them.
        guard count >= Int.min / 2 + 1, count <= Int.max / 2 else {
            refuse("-ERR value is out of range\r\n")
            return nil
        }
        request.count = count
        if call.count > 3 {
            guard let word, call.count == 4, call.isWord(3, word) else {
                refuse(Refusal.syntax)
                return nil
            }
            request.withValues = true
        }
        return request
    }

    func replyNothingRandom(_ request: RandomRequest, _ call: Call) {
        if request.count == nil { out.pointee.null(call.version) } else { out.pointee.array(0) }
    }

    /// Draws elements: `wanted` different ones, or `-wanted` of which some may be the same.
    ///
    /// The most of the latter is a million: what a reply may hold is bounded anyway.
    func draw<Element>(
        _ wanted: Int,
        of count: Int,
        one: () -> Element?,
        each: ((Element) -> Void) -> Void
    ) -> [Element] {
        var drawn: [Element] = []
        if wanted < 0 {
            for _ in 0..<min(wanted.magnitude, 1 << 20) {
                if let element = one() { drawn.append(element) }
            }
            return drawn
        }
        // A random choice among all that is seen so far: each of them stays with the same chance.
        // Vitter, "Random sampling with a reservoir", ACM TOMS 1985, algorithm R.
        let size = min(wanted, count)
        guard size > 0 else { return [] }
        var seen = 0
        each { element in
            if drawn.count < size {
                drawn.append(element)
            } else {
                let place = Int(keys.pointee.random.next() % UInt64(seen + 1))
                if place < size { drawn[place] = element }
            }
            seen += 1
        }
        return drawn
    }
}
