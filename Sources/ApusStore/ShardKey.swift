/// What a row is placed by: a customer, a category, a cart.
///
/// A handle on a shard carries the key's type, so a function that takes `Shard<CustomerKey>` cannot be handed
/// another family's shard, and a call that needs several shards cannot look like a call that needs one.
public protocol ShardKey: Sendable {
    /// The name that a directory looks for, such as a region; `nil` unless said, which hashes over all slots.
    var directoryName: String? { get }
    /// What is hashed, or compared with a range's bounds.
    var shardValue: ShardValue { get }
}

extension ShardKey {
    /// No name.
    @inlinable
    public var directoryName: String? { nil }
}

/// A key's value as placement sees it.
///
/// Part of the data format: it never changes its hash.
public enum ShardValue: Sendable, Hashable, Codable {
    /// A whole number.
    case integer(Int64)
    /// Text in UTF-8.
    case text(String)
}

extension ShardValue: Comparable {
    /// Numbers before text, text by its UTF-8 bytes.
    public static func < (left: ShardValue, right: ShardValue) -> Bool {
        switch (left, right) {
        case (.integer(let a), .integer(let b)): a < b
        case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.integer, .text): true
        case (.text, .integer): false
        }
    }
}

extension Int: ShardKey {
    /// The number.
    @inlinable
    public var shardValue: ShardValue { .integer(Int64(self)) }
}

extension Int64: ShardKey {
    /// The number.
    @inlinable
    public var shardValue: ShardValue { .integer(self) }
}

extension String: ShardKey {
    /// The text.
    @inlinable
    public var shardValue: ShardValue { .text(self) }
}

/// The key of a handle that was reached by walking over all shards instead of by a key.
public enum AnyKey: ShardKey {
    /// There is no value of this type.
    public var shardValue: ShardValue { switch self {} }
}
