import ApusCore
import ApusRuntime

/// One loop's connections: one to each server, and one to each of the gutter, made when they are first needed.
//
// `@unchecked Sendable` is sound because its loop's thread alone touches it.
final class MemcachedPool: @unchecked Sendable {
    let loop: EventLoop
    private let configuration: MemcachedClientConfiguration
    private let links: [MemcachedLink]
    private let gutter: [MemcachedLink]
    private let circle: Ketama
    private let gutterCircle: Ketama
    private let gutterSeconds: Int

    init(_ loop: EventLoop, _ maker: MemcachedPoolMaker) {
        let configuration = maker.configuration
        self.loop = loop
        self.configuration = configuration
        links = configuration.servers.map { MemcachedLink($0, loop, maker) }
        gutter = configuration.gutter.map { MemcachedLink($0, loop, maker) }
        circle = maker.circle
        gutterCircle = maker.gutterCircle
        gutterSeconds = max(1, Int(configuration.gutterLifetime.nanoseconds / 1_000_000_000))
    }

    private func link(_ key: [UInt8]) -> MemcachedLink {
        links.count == 1 ? links[0] : links[circle.server(for: key) ?? 0]
    }

    private func gutterLink(_ key: [UInt8]) -> MemcachedLink? {
        gutter.isEmpty ? nil : gutter[gutter.count == 1 ? 0 : gutterCircle.server(for: key) ?? 0]
    }

    private var deadline: Int64 { (loop.now + configuration.commandLimit).nanoseconds }

    // MARK: One command

    /// Asks the key's server, or where that is gone the gutter.
    ///
    /// What deletes is done in the gutter too, and the server's being gone is still said: it has the old value.
    func ask(_ request: MetaRequest, _ key: [UInt8], _ value: [UInt8]) async throws -> MetaAnswer {
        do {
            return try await ask(link(key), request, key, value)
        } catch let error as MemcachedError {
            guard error.isServerGone, request.isForGutter, let link = gutterLink(key) else { throw error }
            let answer = try await ask(link, request.shortened(to: gutterSeconds), key, value)
            if request.deletes { throw error }
            return answer
        }
    }

    private func ask(_ link: MemcachedLink, _ request: MetaRequest, _ key: [UInt8], _ value: [UInt8]) async throws
        -> MetaAnswer
    {
        try await withUnsafeThrowingContinuation { continuation in
            let waiter = MemcachedLink.Waiter(continuation: continuation, deadline: deadline)
            if let error = link.send(request, key, value, waiter) { continuation.resume(throwing: error) }
        }
    }

    // MARK: Many keys

    /// Asks for many keys at once, each server for its own; those of a server that is gone again in the gutter.
    func get(_ keys: [[UInt8]]) async throws -> [MetaAnswer?] {
        let batch = MemcachedBatch(count: keys.count)
        let deadline = deadline
        let request = MetaRequest(kind: .get)
        for (index, key) in keys.enumerated() {
            let waiter = MemcachedLink.Waiter(batch: batch, index: index, deadline: deadline)
            if let error = link(key).send(request, key, [], waiter) { batch.failed(error, at: index) }
        }
        await withUnsafeContinuation { batch.wait($0) }
        guard let error = batch.error else { return batch.answers }
        guard error.isServerGone, !gutter.isEmpty else { throw error }
        var answers = batch.answers
        for (index, key) in keys.enumerated() where answers[index] == nil {
            guard let link = gutterLink(key) else { continue }
            answers[index] = try await ask(link, request, key, [])
        }
        return answers
    }

    func close() {
        for link in links + gutter { link.close() }
    }
}
