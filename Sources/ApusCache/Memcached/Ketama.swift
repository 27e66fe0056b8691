import ApusRuntime

/// Which server of several keeps a key: a circle on which each server has many points, 160 on average and by weight, so
/// that one more or one less moves few keys, and clients in other languages agree.
///
/// - SeeAlso: R. Jones, "libketama: a consistent hashing algorithm for memcache clients" (2007); libmemcached's
///   `MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA`.
struct Ketama: Sendable {
    /// A server and its share of the keys.
    struct Server: Sendable, Hashable {
        var host: String
        var port: Int
        /// Its share, beside the others' shares; at least 1.
        var weight = 1
    }

    /// How a server is named where its points are computed: clients of other languages differ in that.
    enum Placement: Sendable, Hashable {
        /// As libmemcached and libketama name it.
        case ketama
        /// As the Java client spymemcached names it.
        case spy
    }

    private let points: [UInt32]
    private let owners: [UInt16]

    /// A circle of at most 65,536 servers.
    init(_ servers: [Server], placement: Placement = .ketama) {
        let total = servers.reduce(0.0) { $0 + Double(max(1, $1.weight)) }
        var places: [(point: UInt32, owner: UInt16)] = []
        for (owner, server) in servers.prefix(1 << 16).enumerated() {
            let share = Double(max(1, server.weight)) / total
            let digests = Int(share * 40 * Double(servers.count) + 1e-10)
            let name =
                switch placement {
                case .ketama: server.port == 11_211 ? server.host : "\(server.host):\(server.port)"
                case .spy: "/\(server.host):\(server.port)"
                }
            for index in 0..<digests {
                let digest = MD5.digest(Array("\(name)-\(index)".utf8))
                for part in 0..<4 { places.append((Self.word(digest, part), UInt16(owner))) }
            }
        }
        places.sort { ($0.point, $0.owner) < ($1.point, $1.owner) }
        points = places.map(\.point)
        owners = places.map(\.owner)
    }

    /// Where on the circle a key lies.
    static func hash(_ key: [UInt8]) -> UInt32 { word(MD5.digest(key), 0) }

    /// The server of a key, as its place in the list; `nil` without servers.
    func server(for key: [UInt8]) -> Int? { owners.isEmpty ? nil : Int(owners[index(of: Self.hash(key))]) }

    /// The point that a hash belongs to: the first that is not before it, around the circle.
    func point(for hash: UInt32) -> UInt32? { points.isEmpty ? nil : points[index(of: hash)] }

    private func index(of hash: UInt32) -> Int {
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low == points.count ? 0 : low
    }

    private static func word(_ digest: [UInt8], _ part: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(digest[part * 4 + $1]) << UInt32(8 * $1) }
    }
}
