import ApusCore
import ApusTesting
import ApusWire
import Testing

@testable import ApusCache

/// A value's bytes, for tests that put them there by hand.
enum WireBytesOf {
    static func text(_ text: String) throws -> [UInt8] { try WireBytes.of(text) }
}

private enum Colour: String, Codable, Sendable { case red, green }
private struct Place: Codable, Hashable, Sendable {
    var colour: Colour
    var number: Int
}
private struct Opaque: Hashable, Sendable {}

@Suite struct TierFormTests {
    @Test func `an entry comes back as it went`() throws {
        var form = TierForm(.value, until: 1_700_000_000_123, loadMicroseconds: 4_000_000_000, payload: [1, 2, 3])
        form.refreshingUntil = .max - 1
        #expect(form.bytes.count == TierForm.headCount + 3)
        #expect(TierForm(form.bytes) == form)
    }

    @Test func `any bytes are an entry or none`() {
        var random = SeededRandom(seed: 6)
        for _ in 0..<10_000 {
            var bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if bytes.count > 1, Bool.random(using: &random) {
                bytes[0] = [0x56, 0x4E, 0x4C].randomElement(using: &random) ?? 0
                bytes[1] = TierForm.version
            }
            guard let form = TierForm(bytes) else { continue }
            #expect(form.bytes == bytes)
        }
    }

    @Test func `keys stay legible where they can, and come back`() throws {
        let words = try TierCoding<String, Int>(cache: "test")
        #expect(try words.name(of: "kitchen-22423") == Array("kitchen-22423".utf8))
        #expect(words.key(of: Array("kitchen-22423".utf8)) == "kitchen-22423")
        let numbers = try TierCoding<Int, Int>(cache: "test")
        #expect(try numbers.name(of: -7) == Array("-7".utf8))
        #expect(numbers.key(of: Array("-7".utf8)) == -7)
        #expect(numbers.key(of: Array("seven".utf8)) == nil)
        let colours = try TierCoding<Colour, Int>(cache: "test")
        #expect(try colours.name(of: .green) == Array("green".utf8))
        #expect(colours.key(of: Array("green".utf8)) == .green)
        #expect(colours.key(of: Array("blue".utf8)) == nil)
        let places = try TierCoding<Place, Place>(cache: "test")
        let place = Place(colour: .red, number: 3)
        #expect(places.key(of: try places.name(of: place)) == place)
        #expect(places.key(of: Array("???".utf8)) == nil)
        #expect(try places.decode(places.encode(place)[...]) == place)
    }

    @Test func `what is not Codable cannot be shared, and the error says which`() {
        let error = #expect(throws: ConfigurationError.self) { _ = try TierCoding<Int, Opaque>(cache: "things") }
        #expect(error.map { "\($0)" }?.contains("things holds Opaque") == true)
        #expect(throws: ConfigurationError.self) { _ = try TierCoding<Opaque, Int>(cache: "things") }
    }
}
