/// A shard whose file cannot be used: it answers every call with what is wrong, while the others serve.
final class BrokenShard: ShardEngine {
    let configuration: StoreConfiguration
    let statistics = ShardStatistics()
    private let error: StoreError

    init(error: StoreError, configuration: StoreConfiguration) {
        self.error = error
        self.configuration = configuration
    }

    var localReads: Int { 0 }
    var waiting: Int { 0 }
    func localRead(_ sql: SQL) throws -> LocalRead? { throw error }
    func read<T: Sendable>(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> T) async throws
        -> T
    {
        throw error
    }
    func write<T: Sendable>(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> T
    ) async throws -> T {
        throw error
    }
    func prepare(_ migrations: [Migration], identity: String) throws { throw error }
    func integrityProblems() async throws -> [String] { throw error }
    func close() async {}
}
