import ApusCore
import ApusRuntime
import Glibc

/// Where a running system keeps its sockets, its token, and what others need to find it; mode 0700.
struct RunFolder: Sendable {
    /// What `ps`, `stop` and others read to find a running system.
    struct Facts: Codable, Sendable, Equatable {
        var pid: Int32
        var administration: String
        var token: String
        var started: Int64
    }

    /// The folder within the data folder, with the token and the facts.
    let path: String
    /// Where sockets are: a Unix socket's path has 107 bytes, so that a deep data folder gets a short one elsewhere.
    let sockets: String

    private static let socketNameBytesMax = 64

    init(dataFolder: String) {
        path = "\(dataFolder)/run"
        if path.utf8.count + Self.socketNameBytesMax <= 107 {
            sockets = path
        } else {
            let hash = XXHash64.hash(dataFolder)
            sockets = "/tmp/apus-\(Program.userID)-\(String(hash, radix: 16))"
        }
    }

    /// Makes it anew, without what an earlier run left.
    func prepare() throws {
        for folder in Set([path, sockets]) {
            if let status = Files.status(folder) {
                guard status.isFolder, status.userID == Program.userID else {
                    throw StartFailure("\(folder) belongs to another user; remove it")
                }
                for name in try Files.list(folder) { try Files.remove("\(folder)/\(name)") }
                if status.mode & 0o077 != 0, chmod(folder, 0o700) != 0 { throw SystemError("chmod \(folder)") }
            } else {
                try Files.makeFolder(folder)
            }
        }
    }

    func write(_ facts: Facts) throws {
        try Files.writeAtomically(facts.token + "\n", to: "\(path)/token")
        try Files.writeAtomically(try JSONDocument.encode(facts) + "\n", to: "\(path)/system.json")
    }

    /// Forgets the facts, so that nobody asks a system that has ended.
    func clear() {
        for folder in Set([path, sockets]) {
            for name in (try? Files.list(folder)) ?? [] { try? Files.remove("\(folder)/\(name)") }
        }
        if sockets != path { try? Files.remove(sockets) }
    }

    func readFacts() -> Facts? {
        guard let text = try? Files.read("\(path)/system.json", bytesMax: 4096) else { return nil }
        return try? JSONDocument.decode(Facts.self, from: text)
    }
}
