import Glibc

/// A list of byte strings: a chain of parts of up to 8 KiB, so that a push writes behind the last element, or before the first.
///
/// An element that is larger than a part has a part of its own.
struct ListValue: ~Copyable {
    /// Most bytes of a part with more than one element; Redis's list-max-listpack-size -2.
    static let partBytesMax = 8 << 10
    private static let firstRoom = 88

    private(set) var count = 0
    private(set) var first: ListPart?
    private(set) var last: ListPart?
    private var partBytes = 0

    /// What it takes, in bytes.
    var weight: Int { partBytes + 48 }

    init() {}

    deinit {
        var next = first
        while let part = next {
            next = part.next
            BlockMemory.free(part.base)
        }
    }

    // MARK: The ends

    @inline(__always)
    mutating func pushLast(_ element: UnsafeRawBufferPointer) {
        let needed = ListPart.bytes(element.count)
        let part: ListPart
        if let last, last.room &- last.end >= needed { part = last } else { part = makeRoomLast(needed) }
        part.write(element, at: part.end)
        part.end &+= needed
        part.count &+= 1
        count &+= 1
    }

    @inline(__always)
    mutating func pushFirst(_ element: UnsafeRawBufferPointer) {
        let needed = ListPart.bytes(element.count)
        let part: ListPart
        if let first, first.start >= needed { part = first } else { part = makeRoomFirst(needed) }
        part.start &-= needed
        part.write(element, at: part.start)
        part.count &+= 1
        count &+= 1
    }

    mutating func dropFirst() {
        guard let part = first else { return }
        count &-= 1
        part.count &-= 1
        if part.count == 0 { return unlink(part) }
        part.start = part.after(part.start)
    }

    mutating func dropLast() {
        guard let part = last else { return }
        count &-= 1
        part.count &-= 1
        if part.count == 0 { return unlink(part) }
        part.end = part.before(part.end)
    }

    var firstElement: UnsafeRawBufferPointer? { first.map { $0.element(at: $0.start) } }
    var lastElement: UnsafeRawBufferPointer? { last.map { $0.element(at: $0.before($0.end)) } }

    /// The room of a new part, or of one that grows, in which `needed` more bytes than `used` must fit.
    private func room(_ used: Int, _ needed: Int) -> Int {
        let wanted = used + needed
        if wanted > Self.partBytesMax { return wanted }
        let least = used == 0 && count == 0 ? Self.firstRoom : used == 0 ? Self.partBytesMax : used * 2
        return BlockMemory.usable(ListPart.headBytes + min(Self.partBytesMax, max(least, wanted))) - ListPart.headBytes
    }

    @inline(never)
    private mutating func makeRoomLast(_ needed: Int) -> ListPart {
        if let last, last.used + needed <= Self.partBytesMax {
            // Elements were taken from the front, or the part is still small.
            if last.room - last.used >= needed, last.used <= last.room / 2 {
                slide(last, to: 0)
                return last
            }
            return rebuild(last, room: room(last.used, needed), start: 0)
        }
        let part = ListPart(room: room(0, needed), start: 0)
        insert(part, after: last)
        return part
    }

    @inline(never)
    private mutating func makeRoomFirst(_ needed: Int) -> ListPart {
        if let first, first.used + needed <= Self.partBytesMax {
            if first.room - first.used >= needed, first.used <= first.room / 2 {
                slide(first, to: first.room - first.used)
                return first
            }
            let room = room(first.used, needed)
            return rebuild(first, room: room, start: room - first.used)
        }
        let room = room(0, needed)
        let part = ListPart(room: room, start: room)
        insert(part, after: nil)
        return part
    }

    private func slide(_ part: ListPart, to start: Int) {
        memmove(part.data + start, part.data + part.start, part.used)
        part.end = start + part.used
        part.start = start
    }

    // MARK: Parts

    private mutating func insert(_ part: ListPart, after previous: ListPart?) {
        let next = previous == nil ? first : previous?.next
        part.previous = previous
        part.next = next
        if let previous { previous.next = part } else { first = part }
        if let next { next.previous = part } else { last = part }
        partBytes += part.weight
    }

