/// A growing array of plain values, without `Array`'s copy on write and bounds checks.
///
/// The policies touch a dozen elements for each read of the cache, and every index they use they got from their own
/// bookkeeping. Debug builds check each.
//
// Sound because the memory belongs to this value alone, which cannot be copied; its elements are plain bytes, all of them
// initialised; and `deinit` and `grow` are the only places that give memory back.
struct FlatArray<Element: BitwiseCopyable>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var room: Int
    private(set) var count: Int

    init(repeating element: Element, count: Int) {
        room = max(1, count)
        base = .allocate(capacity: room)
        base.initialize(repeating: element, count: count)
        self.count = count
    }

    init() {
        room = 16
        base = .allocate(capacity: room)
        count = 0
    }

    deinit { base.deallocate() }

    var bytes: Int { room * MemoryLayout<Element>.stride }

    subscript(index: Int) -> Element {
        @inline(__always) get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        @inline(__always) set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    mutating func append(_ element: Element) {
        if count == room { reserve(count + 1) }
        (base + count).initialize(to: element)
        count += 1
    }

    mutating func popLast() -> Element? {
        guard count > 0 else { return nil }
        count -= 1
        return base[count]
    }

    /// Makes it at least `count` long, with `element` in what is new.
    mutating func grow(to count: Int, _ element: Element) {
        guard count > self.count else { return }
        if count > room { reserve(count) }
        (base + self.count).initialize(repeating: element, count: count - self.count)
        self.count = count
    }

    private mutating func reserve(_ wanted: Int) {
        room = max(wanted, room + room / 4 + 16)
        let new = UnsafeMutablePointer<Element>.allocate(capacity: room)
        new.moveInitialize(from: base, count: count)
        base.deallocate()
        base = new
    }
}
