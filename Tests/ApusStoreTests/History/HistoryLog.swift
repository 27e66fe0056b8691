import ApusCore
import ApusRuntime
import Glibc

/// A file in which clients of several processes note what they are about to ask, and what they were told.
///
/// A note is in the file before its call begins, so what a killed client has asked is known.
final class HistoryLog: Sendable {
    private let path: String
    private let file: Int32
    private let clock = SystemClock()

    init(_ path: String) throws {
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SystemError("open \(path)") }
    }

    deinit { close(file) }

    /// Notes that a client begins its call number `number`.
    func begins(_ client: Int, _ number: Int, key: Int, _ call: HistoryOperation.Call) {
        let words =
            switch call {
            case .read: "0 0 0"
            case .write(let new): "1 \(new) 0"
            case .exchange(let old, let new): "2 \(old) \(new)"
            }
        note("0 \(client) \(number) \(clock.now().nanoseconds) \(key) \(words)")
    }

    /// Notes what a client was told; `nil` where it was told that nothing was changed.
    func ends(_ client: Int, _ number: Int, _ outcome: HistoryOperation.Outcome?) {
        let time = clock.now().nanoseconds
        let words =
            switch outcome {
            case .value(let value): "0 \(value)"
            case .done: "1 0"
            case .refused: "2 0"
            case .unknown: "3 0"
            case nil: "4 0"
            }
        note("1 \(client) \(number) \(time) \(words)")
    }

    private func note(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        // In one piece, behind what others have noted.
        let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        precondition(count == bytes.count, "a note could not be written")
    }

    /// All calls so far, without those that changed nothing for certain.
    func operations() throws -> [HistoryOperation] {
        struct Name: Hashable { let client, number: Int }
        var begun: [Name: (began: Int64, key: Int, call: HistoryOperation.Call)] = [:]
        var found: [HistoryOperation] = []
        for line in try Files.readText(path).split(separator: "\n") {
            let words = line.split(separator: " ").compactMap { Int($0) }
            let name = Name(client: words[1], number: words[2])
            if words[0] == 0 {
                let call: HistoryOperation.Call =
                    switch words[5] {
                    case 0: .read
                    case 1: .write(words[6])
                    default: .exchange(words[6], words[7])
                    }
                begun[name] = (Int64(words[3]), words[4], call)
            } else if let call = begun.removeValue(forKey: name) {
                let outcomes: [HistoryOperation.Outcome?] = [.value(words[5]), .done, .refused, .unknown, nil]
                guard let outcome = outcomes[words[4]] else { continue }
                found.append(
                    HistoryOperation(
                        name.client,
                        key: call.key,
                        call.call,
                        outcome,
                        began: call.began,
                        ended: Int64(words[3])
                    )
                )
            }
        }
        // Who asked them was killed.
        for (name, call) in begun {
            found.append(
                HistoryOperation(name.client, key: call.key, call.call, .unknown, began: call.began, ended: .max)
            )
        }
        return found
    }
}
