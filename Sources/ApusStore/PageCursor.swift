import ApusCore

/// Where a page ended: the values of the order's columns in its last row.
///
/// It can be handed to strangers and taken back as text: it is checked, and its values are only ever bound. It does show
/// those values.
public struct PageCursor: Sendable, Hashable, CustomStringConvertible {
    /// The order it belongs to, as a hash.
    let order: UInt64
    let values: [SQLValue]
    let shard: Int

    init(order: [SortColumn], values: [SQLValue], shard: Int) {
        self.order = Self.hash(order)
        self.values = values
        self.shard = shard
    }

    static func hash(_ order: [SortColumn]) -> UInt64 {
        XXHash64.hash(order.map { ($0.isDescending ? "-" : "+") + $0.name }.joined(separator: ","))
    }

    func check(_ order: [SortColumn]) throws {
        guard self.order == Self.hash(order), values.count == order.count else {
            throw StoreError(.cursorInvalid, "the cursor belongs to another order")
        }
    }

    /// Hexadecimal digits; the same text makes the same cursor.
    public var description: String {
        var bytes: [UInt8] = []
        Self.append(order, to: &bytes)
        Self.append(UInt64(shard), to: &bytes)
        for value in values {
            switch value {
            case .null: bytes.append(0)
            case .integer(let number):
                bytes.append(1)
                Self.append(UInt64(bitPattern: number), to: &bytes)
            case .real(let number):
                bytes.append(2)
                Self.append(number.bitPattern, to: &bytes)
            case .text(let text): Self.append(3, Array(text.utf8), to: &bytes)
            case .bytes(let blob): Self.append(4, blob, to: &bytes)
            }
        }
        return Hex.encode(bytes)
    }

    /// The cursor that `text` describes.
    ///
    /// - Throws: ``StoreError`` with code `cursorInvalid`.
    public init(_ text: String) throws {
        guard text.utf8.count <= 16384, let bytes = Hex.decode(text) else { throw Self.invalid }
        var rest = bytes[...]
        order = try Self.take(&rest)
        let number = try Self.take(&rest)
        guard number < 1024 else { throw Self.invalid }
        shard = Int(number)
        var values: [SQLValue] = []
        while let tag = rest.popFirst() {
            switch tag {
            case 0: values.append(.null)
            case 1: values.append(.integer(Int64(bitPattern: try Self.take(&rest))))
            case 2: values.append(.real(Double(bitPattern: try Self.take(&rest))))
            case 3:
                guard let text = String(validating: try Self.takeBytes(&rest), as: UTF8.self) else {
                    throw Self.invalid
                }
                values.append(.text(text))
            case 4: values.append(.bytes(try Self.takeBytes(&rest)))
            default: throw Self.invalid
            }
        }
        self.values = values
    }

    private static var invalid: StoreError { StoreError(.cursorInvalid, "the text is no cursor") }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private static func append(_ tag: UInt8, _ content: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(tag)
        append(UInt64(content.count), to: &bytes)
        bytes += content
    }

    private static func take(_ bytes: inout ArraySlice<UInt8>) throws -> UInt64 {
        guard bytes.count >= 8 else { throw invalid }
        defer { bytes.removeFirst(8) }
        return bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func takeBytes(_ bytes: inout ArraySlice<UInt8>) throws -> [UInt8] {
        let count = try take(&bytes)
        guard count <= UInt64(bytes.count) else { throw invalid }
        defer { bytes.removeFirst(Int(count)) }
        return Array(bytes.prefix(Int(count)))
    }
}
