/// Doubly linked lists of numbers, from the oldest to the newest; a number is in one of them at most.
///
/// The lists share one array of links. Each list has an element of its own at the start of it that closes the ring, so
/// that no operation asks whether a neighbour exists.
struct PolicyLists: ~Copyable {
    struct Links {
        var newer: Int32
        var older: Int32
    }

    private let lists: Int
    private var links = FlatArray<Links>()

    init(lists: Int) {
        self.lists = lists
        for list in 0..<lists { links.append(Links(newer: Int32(list), older: Int32(list))) }
    }

    var bytes: Int { links.bytes }

    /// Makes room for `number`.
    mutating func reserve(_ number: Int) { links.grow(to: number + lists + 1, Links(newer: 0, older: 0)) }

    /// The oldest number of a list; `nil` where it is empty.
    func oldest(_ list: Int = 0) -> Int? {
        let index = Int(links[list].newer)
        return index < lists ? nil : index - lists
    }

    /// The number that follows in a list; `nil` after the newest.
    func newer(than number: Int) -> Int? {
        let index = Int(links[number + lists].newer)
        return index < lists ? nil : index - lists
    }

    /// Puts a number that is in no list at the new end.
    mutating func push(_ number: Int, _ list: Int = 0) {
        let index = Int32(number + lists)
        let last = links[list].older
        links[Int(index)] = Links(newer: Int32(list), older: last)
        links[Int(last)].newer = index
        links[list].older = index
    }

    /// Takes a number out of its list.
    mutating func remove(_ number: Int) {
        let own = links[number + lists]
        links[Int(own.older)].newer = own.newer
        links[Int(own.newer)].older = own.older
    }

    /// Moves a number to the new end of a list.
    mutating func renew(_ number: Int, _ list: Int = 0) {
        remove(number)
        push(number, list)
    }
}
