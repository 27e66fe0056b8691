import ApusCore
import ApusRuntime

/// Reads what another process writes, a line at a time.
enum LineFeed {
    /// Hands each line to `body` until the other side closes; closes the channel then.
    ///
    /// A line longer than `lineBytesMax` is left out as a whole.
    static func run(_ channel: Channel, lineBytesMax: Int, _ body: (String) -> Void) async {
        var line: [UInt8] = []
        var isTooLong = false
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        defer { channel.close() }
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count):
                for byte in chunk[..<count] {
                    guard byte == UInt8(ascii: "\n") else {
                        if line.count < lineBytesMax { line.append(byte) } else { isTooLong = true }
                        continue
                    }
                    if !isTooLong, !line.isEmpty { body(String(decoding: line, as: UTF8.self)) }
                    line.removeAll(keepingCapacity: true)
                    isTooLong = false
                }
            case .wouldBlock: if await channel.readable(by: .distantFuture) != .ready { return }
            case .end, .failed: return
            }
        }
    }
}
