import ApusCore
import ApusWire
import Foundation

/// How a cache's keys and values become a server's names and bytes.
///
/// Keys that can be said as text stay legible on the server; others are base64 of their compact binary form. Values are in
/// that form.
struct TierCoding<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Names { case text, raw, binary }
    private let names: Names

    /// - Parameter cache: The cache's name, for the error.
    /// - Throws: ``ConfigurationError`` for types that cannot leave the process.
    init(cache: String) throws(ConfigurationError) {
        if Key.self is any LosslessStringConvertible.Type {
            names = .text
        } else if let raw = Key.self as? any RawRepresentable.Type, Self.isLegible(raw) {
            names = .raw
        } else if Key.self is any Codable.Type {
            names = .binary
        } else {
            throw Self.refusal(cache, Key.self)
        }
        guard Value.self is any Codable.Type else { throw Self.refusal(cache, Value.self) }
    }

    private static func refusal(_ cache: String, _ type: Any.Type) -> ConfigurationError {
        ConfigurationError(
            field: "CACHE_URL",
            value: "a shared cache; but \(cache) holds \(type), which is not Codable",
            accepted: "memory:, Codable keys and values, or isShared = false for that cache"
        )
    }

    private static func isLegible<Raw: RawRepresentable>(_: Raw.Type) -> Bool {
        Raw.RawValue.self is any LosslessStringConvertible.Type
    }

    // MARK: Keys

    func name(of key: Key) throws -> [UInt8] {
        switch names {
        case .text: return Array(String(describing: key).utf8)
        case .raw:
            guard let key = key as? any RawRepresentable else { throw WireError(.unsupported) }
            return Array(String(describing: key.rawValue).utf8)
        case .binary:
            guard let key = key as? any Encodable else { throw WireError(.unsupported) }
            return Array(Data(try WireBytes.of(key)).base64EncodedString().utf8)
        }
    }

    /// The key of a name; `nil` for a name that is no key's.
    func key(of name: some Sequence<UInt8>) -> Key? {
        switch names {
        case .text: return (Key.self as? any LosslessStringConvertible.Type).flatMap { Self.read($0, name) } as? Key
        case .raw: return (Key.self as? any RawRepresentable.Type).flatMap { Self.readRaw($0, name) } as? Key
        case .binary:
            guard let data = Data(base64Encoded: Data(name)), let type = Key.self as? any Decodable.Type else {
                return nil
            }
            return try? WireBytes.value(type, in: Array(data)) as? Key
        }
    }

    private static func read<Text: LosslessStringConvertible>(_: Text.Type, _ name: some Sequence<UInt8>) -> Any? {
        Text(String(decoding: Array(name), as: UTF8.self))
    }

    private static func readRaw<Raw: RawRepresentable>(_: Raw.Type, _ name: some Sequence<UInt8>) -> Any? {
        guard let type = Raw.RawValue.self as? any LosslessStringConvertible.Type else { return nil }
        return (read(type, name) as? Raw.RawValue).flatMap(Raw.init(rawValue:))
    }

    // MARK: Values

    func encode(_ value: Value) throws -> [UInt8] {
        guard let value = value as? any Encodable else { throw WireError(.unsupported) }
        return try WireBytes.of(value)
    }

    func decode(_ bytes: ArraySlice<UInt8>) throws -> Value {
        guard let type = Value.self as? any Decodable.Type,
            let value = try WireBytes.value(type, in: Array(bytes)) as? Value
        else {
            throw WireError(.unsupported)
        }
        return value
    }
}
