import Glibc

/// Finds requests in what a client of memcached's protocol sends, text and meta, without its socket and without a copy.
///
/// A request is a line of words, and for those that store something the data behind it. The parser is given the bytes from
/// the request's first on; while it is incomplete it is given them again with more behind, and goes on where it was, so each
/// byte is looked at once. Words and data are ranges in the buffer. Data that is too large is passed over as it comes, and
/// takes no memory.
///
/// - SeeAlso: memcached's doc/protocol.txt (1.6).
//
// Raw memory for the ranges, so that a request counts no references; it has one owner, as the type is not copyable.
struct MemcachedParser: ~Copyable {
    enum Outcome: Equatable {
        /// A request of so many bytes: ``command``, its words, and ``data``.
        case request(bytes: Int)
        /// So many bytes that are passed over.
        case skipped(bytes: Int)
        /// More is needed.
        case incomplete
        /// A request that is refused; behind these bytes it goes on.
        case refused(MemcachedRefusal, bytes: Int)
        /// What cannot be understood; the connection ends.
        case malformed(MemcachedRefusal)
    }

    /// Longest key, in bytes: memcached's own bound.
    static let keyBytesMax = 250
    /// Longest line, in bytes; memcached's own bound.
    static let lineBytesMax = 2048
    /// Longest line that asks for many keys, in bytes.
    static let retrievalBytesMax = 1 << 20
    /// Most bytes of data that is too large which are passed over; who announces more is cut off.
    static let skippedBytesMax = 64 << 20

    /// Longest value, in bytes.
    var valueBytesMax: Int
    /// Set until the client has said who it is; it may send little then.
    var isUnauthenticated = false
    /// The request's first word.
    private(set) var command = MemcachedCommand.version
    /// The request's words, its name among them.
    private(set) var words: UnsafeMutablePointer<RESPRange>
    private(set) var count = 0
    /// The data behind the line, without its end.
    private(set) var data = RESPRange(start: 0, count: 0)
    /// The data ends where it should.
    private(set) var isDataWhole = true
    private var capacity = MemcachedParser.usualCapacity
    // How far the end of the line has been looked for in vain.
    private var searched = 0
    // Bytes of the whole request, once its line is understood; 0 before.
    private var needed = 0
    // Bytes of data that are still to be passed over.
    private var toSkip = 0
    private static let usualCapacity = 32

    init(valueBytesMax: Int) {
        self.valueBytesMax = valueBytesMax
        words = .allocate(capacity: Self.usualCapacity)
    }

    deinit { words.deallocate() }

    /// How many bytes from the request's first on are known to be needed; 0 where that is not known.
    var bytesNeeded: Int { needed }

    /// The client wants no answer.
    func isSilent(_ base: UnsafeRawPointer) -> Bool { count > 1 && word(base, count - 1).isWord("noreply") }

    /// Looks for a request in the `count` bytes at `base`, which begin where one does.
    mutating func parse(_ base: UnsafeRawPointer, _ available: Int) -> Outcome {
        if toSkip > 0 {
            guard available > 0 else { return .incomplete }
            let bytes = min(toSkip, available)
            toSkip -= bytes
            return .skipped(bytes: bytes)
        }
        if needed == 0 {
            guard let newline = endOfLine(base, available) else {
                return searched > lineBytesMax(base, searched) ? fail(.lineTooLong) : .incomplete
            }
            if newline > lineBytesMax(base, newline) { return fail(.lineTooLong) }
            let end = newline > 0 && RESPNumber.byte(base, newline - 1) == 0x0D ? newline - 1 : newline
            split(base, end)
            if let outcome = readLine(base, bytes: newline + 1) { return outcome }
        }
        guard available >= needed else { return .incomplete }
        let bytes = needed
        needed = 0
        if Int(data.start) < bytes {
            let end = Int(data.start) + Int(data.count)
            isDataWhole = RESPNumber.byte(base, end) == 0x0D && RESPNumber.byte(base, end + 1) == 0x0A
        }
        return .request(bytes: bytes)
    }

    // MARK: The line

