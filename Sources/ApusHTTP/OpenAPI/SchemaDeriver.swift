import FoundationEssentials

/// A type that says its own schema, where deriving one is not possible or not enough.
public protocol SchemaProviding {
    /// The schema of the type's JSON.
    static var jsonSchema: JSONSchema { get }
    /// Any value, for a decoder that only wants to see what comes after it.
    static var schemaSample: Self { get }
}

/// Why no schema could be derived from a type.
public struct SchemaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The type's name.
    public let type: String
    /// The members that were being decoded, outermost first.
    public let path: [String]

    /// Says which type, and the fix.
    public var description: String {
        "no schema can be derived from \(type)\(path.isEmpty ? "" : " at \(path.joined(separator: "."))"): "
            + "make it CaseIterable or conform it to SchemaProviding"
    }
}

/// Derives JSON Schemas from Codable types by decoding them from a decoder that has no input and takes notes.
///
/// Structs become named schemas, in the order met, and refer to one another by name. Types that check their input need
/// ``SchemaProviding``; enumerations with raw values need `CaseIterable`.
public final class SchemaDeriver {
    /// A schema with its name in the document.
    public struct Named: Sendable, Hashable {
        /// The name, unique in the document.
        public let name: String
        /// The schema.
        public var schema: JSONSchema
    }

    /// The named schemas derived so far, in the order met.
    public private(set) var named: [Named] = []
    private var names: [ObjectIdentifier: String] = [:]

    /// A deriver that has met no type.
    public init() {}

    /// The schema of `type`: a reference where it is a struct.
    ///
    /// - Throws: ``SchemaError``.
    public func schema(of type: any Decodable.Type) throws -> JSONSchema {
        try note(type, [], needsSample: false).schema
    }

    /// A type's schema, and a value of it if one can be had without a decoder.
    fileprivate struct Noted {
        var schema: JSONSchema
        var sample: Any?
    }

    /// Notes a type; a sample of a struct is made only where one is needed, so that types may contain themselves.
    fileprivate func note(_ type: any Decodable.Type, _ path: [String], needsSample: Bool) throws -> Noted {
        if let providing = type as? any SchemaProviding.Type {
            return Noted(schema: naming(providing.jsonSchema, of: type), sample: providing.sampleOfAny)
        }
        if let simple = Self.simple(type) { return simple }
        if let container = type as? any ContainerSchema.Type { return try container.note(self, path) }
        if let cases = type as? any CaseIterable.Type, let noted = Self.enumeration(cases) { return noted }
        return try record(type, path, needsSample)
    }

    /// A reference to an object's schema that a type gives itself; other schemas as they are.
    private func naming(_ schema: JSONSchema, of type: any Decodable.Type) -> JSONSchema {
        guard schema.kind == .object, !schema.properties.isEmpty else { return schema }
        let identity = ObjectIdentifier(type)
        if let name = names[identity] { return .reference(name) }
        let name = uniqueName(type)
        names[identity] = name
        named.append(Named(name: name, schema: schema))
        return .reference(name)
    }

