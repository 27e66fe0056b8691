import ApusCore

/// A part that answers calls: a distributed actor with an instance on each loop of each replica.
///
/// ```swift
/// Service(orders, replicas: 2) { host in
///     OrdersService(actorSystem: host.actors, inventory: try host.service(inventory))
/// } jobs: {
///     Every("sweep", .seconds(1)) { host in try await Sweeper(store).sweep() }
/// }
/// ```
/// Instances are interchangeable and keep nothing between calls: what lasts is in blocks.
public struct Service: SystemContent {
    /// The part.
    public let parts: SystemParts

    /// A service.
    ///
    /// - Parameters:
    ///   - contract: What it offers; its name is the part's.
    ///   - replicas: How many processes run it, 1 to 64; 1 unless said.
    ///   - make: Makes one loop's instance, on that loop.
    ///   - jobs: What it does without being called, in each replica.
    public init<Handle: Sendable>(
        _ contract: ServiceContract<Handle>,
        replicas: Int = 1,
        _ make: @escaping @Sendable (Host) throws -> Handle,
        @JobBuilder jobs: () -> [Every] = { [] }
    ) {
        parts = SystemParts([
            Part(
                name: contract.name,
                kind: .service,
                replicas: replicas,
                content: .service(
                    offer: { host in host.actors.offer(contract) { _ in try make(host) } },
                    jobs: jobs()
                )
            )
        ])
    }
}
