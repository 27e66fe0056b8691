import ApusCore
public import ApusRuntime

/// Serves the files of a folder, part by part, with validators and ranges.
///
/// The file system is asked on a pool's threads, so a slow disk holds back its own answers only. A file's entity tag
/// is made of inode, length and time of change: a file that is replaced by renaming has another, also within a second.
public struct FileHandler: Sendable {
    private let folder: FileFolder
    private let pool: BlockingPool
    private let options: FileOptions

    /// Serves `folder`.
    ///
    /// - Throws: `SystemError` where there is no such folder, `ConfigurationError` for options that make no sense.
    public init(folder: String, on pool: BlockingPool, options: FileOptions = FileOptions()) throws {
        self.folder = try FileFolder(folder)
        self.pool = pool
        self.options = try options.checked()
    }

    /// A file that was opened, and its first part where it was read at once.
    private struct Opened: Sendable {
        let file: OpenFile
        let name: String
        let first: [UInt8]
    }

    private enum Look: Sendable {
        case opened(Opened)
        case folder
        case nothing
    }

    /// Answers with the file that `path` names below the folder, already decoded; empty for the folder itself.
    ///
    /// - Throws: A ``Problem``: 404 for whatever cannot be read, 412, 416, 503 when the pool has too much to do.
    public func answer(_ exchange: Exchange, _ path: String) async throws {
        var names = path.isEmpty ? [] : path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let wantsIndex = names.last?.isEmpty ?? true
        if wantsIndex { _ = names.popLast() }
        guard options.servesHidden || !names.contains(where: { $0.hasPrefix(".") }) else { throw Self.notFound() }
        if wantsIndex {
            guard let index = options.indexName else { throw Self.notFound() }
            names.append(index)
        }
        // One trip to the pool for the usual small file; a second one only where the first part may not be wanted.
        let isPlain = exchange.method == .get && exchange.field(.range) == nil && exchange.field(.ifNoneMatch) == nil
        switch try await look(names, readsFirst: isPlain) {
        case .opened(let opened): try await send(opened, exchange)
        case .folder where !wantsIndex && options.indexName != nil: redirect(exchange)
        case .folder, .nothing: throw Self.notFound()
        }
    }

    private func look(_ names: [String], readsFirst: Bool) async throws -> Look {
        let folder = folder
        let partBytes = options.partBytes
        return try await onPool {
            switch try folder.open(names) {
            case .folder: return .folder
            case .nothing: return .nothing
            case .file(let file):
                let count = readsFirst ? Int(min(file.size, UInt64(partBytes))) : 0
                let first = count > 0 ? try file.read(at: 0, count: count) : []
                return .opened(Opened(file: file, name: names.last ?? "", first: first))
            }
        }
    }

    private func send(_ opened: Opened, _ exchange: Exchange) async throws {
        let file = opened.file
        let representation = Representation(
            type: MediaType.ofFile(opened.name),
            length: file.size,
            validators: Self.validators(of: file),
            cacheControl: options.cacheControl
        )
        guard let range = try exchange.begin(representation) else { return }
        var offset = range.lowerBound
        if offset == 0, !opened.first.isEmpty {
            try await exchange.write(opened.first)
            offset = UInt64(opened.first.count)
        }
        while offset < range.upperBound {
            let (start, count) = (offset, Int(min(range.upperBound - offset, UInt64(options.partBytes))))
            let part = try await onPool { try file.read(at: start, count: count) }
            // A file that shrank: the promised length cannot be kept, so the connection ends with the error.
            if part.isEmpty { throw SystemError("read \(opened.name)", errno: 5) }
            try await exchange.write(part)
            offset += UInt64(part.count)
        }
        exchange.endStreaming()
    }

    private func onPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        do {
            return try await pool.run(body)
        } catch is BlockingPool.Overloaded {
            throw Problem(.serviceUnavailable, code: "file.overloaded")
        }
    }

    /// Sends the client to the folder's own path, so that relative links on its page hold.
    private func redirect(_ exchange: Exchange) {
        let path = String(decoding: exchange.path, as: UTF8.self)
        let query = String(decoding: exchange.query, as: UTF8.self)
        exchange.setField("Location", path + "/" + (query.isEmpty ? "" : "?" + query))
        exchange.answer(.permanentRedirect)
    }

    private static func notFound() -> Problem { Problem(.notFound, code: "file.notFound") }

    static func validators(of file: OpenFile) -> Validators {
        var writer = ByteWriter(capacity: 64)
        writer.append(UInt8(ascii: "\""))
        for (index, part) in [file.inode, file.size, UInt64(bitPattern: file.modified)].enumerated() {
            if index > 0 { writer.append(UInt8(ascii: "-")) }
            writer.append(string: String(part, radix: 16))
        }
        writer.append(UInt8(ascii: "\""))
        return Validators(etag: writer.string, lastModified: file.modified / 1_000_000_000)
    }
}
