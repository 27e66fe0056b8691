/// What a database that spreads rows itself does with them in place of the library.
struct LeftToDatabase: Sendable {
    /// Why shards are not resharded.
    let resharding: StoreError
    /// Why no backup is taken.
    let backup: StoreError
}
