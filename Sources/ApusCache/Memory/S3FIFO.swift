/// S3-FIFO: a small queue on trial, a main queue with second chances, and a memory of what was lately turned away.
///
/// A read only raises a counter, so it is cheap under a lock. Most entries are never read again and leave by the small
/// queue, a tenth of the capacity; those that were read, or come back soon, go to the main queue.
///
/// - SeeAlso: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.
@usableFromInline
struct S3FIFO: CachePolicy {
    @usableFromInline enum Queue: UInt8 { case none, small, main }

    @usableFromInline struct Item {
        var hash: UInt64 = 0
        var weight = 0
        var next: Int32 = -1
        var previous: Int32 = -1
        @usableFromInline var reads: UInt8 = 0
        var queue = Queue.none
    }

    // A doubly linked list through `items`: in at the head, out at the tail.
    private struct List {
        var head: Int32 = -1
        var tail: Int32 = -1
        var weight = 0
        var count = 0
    }

    private let smallMax: Int
    @usableFromInline var items: [Item] = []
    private var small = List()
    private var main = List()
    private var ghosts = GhostQueue()

    @usableFromInline init(weightMax: Int) { smallMax = max(1, weightMax / 10) }

    @usableFromInline var weight: Int { small.weight + main.weight }

    @inlinable
    mutating func read(_ place: Int) {
        if items[place].reads < 3 { items[place].reads += 1 }
    }

    @usableFromInline
    mutating func inserted(_ place: Int, hash: UInt64, weight: Int) {
        while items.count <= place { items.append(Item()) }
        items[place] = Item(hash: hash, weight: weight)
        if ghosts.remove(hash) { push(place, .main) } else { push(place, .small) }
    }

    @usableFromInline
    mutating func reweighed(_ place: Int, weight: Int) {
        let delta = weight - items[place].weight
        items[place].weight = weight
        if items[place].queue == .small { small.weight += delta } else { main.weight += delta }
        read(place)
    }

    @usableFromInline
    mutating func removed(_ place: Int) { unlink(place) }

    @usableFromInline
    mutating func victim() -> Int? {
        while true {
            if small.count > 0, small.weight > smallMax || main.count == 0 {
                let place = Int(small.tail)
                unlink(place)
                guard items[place].reads == 0 else {
                    items[place].reads = 0
                    push(place, .main)
                    continue
                }
                ghosts.insert(items[place].hash, countMax: max(16, main.count + small.count))
                return place
            }
            guard main.count > 0 else { return nil }
            let place = Int(main.tail)
            unlink(place)
            guard items[place].reads > 0 else { return place }
            items[place].reads -= 1
            push(place, .main)
        }
    }

    private mutating func push(_ place: Int, _ queue: Queue) {
        items[place].queue = queue
        if queue == .small { Self.push(place, &items, &small) } else { Self.push(place, &items, &main) }
    }

    private mutating func unlink(_ place: Int) {
        if items[place].queue == .small {
            Self.unlink(place, &items, &small)
        } else {
            Self.unlink(place, &items, &main)
        }
        items[place].queue = .none
    }

    private static func push(_ place: Int, _ items: inout [Item], _ list: inout List) {
        items[place].previous = -1
        items[place].next = list.head
        if list.head >= 0 { items[Int(list.head)].previous = Int32(place) } else { list.tail = Int32(place) }
        list.head = Int32(place)
        list.weight += items[place].weight
        list.count += 1
    }

    private static func unlink(_ place: Int, _ items: inout [Item], _ list: inout List) {
        let (previous, next) = (items[place].previous, items[place].next)
        if previous >= 0 { items[Int(previous)].next = next } else { list.head = next }
        if next >= 0 { items[Int(next)].previous = previous } else { list.tail = previous }
        list.weight -= items[place].weight
        list.count -= 1
    }
}

/// The hashes of entries that were turned away lately, first in, first out.
struct GhostQueue {
    private var numbers: [UInt64: Int] = [:]
    // Hashes by the number they got; a hash that came again has a later number in `numbers`.
    private var queue: [UInt64] = []
    private var first = 0
    private var start = 0

    var count: Int { numbers.count }

    mutating func insert(_ hash: UInt64, countMax: Int) {
        numbers[hash] = first + queue.count
        queue.append(hash)
        while numbers.count > countMax || queue.count - start > 2 * countMax {
            let oldest = queue[start]
            if numbers[oldest] == first + start { numbers[oldest] = nil }
            start += 1
        }
        if start > 1024, start * 2 > queue.count {
            queue.removeFirst(start)
            first += start
            start = 0
        }
    }

    /// Whether it was there; it no longer is.
    mutating func remove(_ hash: UInt64) -> Bool { numbers.removeValue(forKey: hash) != nil }
}
