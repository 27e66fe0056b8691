import Glibc

/// The history on disk: `online_retail.csv.zst`, described in `Data/README.md`.
struct SalesFile {
    static let name = "online_retail.csv.zst"
    /// Lines in the committed file, for showing how far its reading is.
    static let lineCount = 541_909
    private static let header = [
        "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country",
    ]

    let path: String

    init(path: String) { self.path = path }

    /// The file that belongs to this program: `Data/` in the folder of the executable or in one of those above it.
    ///
    /// - Parameter executable: The executable's path, `/proc/self/exe` unless said.
    /// - Returns: `nil` where no such folder has the file.
    static func beside(executable: String? = nil) -> SalesFile? {
        var folder = executable ?? own()
        for _ in 0..<8 {
            guard let slash = folder.lastIndex(of: "/") else { return nil }
            folder = String(folder[..<slash])
            let path = folder + "/Data/" + name
            if access(path, R_OK) == 0 { return SalesFile(path: path) }
        }
        return nil
    }

    private static func own() -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        return String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Calls `body` with each line in the file's order.
    ///
    /// - Throws: ``ShopError`` with code `malformedSales` at the first line that is not what the file promises.
    func forEachLine(_ body: (SalesLine) throws -> Void) throws {
        let bytes = try ZstdReader(path: path)
        var names = Interner()
        try CSVReader(fieldCount: Self.header.count).forEachRecord(from: { try bytes.read(into: $0) }) { record in
            if record.number == 1 {
                for (index, name) in Self.header.enumerated() where try record.text(index) != name {
                    throw ShopError.malformedSales(line: 1, "column \(index + 1) is not \(name)")
                }
                return
            }
            try body(try Self.line(record, &names))
        }
    }

    private static func line(_ record: CSVReader.Record, _ names: inout Interner) throws(ShopError) -> SalesLine {
        func malformed(_ what: String) -> ShopError { .malformedSales(line: record.number, what) }
        guard let quantity = decimal(record.bytes(3), places: 0).map(Int.init) else { throw malformed("Quantity") }
        guard let time = seconds(record.bytes(4)) else { throw malformed("InvoiceDate") }
        guard let mills = decimal(record.bytes(5), places: 3) else { throw malformed("UnitPrice") }
        var customer: Int?
        if record.bytes(6).count > 0 {
            guard let number = decimal(record.bytes(6), places: 0).map(Int.init) else { throw malformed("CustomerID") }
            customer = number
        }
        return SalesLine(
            invoice: try record.text(0),
            stockCode: try record.text(1),
            description: try names.text(trimmed(record.bytes(2)), line: record.number),
            quantity: quantity,
            time: time,
            unitPrice: Money(mills: mills),
            customer: customer,
            country: try names.text(record.bytes(7), line: record.number)
        )
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var (start, end) = (0, bytes.count)
        while start < end, bytes[start] == 32 { start += 1 }
        while end > start, bytes[end - 1] == 32 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// A decimal number times 10 to the `places`, exactly; `nil` for anything else or where it has more places.
    static func decimal(_ bytes: UnsafeRawBufferPointer, places: Int) -> Int64? {
        var (value, digits, decimals, index) = (Int64(0), 0, -1, 0)
        let isNegative = bytes.count > 0 && bytes[0] == UInt8(ascii: "-")
        if isNegative { index = 1 }
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "."), decimals < 0, digits > 0, places > 0 {
                decimals = 0
            } else {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 15, decimals < places else {
                    return nil
                }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
                digits += 1
                if decimals >= 0 { decimals += 1 }
            }
            index += 1
        }
        guard digits > 0, decimals != 0 else { return nil }
        for _ in max(0, decimals)..<places { value *= 10 }
        return isNegative ? -value : value
    }

    /// Seconds since 1970 of `yyyy-mm-dd hh:mm:ss`; `nil` for anything else.
    static func seconds(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard bytes.count == 19 else { return nil }
        func number(_ from: Int, _ to: Int) -> Int64? {
            decimal(UnsafeRawBufferPointer(rebasing: bytes[from..<to]), places: 0).flatMap { $0 < 0 ? nil : $0 }
        }
        let separators = [(4, "-"), (7, "-"), (10, " "), (13, ":"), (16, ":")] as [(Int, Unicode.Scalar)]
        guard separators.allSatisfy({ bytes[$0.0] == UInt8(ascii: $0.1) }),
            let year = number(0, 4), let month = number(5, 7), let day = number(8, 10),
            let hour = number(11, 13), let minute = number(14, 16), let second = number(17, 19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        return CivilDay(year: Int(year), month: Int(month), day: Int(day)).number * 86_400
            + hour * 3_600 + minute * 60 + second
    }
}

/// Gives equal bytes the same string, so that a million descriptions need the memory of four thousand.
private struct Interner {
    private var texts: [UInt64: String] = [:]

    mutating func text(_ bytes: UnsafeRawBufferPointer, line: Int) throws(ShopError) -> String {
        // FNV-1a finds a candidate; its bytes are compared before it is believed.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        if let known = texts[hash], known.utf8.elementsEqual(bytes) { return known }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedSales(line: line, "not UTF-8")
        }
        texts[hash] = text
        return text
    }
}
