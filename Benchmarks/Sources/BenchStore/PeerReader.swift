import CSQLite
import Glibc

/// Point reads by the C API: one connection and one prepared statement for the whole run, as on the other side.
//
// `@unchecked Sendable` is sound because the rounds, which use it, come one after the other.
final class PeerReader: @unchecked Sendable {
    private let peer: Peer
    private let select: OpaquePointer
    /// The text of the last row.
    //
    // Were it held in a variable alone, the optimiser would see that nobody reads the copy and leave it out.
    private let last: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>

    enum Failure: Error { case answersDiffer }

    init(path: String) throws {
        peer = try Peer(path: path, isReader: true, pageBytes: 4096)
        last = .allocate(capacity: 1)
        last.initialize(to: nil)
        select = try peer.prepare("SELECT id, name, price, stock FROM products WHERE id = ?")
    }

    deinit {
        sqlite3_finalize(select)
        free(last.pointee)
        last.deallocate()
    }

    /// A row as a C program hands it on: it outlives the statement, so its text is a copy that the caller frees.
    private struct Product {
        let id: Int64
        let name: UnsafeMutablePointer<UInt8>
        let nameBytes: Int
        let price: Double
        let stock: Int64

        init(from statement: OpaquePointer) throws {
            id = sqlite3_column_int64(statement, 0)
            let text = sqlite3_column_text(statement, 1)
            nameBytes = Int(sqlite3_column_bytes(statement, 1))
            guard let text, let copy = malloc(nameBytes + 1) else { throw Peer.Failure.run(SQLITE_NOMEM) }
            name = copy.assumingMemoryBound(to: UInt8.self)
            memcpy(copy, text, nameBytes + 1)
            price = sqlite3_column_double(statement, 2)
            stock = sqlite3_column_int64(statement, 3)
        }
    }

    /// Reads rows by key, one after the other, inside one read transaction.
    ///
    /// Both sides deliver the same row, fit to be kept: the text is copied out of the statement's memory. Apus checks
    /// besides that the text is UTF-8 and that the columns have the types of the row, which the peer does not.
    ///
    /// - Returns: Nanoseconds of this thread's CPU a read, and what shows that the rows are the same.
    func read(_ ids: [Int]) throws -> (nanoseconds: Double, sum: Int) {
        let start = threadNanoseconds()
        try peer.run("BEGIN")
        defer { try? peer.run("COMMIT") }
        var sum = 0
        for id in ids {
            sqlite3_bind_int64(select, 1, Int64(id))
            guard sqlite3_step(select) == SQLITE_ROW else { throw Peer.Failure.run(sqlite3_errcode(peer.handle)) }
            let product = try Product(from: select)
            sqlite3_reset(select)
            sum &+= Int(product.id) &+ product.nameBytes &+ Int(product.price) &+ Int(product.stock)
            free(last.pointee)
            last.pointee = product.name
        }
        return (Double(threadNanoseconds() - start) / Double(ids.count), sum)
    }
}