    private mutating func unlink(_ part: ListPart) {
        if let previous = part.previous { previous.next = part.next } else { first = part.next }
        if let next = part.next { next.previous = part.previous } else { last = part.previous }
        partBytes -= part.weight
        BlockMemory.free(part.base)
    }

    /// The same elements in a part of another size.
    private mutating func rebuild(_ old: ListPart, room: Int, start: Int) -> ListPart {
        let part = ListPart(room: room, start: start)
        memcpy(part.data + start, old.data + old.start, old.used)
        part.end = start + old.used
        part.count = old.count
        insert(part, after: old)
        unlink(old)
        return part
    }

    /// A part and where in it an element begins.
    struct Place {
        let part: ListPart
        let offset: Int
        var element: UnsafeRawBufferPointer { part.element(at: offset) }
    }

    /// Where the element number `index`, counted from the front, is; `nil` where there is none.
    func place(of index: Int) -> Place? {
        guard index >= 0, index < count else { return nil }
        if index < count / 2 {
            var (part, left) = (first, index)
            while let here = part {
                if left < here.count { return Place(part: here, offset: here.offset(of: left)) }
                left -= here.count
                part = here.next
            }
        } else {
            var (part, left) = (last, count - 1 - index)
            while let here = part {
                if left < here.count { return Place(part: here, offset: here.offset(of: here.count - 1 - left)) }
                left -= here.count
                part = here.previous
            }
        }
        return nil
    }

    /// The place behind one, or `nil` at the end.
    func place(after place: Place) -> Place? {
        let offset = place.part.after(place.offset)
        if offset < place.part.end { return Place(part: place.part, offset: offset) }
        return place.part.next.map { Place(part: $0, offset: $0.start) }
    }

    /// The place before one, or `nil` at the front.
    func place(before place: Place) -> Place? {
        if place.offset > place.part.start {
            return Place(part: place.part, offset: place.part.before(place.offset))
        }
        return place.part.previous.map { Place(part: $0, offset: $0.before($0.end)) }
    }

    // MARK: The middle

    /// Puts `bytes` of `added` elements in the place of those from `offset` to `end` of a part, which are `removed`.
    private mutating func splice(
        _ part: ListPart,
        _ offset: Int,
        _ end: Int,
        removed: Int,
        with element: UnsafeRawBufferPointer?
    ) {
        count += (element == nil ? 0 : 1) - removed
        let needed = element.map { ListPart.bytes($0.count) } ?? 0
        let (head, tail) = (offset - part.start, part.end - end)
        let remaining = part.count - removed + (element == nil ? 0 : 1)
        if remaining == 0 { return unlink(part) }
        // Others behind a part that is full go to a part of their own.
        if head + needed + tail > max(Self.partBytesMax, part.used), tail > 0 {
            let behind = split(part, at: end)
            if head == 0, needed == 0 { return unlink(part) }
            return spliceTail(part, offset, removed: removed, behind: behind, with: element)
        }
        let wanted = head + needed + tail
        let new = ListPart(room: BlockMemory.usable(ListPart.headBytes + wanted) - ListPart.headBytes, start: 0)
        memcpy(new.data, part.data + part.start, head)
        if let element { new.write(element, at: head) }
        memcpy(new.data + head + needed, part.data + end, tail)
        new.end = wanted
        new.count = remaining
        insert(new, after: part)
        unlink(part)
    }

    /// Ends a part at `offset` and puts an element behind it, in a part of its own where it does not fit.
    private mutating func spliceTail(
        _ part: ListPart,
        _ offset: Int,
        removed: Int,
        behind: ListPart,
        with element: UnsafeRawBufferPointer?
    ) {
        part.end = offset
        part.count -= removed
        guard let element else { return }
        let needed = ListPart.bytes(element.count)
        let own = ListPart(room: BlockMemory.usable(ListPart.headBytes + needed) - ListPart.headBytes, start: 0)
        own.write(element, at: 0)
        own.end = needed
        own.count = 1
        insert(own, after: behind.previous)
        if part.count == 0 { unlink(part) }
    }

