import ApusCore
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// A client of memcached's protocol without sockets: text goes in, text comes out.
final class TextClient {
    let bench: CoreBench
    let pointer: ClientPointer

    init(_ bench: CoreBench) {
        self.bench = bench
        pointer = bench.core.connect(from: "test", protocol: .memcached)
    }

    var isClosing: Bool { pointer.pointee.isClosing }

    /// Sends bytes as they are, behind what was not served of those before, and gives what came back.
    func send(_ bytes: [UInt8]) -> [UInt8] {
        bench.core.setTime(bench.clock.now())
        pointer.pointee.input.append(bytes)
        var answers: [UInt8] = []
        while pointer.pointee.input.count > 0, !isClosing {
            let used = bench.core.serve(pointer, pointer.pointee.input.base, pointer.pointee.input.count)
            pointer.pointee.input.removeFirst(used)
            answers += bench.core.out.pointee.bytes
            bench.core.out.pointee.removeAll()
            if used == 0 { break }
        }
        return answers
    }

    /// Sends lines, each of which gets its end, and gives the answers with `|` for their ends.
    @discardableResult
    func lines(_ lines: String...) -> String {
        let text = String(decoding: send(Array(lines.map { $0 + "\r\n" }.joined().utf8)), as: UTF8.self)
        return text.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast().joined(separator: "|")
    }
}

extension PlainConnection {
    /// Connects to the port at the end of `memcached://127.0.0.1:PORT`.
    static func memcached(url: String) throws -> PlainConnection { try PlainConnection(url: url) }

    /// Sends text with `mn` behind it, and gives what came back before the answer to that.
    func exchange(_ bytes: [UInt8]) throws -> [UInt8] {
        try send(bytes + Array("mn\r\n".utf8))
        var answers: [UInt8] = []
        let end = Array("MN\r\n".utf8)
        while !answers.suffix(end.count).elementsEqual(end) { answers += try some() }
        return Array(answers.dropLast(end.count))
    }
}
