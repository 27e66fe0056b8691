public import Distributed

/// A distributed actor on Apus's actor system: what a service's protocol inherits from.
///
/// ```swift
/// @Resolvable
/// protocol Orders: ServiceActor {
///     distributed func place(_ draft: OrderDraft) async throws -> Receipt
/// }
/// ```
public protocol ServiceActor: DistributedActor where ActorSystem == ApusActorSystem {}