    /// Moves the elements from `offset` on to a part of their own.
    private mutating func split(_ part: ListPart, at offset: Int) -> ListPart {
        let bytes = part.end - offset
        let behind = ListPart(room: BlockMemory.usable(ListPart.headBytes + bytes) - ListPart.headBytes, start: 0)
        memcpy(behind.data, part.data + offset, bytes)
        behind.end = bytes
        var walk = offset
        while walk < part.end {
            walk = part.after(walk)
            behind.count += 1
        }
        part.end = offset
        part.count -= behind.count
        insert(behind, after: part)
        return behind
    }

    /// Puts another element in the place of one.
    mutating func replace(_ place: Place, with element: UnsafeRawBufferPointer) {
        let old = place.element
        if old.count == element.count {
            memcpy(UnsafeMutableRawPointer(mutating: old.start), element.start, element.count)
        } else {
            splice(place.part, place.offset, place.part.after(place.offset), removed: 1, with: element)
        }
    }

    /// Puts an element before the one at `place`.
    mutating func insert(_ element: UnsafeRawBufferPointer, before place: Place) {
        splice(place.part, place.offset, place.offset, removed: 0, with: element)
    }

    /// Puts an element behind the one at `place`.
    mutating func insert(_ element: UnsafeRawBufferPointer, after place: Place) {
        let offset = place.part.after(place.offset)
        splice(place.part, offset, offset, removed: 0, with: element)
    }

    /// Takes an element out.
    mutating func remove(_ place: Place) {
        splice(place.part, place.offset, place.part.after(place.offset), removed: 1, with: nil)
    }

    /// Takes out up to `most` elements equal to `element`, from the front or from the back.
    ///
    /// - Returns: How many went.
    mutating func removeAll(equalTo element: UnsafeRawBufferPointer, most: Int, fromBack: Bool) -> Int {
        var removed = 0
        var part = fromBack ? last : first
        while let here = part, removed < most {
            part = fromBack ? here.previous : here.next
            removed += filter(here, element, most - removed, fromBack)
        }
        return removed
    }

    /// Takes elements out of one part, by writing those that stay one behind the other.
    private mutating func filter(
        _ part: ListPart,
        _ element: UnsafeRawBufferPointer,
        _ most: Int,
        _ fromBack: Bool
    ) -> Int {
        var matches = 0
        var walk = part.start
        while walk < part.end {
            if part.element(at: walk).isEqual(to: element) { matches += 1 }
            walk = part.after(walk)
        }
        if matches == 0 { return 0 }
        let removed = min(matches, most)
        if removed == part.count {
            count -= removed
            unlink(part)
            return removed
        }
        var (skip, left) = (fromBack ? matches - removed : 0, removed)
        var written = part.start
        walk = part.start
        while walk < part.end {
            let after = part.after(walk)
            let isMatch = left > 0 && part.element(at: walk).isEqual(to: element)
            if isMatch, skip == 0 {
                left -= 1
            } else {
                if isMatch { skip -= 1 }
                memmove(part.data + written, part.data + walk, after - walk)
                written += after - walk
            }
            walk = after
        }
        part.end = written
        part.count -= removed
        count -= removed
        return removed
    }

    /// Keeps the elements from number `start` up to, not including, `end`.
    mutating func trim(_ start: Int, _ end: Int) {
        var front = start
        while front > 0, let part = first {
            if part.count <= front {
                front -= part.count
                count -= part.count
                unlink(part)
            } else {
                part.start = part.offset(of: front)
                part.count -= front
                count -= front
                front = 0
            }
        }
        var back = count - (end - start)
        while back > 0, let part = last {
            if part.count <= back {
                back -= part.count
                count -= part.count
                unlink(part)
            } else {
                part.end = part.offset(of: part.count - back)
                part.count -= back
                count -= back
                back = 0
            }
        }
    }

    /// Forgets parts of up to about `most` elements; true once there is none.
    mutating func release(_ most: Int) -> Bool {
        var left = most
        while let part = first, left > 0 {
            left -= part.count
            count -= part.count
            unlink(part)
        }
        return first == nil
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the same bytes are there.
    @inline(__always)
    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        count == other.count && memcmp(start, other.start, count) == 0
    }
}