    private static func simple(_ type: any Decodable.Type) -> Noted? {
        switch type {
        case is String.Type: Noted(schema: JSONSchema(.string), sample: "")
        case is Bool.Type: Noted(schema: JSONSchema(.boolean), sample: false)
        case is Int.Type: Noted(schema: JSONSchema(.integer, format: "int64"), sample: 0)
        case is Double.Type: Noted(schema: JSONSchema(.number), sample: 0.0)
        case is Float.Type: Noted(schema: JSONSchema(.number), sample: Float(0))
        case is Int8.Type: Noted(schema: JSONSchema(.integer), sample: Int8(0))
        case is Int16.Type: Noted(schema: JSONSchema(.integer), sample: Int16(0))
        case is Int32.Type: Noted(schema: JSONSchema(.integer, format: "int32"), sample: Int32(0))
        case is Int64.Type: Noted(schema: JSONSchema(.integer, format: "int64"), sample: Int64(0))
        case is UInt.Type: Noted(schema: JSONSchema(.integer, minimum: 0), sample: UInt(0))
        case is UInt8.Type: Noted(schema: JSONSchema(.integer, minimum: 0), sample: UInt8(0))
        case is UInt16.Type: Noted(schema: JSONSchema(.integer, minimum: 0), sample: UInt16(0))
        case is UInt32.Type: Noted(schema: JSONSchema(.integer, minimum: 0), sample: UInt32(0))
        case is UInt64.Type: Noted(schema: JSONSchema(.integer, minimum: 0), sample: UInt64(0))
        case is Date.Type:
            Noted(schema: JSONSchema(.string, format: "date-time"), sample: Date(timeIntervalSince1970: 0))
        case is UUID.Type: Noted(schema: JSONSchema(.string, format: "uuid"), sample: UUID())
        case is URL.Type: Noted(schema: JSONSchema(.string, format: "uri"), sample: URL(filePath: "/"))
        case is Data.Type: Noted(schema: JSONSchema(.string, format: "byte"), sample: Data())
        case is Decimal.Type: Noted(schema: JSONSchema(.number), sample: Decimal(0))
        default: nil
        }
    }

    private static func enumeration<Cases: CaseIterable>(_ type: Cases.Type) -> Noted? {
        var schema: JSONSchema?
        for value in type.allCases {
            guard let raw = (value as? any RawRepresentable)?.rawValueOfAny else { return nil }
            if let text = raw as? String {
                if schema == nil { schema = JSONSchema(.string) }
                schema?.choices.append(.string(text))
            } else if let number = raw as? any BinaryInteger {
                if schema == nil { schema = JSONSchema(.integer) }
                schema?.choices.append(.integer(Int(truncatingIfNeeded: number)))
            }
        }
        return schema.map { Noted(schema: $0, sample: type.allCases.first) }
    }

    /// Decodes a value from nothing and notes what was asked for.
    private func record(_ type: any Decodable.Type, _ path: [String], _ needsSample: Bool) throws -> Noted {
        let identity = ObjectIdentifier(type)
        if let name = names[identity] {
            // Known, or being derived further up: refer to it. A sample is made again where one can be.
            let isWhole = named.contains { $0.name == name && $0.schema.kind != .any }
            let sample = isWhole && needsSample ? try? Recording(self, path).decode(type) : nil
            return Noted(schema: .reference(name), sample: sample)
        }
        let place = named.count
        let name = uniqueName(type)
        names[identity] = name
        named.append(Named(name: name, schema: JSONSchema(.any)))
        let recording = Recording(self, path)
        let sample: Any
        do {
            sample = try recording.decode(type)
        } catch let error as SchemaError {
            throw error
        } catch {
            throw SchemaError(type: "\(type)", path: path)
        }
        if let single = recording.single {
            // A struct that is encoded as one value, such as an identifier, has that value's schema and no name.
            names[identity] = nil
            named.remove(at: place)
            return Noted(schema: single, sample: sample)
        }
        named[place].schema = .object(recording.properties)
        return Noted(schema: .reference(name), sample: sample)
    }

    private func uniqueName(_ type: any Decodable.Type) -> String {
        let plain = String(describing: type).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        var name = plain
        var suffix = 2
        while named.contains(where: { $0.name == name }) {
            name = "\(plain)\(suffix)"
            suffix += 1
        }
        return name
    }
}

extension SchemaProviding {
    fileprivate static var sampleOfAny: Any { schemaSample }
}

extension RawRepresentable {
    fileprivate var rawValueOfAny: Any { rawValue }
}

/// Containers, whose schema is made of their elements' without decoding one.
private protocol ContainerSchema {
    static func note(_ deriver: SchemaDeriver, _ path: [String]) throws -> SchemaDeriver.Noted
}

extension Array: ContainerSchema where Element: Decodable {
    fileprivate static func note(_ deriver: SchemaDeriver, _ path: [String]) throws -> SchemaDeriver.Noted {
        SchemaDeriver.Noted(
            schema: .array(of: try deriver.note(Element.self, path + ["[]"], needsSample: false).schema),
            sample: [Element]()
        )
    }
}

