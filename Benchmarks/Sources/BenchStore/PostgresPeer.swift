import ApusCore
import BenchKit
import CLinux
import CPostgres
import Glibc

/// Point reads by libpq alone, as a careful program uses it: non-blocking, in pipeline mode, one thread, one epoll.
//
// `@unchecked Sendable` is sound because the rounds, which use it, come one after the other.
final class PostgresPeer: @unchecked Sendable {
    /// How often the server is told that a transaction ends.
    enum Syncs { case eachStatement, eachTurn }

    private struct Connection {
        let handle: OpaquePointer
        /// Results that are to come, those of syncs among them.
        var expected = 0
    }

    private var connections: [Connection] = []
    private let syncs: Syncs
    private let epoll = apus_epoll_create()
    private let events: UnsafeMutablePointer<epoll_event>
    /// The only parameter, and what libpq wants to know of it.
    private let number = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
    private let value = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: 1)
    private let length = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    private let format = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    /// The text of the last row, a copy that outlives the answer.
    private let last = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 1)

    init(url: String, connections count: Int, syncs: Syncs) throws {
        self.syncs = syncs
        events = .allocate(capacity: count)
        number.initialize(to: 0)
        value.initialize(to: UnsafeRawPointer(number).assumingMemoryBound(to: CChar.self))
        length.initialize(to: 8)
        format.initialize(to: 1)
        last.initialize(to: nil)
        for index in 0..<count {
            guard let handle = PQconnectdb(url), PQstatus(handle) == CONNECTION_OK else {
                throw BenchError("libpq cannot connect")
            }
            var types: [Oid] = [20]
            let text = "SELECT id, name, price, stock FROM bench_0.products WHERE id = $1"
            PQclear(PQprepare(handle, "select", text, 1, &types))
            guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
                throw BenchError("libpq has no pipeline mode")
            }
            apus_epoll_add(epoll, PQsocket(handle), APUS_EPOLLIN, UInt64(index))
            connections.append(Connection(handle: handle))
        }
    }

    deinit {
        for connection in connections { PQfinish(connection.handle) }
        close(epoll)
        events.deallocate()
        free(last.pointee)
        number.deallocate()
        value.deallocate()
        length.deallocate()
        format.deallocate()
        last.deallocate()
    }

    /// Keeps `depth` statements on their way on each connection until the time is over.
    func load(depth: Int, seconds: Double, seed: UInt64) throws -> PostgresBench.Load {
        var random = SeededRandom(seed: seed)
        let clock = SystemClock()
        let cpu = processNanoseconds()
        let start = clock.now()
        let end = start + .nanoseconds(Int64(seconds * 1e9))
        var count = 0
        for index in connections.indices { try send(depth, on: index, &random) }
        while connections.contains(where: { $0.expected > 0 }) {
            let ready = apus_epoll_wait(epoll, events, Int32(connections.count), 1_000_000_000)
            guard ready > 0 else { throw BenchError("the server has fallen silent") }
            let isOver = clock.now() >= end
            for event in 0..<Int(ready) {
                let index = Int(apus_epoll_data(events + event))
                let answered = try receive(on: index)
                count += answered
                if !isOver, answered > 0 { try send(answered, on: index, &random) }
            }
        }
        let spent = clock.now() - start
        return PostgresBench.Load(count: count, seconds: spent.seconds, nanoseconds: processNanoseconds() - cpu)
    }

    private func send(_ count: Int, on index: Int, _ random: inout SeededRandom) throws {
        let handle = connections[index].handle
        for _ in 0..<count {
            number.pointee = Int64.random(in: 1...Int64(BenchStore.rows), using: &random).bigEndian
            guard PQsendQueryPrepared(handle, "select", 1, value, length, format, 1) == 1 else {
                throw BenchError("libpq cannot send")
            }
            if syncs == .eachStatement { PQpipelineSync(handle) }
        }
        if syncs == .eachTurn { PQpipelineSync(handle) }
        connections[index].expected += count + (syncs == .eachTurn ? 1 : count)
        guard PQflush(handle) >= 0 else { throw BenchError("libpq cannot send") }
    }

    /// - Returns: How many rows came.
    private func receive(on index: Int) throws -> Int {
        let handle = connections[index].handle
        var answered = 0
        var left = connections[index].expected
        guard PQconsumeInput(handle) == 1 else { throw BenchError("libpq lost a connection") }
        while left > 0, PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else { continue }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK:
                try take(result)
                answered += 1
            case PGRES_PIPELINE_SYNC: break
            default: throw BenchError("libpq: \(String(cString: PQresultErrorMessage(result)))")
            }
            left -= 1
            PQclear(result)
        }
        connections[index].expected = left
        return answered
    }

    /// A row as a C program hands it on: numbers in the machine's order, the text as a copy.
    private func take(_ result: OpaquePointer) throws {
        guard PQntuples(result) == 1, let id = PQgetvalue(result, 0, 0), let name = PQgetvalue(result, 0, 1),
            let price = PQgetvalue(result, 0, 2), let stock = PQgetvalue(result, 0, 3)
        else { throw BenchError("not one row") }
        let size = Int(PQgetlength(result, 0, 1))
        let copy = malloc(size + 1)
        if let copy { memcpy(copy, name, size + 1) }
        free(last.pointee)
        last.pointee = copy
        let sum =
            UnsafeRawPointer(id).loadUnaligned(as: Int64.self).bigEndian
            &+ UnsafeRawPointer(stock).loadUnaligned(as: Int64.self).bigEndian
            &+ Int64(bitPattern: UnsafeRawPointer(price).loadUnaligned(as: UInt64.self).bigEndian)
        guard sum != 0 else { throw BenchError("a row of zeros") }
    }
}
