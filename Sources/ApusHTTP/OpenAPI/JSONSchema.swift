/// A JSON Schema of the dialect that OpenAPI 3.1 uses, as far as derived schemas need it.
///
/// - SeeAlso: JSON Schema draft 2020-12.
public struct JSONSchema: Sendable, Hashable {
    /// The JSON types.
    public enum Kind: String, Sendable, Hashable {
        /// Any JSON type.
        case any
        /// `true` or `false`.
        case boolean
        /// A number without a fraction.
        case integer
        /// A number.
        case number
        /// A string.
        case string
        /// An array.
        case array
        /// An object.
        case object
        /// Another schema, named in the document.
        case reference
    }

    /// A member of an object.
    public struct Property: Sendable, Hashable {
        /// The member's name.
        public var name: String
        /// The member's schema.
        public var schema: JSONSchema
        /// Whether the member may be missing.
        public var isOptional: Bool

        /// A member from its parts.
        public init(_ name: String, _ schema: JSONSchema, isOptional: Bool = false) {
            self.name = name
            self.schema = schema
            self.isOptional = isOptional
        }
    }

    /// A value an enumeration allows.
    public enum Choice: Sendable, Hashable {
        /// A string.
        case string(String)
        /// A whole number.
        case integer(Int)
    }

    /// The JSON type.
    public var kind: Kind
    /// A standard format such as `date-time`, or `nil`.
    public var format: String?
    /// Smallest number, or `nil`.
    public var minimum: Int?
    /// Largest number, or `nil`.
    public var maximum: Int?
    /// Fewest characters of a string, or `nil`.
    public var lengthMin: Int?
    /// Most characters of a string, or `nil`.
    public var lengthMax: Int?
    /// Most elements of an array, or `nil`.
    public var countMax: Int?
    /// A regular expression (ECMA-262) that a string matches, or `nil`.
    public var pattern: String?
    /// Whether `null` is allowed too.
    public var isNullable = false
    /// The only values allowed; empty for no such limit.
    public var choices: [Choice] = []
    /// Members of an object, in the order declared.
    public var properties: [Property] = []
    /// For an array its elements' schema, for an object without properties its values' schema: none or one.
    public var element: [JSONSchema] = []
    /// For a reference the name of the schema.
    public var name = ""

    /// A schema of that type.
    public init(_ kind: Kind, format: String? = nil, minimum: Int? = nil) {
        self.kind = kind
        self.format = format
        self.minimum = minimum
    }

    /// The schema of strings of that many characters, all of them matching `pattern`.
    public static func string(_ lengths: ClosedRange<Int>, pattern: String? = nil) -> JSONSchema {
        var schema = JSONSchema(.string)
        (schema.lengthMin, schema.lengthMax, schema.pattern) = (lengths.lowerBound, lengths.upperBound, pattern)
        return schema
    }

    /// The schema of whole numbers in `range`.
    public static func integer(_ range: ClosedRange<Int>) -> JSONSchema {
        var schema = JSONSchema(.integer, minimum: range.lowerBound)
        schema.maximum = range.upperBound
        return schema
    }

    /// The schema of strings that are one of `choices`.
    public static func choice(_ choices: [String]) -> JSONSchema {
        var schema = JSONSchema(.string)
        schema.choices = choices.map { .string($0) }
        return schema
    }

    /// The schema of arrays of `element`, at most `countMax` of them where that is said.
    public static func array(of element: JSONSchema, countMax: Int? = nil) -> JSONSchema {
        var schema = JSONSchema(.array)
        schema.element = [element]
        schema.countMax = countMax
        return schema
    }

    /// The schema of objects whose members are all of `element`.
    public static func dictionary(of element: JSONSchema) -> JSONSchema {
        var schema = JSONSchema(.object)
        schema.element = [element]
        return schema
    }

    /// The schema of objects with those members.
    public static func object(_ properties: [Property]) -> JSONSchema {
        var schema = JSONSchema(.object)
        schema.properties = properties
        return schema
    }

    /// The schema called `name` in the document.
    public static func reference(_ name: String) -> JSONSchema {
        var schema = JSONSchema(.reference)
        schema.name = name
        return schema
    }

    /// Writes the schema as JSON.
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        if kind == .reference {
            if isNullable {
                json.key("anyOf")
                json.beginArray()
                var plain = self
                plain.isNullable = false
                plain.write(to: &json)
                json.beginObject()
                json.field("type", "null")
                json.endObject()
                json.endArray()
            } else {
                json.field("$ref", "#/components/schemas/\(name)")
            }
            json.endObject()
            return
        }
        writeType(to: &json)
        if let format { json.field("format", format) }
        if let minimum { json.field("minimum", minimum) }
        if let maximum { json.field("maximum", maximum) }
        if let lengthMin { json.field("minLength", lengthMin) }
        if let lengthMax { json.field("maxLength", lengthMax) }
        if let pattern { json.field("pattern", pattern) }
        if let countMax { json.field("maxItems", countMax) }
        if !choices.isEmpty { writeChoices(to: &json) }
        if kind == .object { writeMembers(to: &json) }
        if kind == .array, let items = element.first {
            json.key("items")
            items.write(to: &json)
        }
        json.endObject()
    }

    private func writeType(to json: inout JSONWriter) {
        guard kind != .any else { return }
        guard isNullable else { return json.field("type", kind.rawValue) }
        json.key("type")
        json.beginArray()
        json.value(kind.rawValue)
        json.value("null")
        json.endArray()
    }

    private func writeChoices(to json: inout JSONWriter) {
        json.key("enum")
        json.beginArray()
        for choice in choices {
            switch choice {
            case .string(let text): json.value(text)
            case .integer(let number): json.value(number)
            }
        }
        if isNullable { json.null() }
        json.endArray()
    }

    private func writeMembers(to json: inout JSONWriter) {
        if let values = element.first {
            json.key("additionalProperties")
            values.write(to: &json)
            return
        }
        json.key("properties")
        json.beginObject()
        for property in properties {
            json.key(string: property.name)
            property.schema.write(to: &json)
        }
        json.endObject()
        let required = properties.filter { !$0.isOptional }
        guard !required.isEmpty else { return }
        json.key("required")
        json.beginArray()
        for property in required { json.value(property.name) }
        json.endArray()
    }
}