extension Set: ContainerSchema where Element: Decodable {
    fileprivate static func note(_ deriver: SchemaDeriver, _ path: [String]) throws -> SchemaDeriver.Noted {
        SchemaDeriver.Noted(
            schema: .array(of: try deriver.note(Element.self, path + ["[]"], needsSample: false).schema),
            sample: Set<Element>()
        )
    }
}

extension Dictionary: ContainerSchema where Key: Decodable, Value: Decodable {
    fileprivate static func note(_ deriver: SchemaDeriver, _ path: [String]) throws -> SchemaDeriver.Noted {
        SchemaDeriver.Noted(
            schema: .dictionary(of: try deriver.note(Value.self, path + ["{}"], needsSample: false).schema),
            sample: [Key: Value]()
        )
    }
}

extension Optional: ContainerSchema where Wrapped: Decodable {
    fileprivate static func note(_ deriver: SchemaDeriver, _ path: [String]) throws -> SchemaDeriver.Noted {
        var schema = try deriver.note(Wrapped.self, path, needsSample: false).schema
        schema.isNullable = true
        return SchemaDeriver.Noted(schema: schema, sample: Wrapped?.none as Any)
    }
}

/// A decoder without input that notes what it is asked for and answers with samples.
private final class Recording: Decoder {
    let deriver: SchemaDeriver
    let path: [String]
    var properties: [JSONSchema.Property] = []
    var single: JSONSchema?
    /// Members that were asked for whether they are null, as `decodeIfPresent` of numbers and strings does.
    var nullables: Set<String> = []
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ deriver: SchemaDeriver, _ path: [String]) {
        self.deriver = deriver
        self.path = path
    }

    func decode(_ type: any Decodable.Type) throws -> Any { try type.init(from: self) }

    func property(_ name: String, _ schema: JSONSchema, isOptional: Bool) {
        guard !properties.contains(where: { $0.name == name }) else { return }
        properties.append(JSONSchema.Property(name, schema, isOptional: isOptional))
    }

    func sample<Value: Decodable>(_ type: Value.Type, _ noted: SchemaDeriver.Noted, _ path: [String]) throws -> Value {
        guard let value = noted.sample as? Value else { throw SchemaError(type: "\(type)", path: path) }
        return value
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(recording: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw SchemaError(type: "a type with an unkeyed container", path: path)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(recording: self) }

    struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let recording: Recording
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) throws -> Bool {
            recording.nullables.insert(key.stringValue)
            return false
        }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            let path = recording.path + [key.stringValue]
            let noted = try recording.deriver.note(type, path, needsSample: true)
            let isOptional = recording.nullables.contains(key.stringValue)
            recording.property(key.stringValue, noted.schema, isOptional: isOptional)
            return try recording.sample(type, noted, path)
        }

        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
            let noted = try recording.deriver.note(type, recording.path + [key.stringValue], needsSample: false)
            recording.property(key.stringValue, noted.schema, isOptional: true)
            return nil
        }

        func nestedContainer<NestedKey: CodingKey>(
            keyedBy type: NestedKey.Type,
            forKey key: Key
        ) throws -> KeyedDecodingContainer<NestedKey> {
            let nested = Recording(recording.deriver, recording.path + [key.stringValue])
            recording.property(key.stringValue, JSONSchema(.object), isOptional: false)
            return try nested.container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            throw SchemaError(type: "a type with an unkeyed container", path: recording.path + [key.stringValue])
        }

        func superDecoder() throws -> any Decoder { recording }
        func superDecoder(forKey key: Key) throws -> any Decoder { recording }
    }

    struct Single: SingleValueDecodingContainer {
        let recording: Recording
        var codingPath: [any CodingKey] { [] }

        func decodeNil() -> Bool { false }

        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let noted = try recording.deriver.note(type, recording.path, needsSample: true)
            recording.single = noted.schema
            return try recording.sample(type, noted, recording.path)
        }
    }
}
