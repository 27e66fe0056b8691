import ApusCache
import ApusCore
import ApusRuntime

/// Carries word of changed cache entries between the processes of a system, by calls on one of its loops.
///
/// What is told in one turn goes out together, to each process in a call of its own. Where that fails, what was in it is
/// not told again name by name: the other process forgets all of its near memory as soon as it can be told to.
//
// `@unchecked Sendable` is sound because its variable state is touched on its loop alone.
final class CacheNewsCarrier: @unchecked Sendable {
    private let news: CacheNews
    private let loop: EventLoop
    private let own: SocketAddress
    private let desk: ApusActorSystem
    private var readers: [SocketAddress: Reader] = [:]
    private var isClosed = false

    /// Answers at `address`; on the loop's own thread.
    ///
    /// - Throws: What keeps it from listening.
    init(_ news: CacheNews, at address: SocketAddress, on loop: EventLoop) throws {
        self.news = news
        self.loop = loop
        own = address
        desk = try ApusActorSystem(loop: loop)
        desk.offer(cacheNewsContract) { CacheNewsDesk(actorSystem: $0, news: news) }
        try desk.start()
        try desk.listen(at: address)
        news.carry { [weak self] item in
            loop.execute { [weak self] in self?.tell(item) }
        }
    }

    /// Takes where the processes are that answer; from any thread.
    func update(_ addresses: [SocketAddress]) { loop.execute { self.take(addresses) } }

    private func take(_ addresses: [SocketAddress]) {
        if isClosed { return }
        let wanted = Set(addresses).subtracting([own])
        for (address, reader) in readers where !wanted.contains(address) {
            reader.close()
            readers[address] = nil
        }
        for address in wanted where readers[address] == nil {
            readers[address] = try? Reader(at: address, on: loop)
        }
    }

    private func tell(_ item: CacheNews.Item) {
        for reader in readers.values { reader.tell(item) }
    }

    /// Tells and answers nothing more; on the loop's own thread.
    func close() {
        isClosed = true
        news.carry(by: nil)
        for reader in readers.values { reader.close() }
        readers = [:]
        desk.close()
    }

    /// One other process.
    //
    // `@unchecked Sendable` is sound for the same reason as the carrier.
    private final class Reader: @unchecked Sendable {
        /// Beyond these, forgetting everything costs less.
        private static let namesMax = 1000
        private static let bytesMax = 64 << 10
        /// How long a call may take, and the pause after one that failed.
        private static let limit: Duration = .seconds(1)
        private static let pause: Duration = .milliseconds(100)

        private let actors: ApusActorSystem
        private let service: any CacheNewsService
        private var names: Set<[UInt8]> = []
        private var bytes = 0
        private var isAnything = false
        private var telling: Task<Void, Never>?

        init(at address: SocketAddress, on loop: EventLoop) throws {
            actors = try ApusActorSystem(loop: loop)
            actors.update(ServiceDirectory([cacheNewsContract.name: [.init(address, replica: 0)]]))
            service = try actors.service(cacheNewsContract)
        }

        func tell(_ item: CacheNews.Item) {
            switch item {
            case .changed(let name):
                if !isAnything, names.insert(name).inserted { bytes += name.count }
                if names.count > Self.namesMax || bytes > Self.bytesMax { isAnything = true }
            case .anything: isAnything = true
            }
            guard telling == nil else { return }
            telling = Task(executorPreference: actors.loop) { await self.run() }
        }

        private func run() async {
            while isAnything || !names.isEmpty, !Task.isCancelled {
                let told = isAnything ? [] : Array(names)
                (names, bytes, isAnything) = ([], 0, false)
                do {
                    try await CallContext.within(Self.limit) { try await service.changed(told) }
                } catch {
                    isAnything = true
                    try? await actors.loop.sleep(for: Self.pause)
                }
            }
            telling = nil
        }

        func close() {
            telling?.cancel()
            actors.close()
        }
    }
}
