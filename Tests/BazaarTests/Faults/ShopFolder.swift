import Apus

@testable import Bazaar

/// A folder under `/tmp` for a system's data, with a file of sales that takes no time to load.
struct ShopFolder: Sendable {
    let path: String
    let storage: ShopStorage

    var data: String { "\(path)/data" }
    var sales: String { "\(path)/sales.csv.zst" }
    /// Where the system keeps its store.
    var store: String { "\(data)/store-bazaar" }

    init() async throws {
        storage = try await ShopStorage.make()
        path = "/tmp/bazaar-faults-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(path)
        try write(history: Array(Self.history.utf8))
    }

    /// Has the shop sell what this history, as the file of sales has it, says.
    func write(history: [UInt8]) throws {
        try Files.writeAtomically(Self.frame(history), to: sales, mode: 0o600)
    }

    func remove() async throws {
        try await storage.remove()
        try Files.remove(path)
    }

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

    /// `bytes` as a Zstandard frame of blocks that are not compressed (RFC 8878, section 3.1.1).
    private static func frame(_ bytes: [UInt8]) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> ($0 * 8) & 0xFF) } }
        // One segment with its size in four bytes; then blocks of at most 128 KiB, the last of them marked.
        var frame = [0x28, 0xB5, 0x2F, 0xFD, 0xA0] + little(bytes.count, 4)
        for start in stride(from: 0, to: bytes.count, by: 128 << 10) {
            let block = bytes[start..<min(start + (128 << 10), bytes.count)]
            frame += little(block.count << 3 | (block.endIndex == bytes.count ? 1 : 0), 3) + block
        }
        return frame
    }
}
