import ApusCore
import BenchKit
import CMariaDB
import Foundation

/// Statements by MariaDB Connector/C alone, as a careful program uses it: a thread a connection, prepared once, results bound.
//
// `@unchecked Sendable` is sound because each connection is used by one thread at a time: a round starts them and waits.
final class MySQLPeer: @unchecked Sendable {
    private struct Connection {
        let handle: UnsafeMutablePointer<MYSQL>
        let select: UnsafeMutablePointer<MYSQL_STMT>
        let update: UnsafeMutablePointer<MYSQL_STMT>
        /// The only parameter, and the row: number, price, stock.
        let numbers: UnsafeMutablePointer<Int64>
        let name: UnsafeMutablePointer<CChar>
        let nameLength: UnsafeMutablePointer<UInt>
    }

    private static let nameBytes: UInt = 256
    private var connections: [Connection] = []

    init(url: String, connections count: Int) throws {
        guard let parts = URLComponents(string: url), let host = parts.host, let port = parts.port else {
            throw BenchError("BENCH_MARIADB is no URL with a host and a port")
        }
        for _ in 0..<count {
            guard let handle = mysql_init(nil),
                mysql_real_connect(
                    handle,
                    host,
                    parts.user,
                    parts.password,
                    MySQLBench.database,
                    UInt32(port),
                    nil,
                    0
                ) != nil
            else { throw BenchError("Connector/C cannot connect") }
            let numbers = UnsafeMutablePointer<Int64>.allocate(capacity: 4)
            numbers.initialize(repeating: 0, count: 4)
            connections.append(
                Connection(
                    handle: handle,
                    select: try Self.prepare(MySQLBench.select, handle),
                    update: try Self.prepare(MySQLBench.update, handle),
                    numbers: numbers,
                    name: .allocate(capacity: Int(Self.nameBytes)),
                    nameLength: .allocate(capacity: 1)
                )
            )
        }
        for connection in connections { try Self.bind(connection) }
    }

    deinit {
        for connection in connections {
            mysql_stmt_close(connection.select)
            mysql_stmt_close(connection.update)
            mysql_close(connection.handle)
            connection.numbers.deallocate()
            connection.name.deallocate()
            connection.nameLength.deallocate()
        }
    }

    private static func prepare(
        _ text: String,
        _ handle: UnsafeMutablePointer<MYSQL>
    ) throws -> UnsafeMutablePointer<MYSQL_STMT> {
        guard let statement = mysql_stmt_init(handle),
            mysql_stmt_prepare(statement, text, UInt(text.utf8.count)) == 0
        else { throw BenchError("Connector/C cannot prepare: \(String(cString: mysql_error(handle)))") }
        return statement
    }

    /// The library keeps copies of what it is told here.
    private static func bind(_ connection: Connection) throws {
        var parameter = MYSQL_BIND()
        parameter.buffer_type = MYSQL_TYPE_LONGLONG
        parameter.buffer = UnsafeMutableRawPointer(connection.numbers)
        for statement in [connection.select, connection.update] where mysql_stmt_bind_param(statement, &parameter) != 0
        {
            throw BenchError("Connector/C cannot bind")
        }
        var row = [MYSQL_BIND](repeating: MYSQL_BIND(), count: 4)
        for (column, place) in [(0, 1), (2, 2), (3, 3)] {
            row[column].buffer_type = column == 2 ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_LONGLONG
            row[column].buffer = UnsafeMutableRawPointer(connection.numbers + place)
        }
        row[1].buffer_type = MYSQL_TYPE_STRING
        row[1].buffer = UnsafeMutableRawPointer(connection.name)
        row[1].buffer_length = nameBytes
        row[1].length = connection.nameLength
        guard mysql_stmt_bind_result(connection.select, &row) == 0 else { throw BenchError("Connector/C cannot bind") }
    }

    /// Runs one statement after the other on each connection until the time is over.
    func load(_ work: PostgresBench.Work, seconds: Double, seed: UInt64) throws -> PostgresBench.Load {
        let clock = SystemClock()
        let cpu = processNanoseconds()
        let start = clock.now()
        let end = start + .nanoseconds(Int64(seconds * 1e9))
        let counts = Lock<[Result<Int, any Error>]>([])
        let threads = connections.indices.map { index in
            let thread = Thread { [self] in
                let result = Result { try run(connections[index], work, until: end, seed: seed &* 31 &+ UInt64(index)) }
                counts.withLock { $0.append(result) }
            }
            thread.start()
            return thread
        }
        while counts.withLock({ $0.count }) < threads.count { usleep(1000) }
        let count = try counts.withLock { try $0.reduce(0) { try $0 + $1.get() } }
        let spent = clock.now() - start
        return PostgresBench.Load(count: count, seconds: spent.seconds, nanoseconds: processNanoseconds() - cpu)
    }

    private func run(_ connection: Connection, _ work: PostgresBench.Work, until end: Instant, seed: UInt64) throws
        -> Int
    {
        mysql_thread_init()
        defer { mysql_thread_end() }
        let clock = SystemClock()
        var random = SeededRandom(seed: seed)
        var count = 0
        let statement = work == .select ? connection.select : connection.update
        while clock.now() < end {
            let id = Int64.random(in: 1...Int64(BenchStore.rows), using: &random)
            connection.numbers[0] = id
            guard mysql_stmt_execute(statement) == 0 else {
                throw BenchError("Connector/C: \(String(cString: mysql_stmt_error(statement)))")
            }
            if work == .select {
                guard mysql_stmt_fetch(statement) == 0, connection.numbers[1] == id else {
                    throw BenchError("not the row")
                }
                // The text as a program hands it on.
                guard !String(cString: connection.name).isEmpty else { throw BenchError("a row without a name") }
                mysql_stmt_free_result(statement)
            }
            count += 1
        }
        return count
    }
}
