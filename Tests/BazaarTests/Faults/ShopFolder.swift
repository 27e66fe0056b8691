import Apus

@testable import Bazaar

/// A folder under `/tmp` for a system's data, with a file of sales that takes no time to load.
struct ShopFolder: Sendable {
    let path: String

    var data: String { "\(path)/data" }
    var sales: String { "\(path)/sales.csv.zst" }
    /// Where the system keeps its store.
    var store: String { "\(data)/store-bazaar" }

    init() throws {
        path = "/tmp/bazaar-faults-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(path)
        try Files.writeAtomically(Self.frame(Array(Self.history.utf8)), to: sales, mode: 0o600)
    }

    func remove() throws { try Files.remove(path) }

    /// Sixteen products of eight departments; the last four are soon sold out.
    private static let articles = [
        "RED MUG", "BLUE MUG", "HANGING LANTERN", "CANDLE HOLDER", "LUNCH BAG", "JUMBO BAG", "METAL SIGN GARDEN",
        "WALL CLOCK", "CHRISTMAS STAR", "SANTA STOCKING", "PEARL NECKLACE", "GLASS BRACELET", "GREEN MUG",
        "PAPER BAUBLE", "TOILET SIGN", "SILVER EARRINGS",
    ]

    private static var history: String {
        var text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        for (index, article) in articles.enumerated() {
            let pieces = index < 12 ? 48_000 : 360
            text += "\(536_000 + index),\(20_000 + index),\(article),\(pieces),2011-12-09 12:50:00,2.55,17850,"
            text += index % 2 == 0 ? "United Kingdom\n" : "France\n"
        }
        return text
    }

    /// `bytes` as a Zstandard frame with one block that is not compressed (RFC 8878, section 3.1.1).
    private static func frame(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 128 << 10, "a block holds less than 128 KiB")
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> ($0 * 8) & 0xFF) } }
        // One segment with its size in four bytes; then the last block, raw.
        return [0x28, 0xB5, 0x2F, 0xFD, 0xA0] + little(bytes.count, 4) + little(bytes.count << 3 | 1, 3) + bytes
    }
}
