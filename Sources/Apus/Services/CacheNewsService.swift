import ApusCache
import ApusWire
import Distributed

/// What each process of a system answers whose caches hear of changes in no other way.
@Resolvable
protocol CacheNewsService: ServiceActor {
    /// Entries were changed or removed, by their names; without any, each may have been.
    distributed func changed(_ names: [[UInt8]]) async throws
}

/// It is called at each process by its own address, so every process offers it by the same name.
let cacheNewsContract = ServiceContract<any CacheNewsService>("cache-news", stub: $CacheNewsService.resolve(id:using:))
{
    Target("changed", .idempotent) { try await $0.changed($1) }
}

/// Gives what others tell to the process's caches.
distributed actor CacheNewsDesk: CacheNewsService {
    private let news: CacheNews

    init(actorSystem: ApusActorSystem, news: CacheNews) {
        self.actorSystem = actorSystem
        self.news = news
    }

    distributed func changed(_ names: [[UInt8]]) {
        if names.isEmpty { news.heard(.anything) }
        for name in names { news.heard(.changed(name: name)) }
    }
}