    /// Where the line feed is, looked for behind what was looked at before.
    private mutating func endOfLine(_ base: UnsafeRawPointer, _ available: Int) -> Int? {
        guard available > searched, let found = memchr(base + searched, 0x0A, available - searched) else {
            searched = max(searched, available)
            return nil
        }
        searched = 0
        return UnsafeRawPointer(found) - base
    }

    /// Longest line that begins like this one.
    private func lineBytesMax(_ base: UnsafeRawPointer, _ length: Int) -> Int {
        guard length > Self.lineBytesMax, !isUnauthenticated else { return Self.lineBytesMax }
        // "get ", "gets ", "gat " and "gats " ask for many keys.
        guard RESPNumber.byte(base, 0) == UInt8(ascii: "g") else { return Self.lineBytesMax }
        let begin = UnsafeRawBufferPointer(start: base, count: 5)
        let name = begin.prefix { $0 != 0x20 }
        return name.count < 5 && MemcachedCommand(UnsafeRawBufferPointer(rebasing: name))?.retrieves ?? false
            ? Self.retrievalBytesMax : Self.lineBytesMax
    }

    private mutating func split(_ base: UnsafeRawPointer, _ end: Int) {
        count = 0
        var offset = 0
        while true {
            while offset < end, RESPNumber.byte(base, offset) == 0x20 { offset += 1 }
            if offset == end { return }
            let start = offset
            while offset < end, RESPNumber.byte(base, offset) != 0x20 { offset += 1 }
            if count == capacity { grow() }
            words[count] = RESPRange(start: UInt32(start), count: UInt32(offset - start))
            count += 1
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<RESPRange>.allocate(capacity: capacity * 2)
        larger.update(from: words, count: count)
        words.deallocate()
        words = larger
        capacity *= 2
    }

    /// Gives the memory of an unusually long line back, once nothing of it is left.
    mutating func shrink() {
        guard capacity > Self.usualCapacity, needed == 0 else { return }
        words.deallocate()
        words = .allocate(capacity: Self.usualCapacity)
        capacity = Self.usualCapacity
        count = 0
    }

    private func word(_ base: UnsafeRawPointer, _ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Int(words[index].start), count: Int(words[index].count))
    }

    private mutating func fail(_ refusal: MemcachedRefusal) -> Outcome {
        searched = 0
        needed = 0
        return .malformed(refusal)
    }

    /// Finds out what the line asks for and how much data follows; an outcome where it is refused.
    private mutating func readLine(_ base: UnsafeRawPointer, bytes: Int) -> Outcome? {
        data = RESPRange(start: UInt32(bytes), count: 0)
        isDataWhole = true
        guard count > 0, let command = MemcachedCommand(word(base, 0)) else {
            // A browser was made to talk to us.
            if count > 0, word(base, count - 1).begins(with: "HTTP/") { return fail(.notMemcached) }
            return .refused(.unknownCommand, bytes: bytes)
        }
        self.command = command
        guard command.wordCounts.contains(count) else { return .refused(command.refusal(ofWords: count), bytes: bytes) }
        guard let place = command.lengthPlace else {
            needed = bytes
            return nil
        }
        guard word(base, 1).count <= Self.keyBytesMax, place < count,
            let length = word(base, place).signedNumber, length >= 0, hasNumbers(base)
        else { return .refused(.badLine, bytes: bytes) }
        guard length <= valueBytesMax, !isUnauthenticated || length <= 1024 else {
            guard length <= Self.skippedBytesMax, !isUnauthenticated else { return fail(.tooLarge) }
            toSkip = length + 2
            return .refused(.tooLarge, bytes: bytes)
        }
        data.count = UInt32(length)
        needed = bytes + length + 2
        return nil
    }

    /// Whether a command that stores has numbers where they belong.
    private func hasNumbers(_ base: UnsafeRawPointer) -> Bool {
        if command == .metaSet { return true }
        guard let flags = word(base, 2).number, flags <= UInt64(UInt32.max), word(base, 3).signedNumber != nil else {
            return false
        }
        return command != .cas || word(base, 5).number != nil
    }
}
