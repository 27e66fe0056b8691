import ApusCore
import ApusRuntime
import FoundationEssentials

/// A file of settings: a JSON object, or lines `key = value`.
enum ConfigurationFile {
    /// Largest file read, in bytes.
    static let bytesMax = 1 << 20

    /// The settings of a file, by key; nested objects join their names with dots.
    ///
    /// - Throws: ``ConfigurationError`` where it cannot be read or understood.
    static func read(_ path: String) throws(ConfigurationError) -> [String: String] {
        let text: String
        do {
            text = try Files.readText(path, bytesMax: bytesMax)
        } catch {
            throw ConfigurationError(field: "--config", value: path, accepted: "a file that can be read (\(error))")
        }
        return try path.hasSuffix(".json") ? json(text, path) : lines(text, path)
    }

    /// The value that a `NAME_FILE` variable's file holds, without the line's end.
    static func readValue(_ path: String) throws -> String {
        var text = try Files.readText(path, bytesMax: 64 << 10)
        while text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
        return text
    }

    private static func json(_ text: String, _ path: String) throws(ConfigurationError) -> [String: String] {
        let value: JSONValue
        do {
            value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        } catch {
            throw ConfigurationError(field: "--config", value: path, accepted: "a JSON object")
        }
        var settings: [String: String] = [:]
        guard case .object = value, flatten(value, "", &settings) else {
            throw ConfigurationError(field: "--config", value: path, accepted: "a JSON object of texts and numbers")
        }
        return settings
    }

    private static func flatten(_ value: JSONValue, _ key: String, _ settings: inout [String: String]) -> Bool {
        switch value {
        case .object(let members):
            return members.allSatisfy { flatten($0.value, key.isEmpty ? $0.key : "\(key).\($0.key)", &settings) }
        case .string(let text): settings[key] = text
        case .integer(let number): settings[key] = "\(number)"
        case .number(let number): settings[key] = "\(number)"
        case .flag(let flag): settings[key] = "\(flag)"
        case .null: settings[key] = ""
        case .array: return false
        }
        return true
    }

    private static func lines(_ text: String, _ path: String) throws(ConfigurationError) -> [String: String] {
        var settings: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = trim(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "=") else {
                throw ConfigurationError(field: "line \(index + 1) of \(path)", value: line, accepted: "key = value")
            }
            var value = trim(line[line.index(after: equals)...])
            if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
                value = String(value.dropFirst().dropLast())
            }
            settings[trim(line[..<equals])] = value
        }
        return settings
    }

    private static func trim(_ text: some StringProtocol) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}

/// Any JSON value.
enum JSONValue: Sendable, Hashable, Codable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case null

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Int.self) {
            self = .integer(number)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .array(list)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .object(let members): try container.encode(members)
        case .array(let list): try container.encode(list)
        case .string(let text): try container.encode(text)
        case .integer(let number): try container.encode(number)
        case .number(let number): try container.encode(number)
        case .flag(let flag): try container.encode(flag)
        case .null: try container.encodeNil()
        }
    }
}

/// JSON documents as this module writes and reads them: members in order of their names.
enum JSONDocument {
    static func encode(_ value: some Encodable, pretty: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
