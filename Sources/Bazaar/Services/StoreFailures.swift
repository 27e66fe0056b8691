import Apus

/// Runs a service's work and says in the shop's words what a database could not do.
///
/// Other errors of the store are bugs or broken disks: they keep their type for the log and are nobody's business outside.
func answering<Result: Sendable>(_ work: () async throws -> Result) async throws -> Result {
    do {
        return try await work()
    } catch let error as StoreError where [.diskFull, .readOnly].contains(error.code) {
        throw ShopError.unwritable
    } catch let error as StoreError where error.isRetryable {
        throw ShopError.unavailable
    }
}
