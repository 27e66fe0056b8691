import ApusCore
import ApusWire
import Testing

@Suite(.timeLimit(.minutes(5)))
struct WireTests {
    @Test func `a value with everything in it comes back as it went`() throws {
        let value = Everything()
        #expect(try Everything(wireBytes: value.wireBytes()) == value)
        var other = value
        other.missing = "there"
        other.present = nil
        other.nested = .some(.some(3))
        other.names = [:]
        other.payment = .cash
        other.lines()
        #expect(try Everything(wireBytes: other.wireBytes()) == other)
    }

    @Test func `plain values come back as they went`() throws {
        for number in [0, 1, -1, 63, 64, -64, -65, 300, .max, .min] {
            #expect(try Int(wireBytes: number.wireBytes()) == number)
        }
        for number: UInt64 in [0, 127, 128, 1 << 32, .max] {
            #expect(try UInt64(wireBytes: number.wireBytes()) == number)
        }
        for text in ["", "a", "fifteen bytes..", "a longer text that has no room in place", "Ω≈ç√∫"] {
            #expect(try String(wireBytes: text.wireBytes()) == text)
        }
        #expect(try Double(wireBytes: Double.pi.wireBytes()) == .pi)
        #expect(try Double(wireBytes: Double.nan.wireBytes()).isNaN)
        #expect(try [Int?](wireBytes: [1, nil, 3].wireBytes()) == [1, nil, 3])
        #expect(try [String: [Int]](wireBytes: ["a": [1], "b": []].wireBytes()) == ["a": [1], "b": []])
    }

    @Test func `small things are small`() throws {
        #expect(try 5.wireBytes().count == 1)
        #expect(try PlainOrder.sample(0).wireBytes().count <= 48)
        #expect(try PlainOrder.sample(10).wireBytes().count <= 218)
        #expect(try HandOrder(number: 1, customer: "c", lines: []).wireBytes().count == 6)
    }

    @Test func `hand-written coding comes back as it went`() throws {
        let order = HandOrder(
            number: 536_365,
            customer: "17850",
            lines: (0..<40).map { HandOrder.Line(sku: "SKU-\($0)", quantity: $0, pence: -$0) },
            note: "ring twice"
        )
        #expect(try HandOrder(wireBytes: order.wireBytes()) == order)
    }

    @Test func `structures of every length around a prefix byte come back`() throws {
        for length in (100...140).map(\.self) + [16_380, 16_384, 16_390, 2_097_150, 2_097_160] {
            let order = HandOrder(number: 1, customer: String(repeating: "x", count: length), lines: [])
            #expect(try HandOrder(wireBytes: order.wireBytes()) == order)
            let plain = PlainOrder(number: 1, customer: order.customer, country: "", isPaid: false, lines: [])
            #expect(try PlainOrder(wireBytes: plain.wireBytes()) == plain)
        }
    }
}

extension Everything {
    fileprivate mutating func lines() { matrix = (0..<40).map { Array(0..<$0) } }
}

/// The same structure in four versions.
private struct Version1: Wire, Equatable {
    var id: Int
    var name: String
}
private struct Version2: Wire, Equatable {
    var id: Int
    var name: String
    var note: String?
    var tags: [String]?
}
private struct Version3: Wire, Equatable {
    var id: Int
    var name: String
    var note: String?
    var tags: [String]?
    var stock: Int
}
private struct Renamed: Wire, Equatable {
    var id: String
    var name: Int
}

@Suite
struct WireVersionTests {
    @Test func `an older reader skips what a newer writer added`() throws {
        let new = Version2(id: 1, name: "a", note: "n", tags: ["x", "y"])
        #expect(try Version1(wireBytes: new.wireBytes()) == Version1(id: 1, name: "a"))
        let list = [new, new]
        #expect(
            try [Version1](wireBytes: list.wireBytes()) == [Version1(id: 1, name: "a"), Version1(id: 1, name: "a")]
        )
    }

    @Test func `a newer reader takes what an older writer did not send as nil`() throws {
        let old = Version1(id: 1, name: "a")
        #expect(try Version2(wireBytes: old.wireBytes()) == Version2(id: 1, name: "a"))
        #expect(try [Version2](wireBytes: [old].wireBytes()) == [Version2(id: 1, name: "a")])
    }

    @Test func `a field the reader cannot do without is named`() throws {
        let bytes = try Version1(id: 1, name: "a").wireBytes()
        let error = #expect(throws: WireError.self) { try Version3(wireBytes: bytes) }
        #expect(error?.code == .missingField)
        #expect(error?.path == ["stock"])
        #expect(error?.fault == .writer)
    }

    @Test func `a field that cannot be read is named with its path`() throws {
        struct Outer: Wire {
            var ok: Int
            var inner: [Version3]
        }
        struct OldOuter: Wire {
            var ok: Int
            var inner: [Version1]
        }
        let bytes = try OldOuter(ok: 1, inner: [Version1(id: 1, name: "a")]).wireBytes()
        let error = #expect(throws: WireError.self) { try Outer(wireBytes: bytes) }
        #expect(error?.path == ["inner", "[0]", "stock"])
        #expect("\(error.map(String.init(describing:)) ?? "")" == "inner.[0].stock: missingField")
    }

    @Test func `hand-written readers follow the same rules`() throws {
        struct Short: Wire {
            var number: Int
            func write(into writer: inout WireWriter) throws { try writer.writeStructure { try $0.write(number) } }
            init(number: Int) { self.number = number }
            init(from reader: inout WireReader) throws {
                number = try reader.readStructure { try $0.read("number") }
            }
        }
        let order = HandOrder(number: 9, customer: "c", lines: [], note: "n")
        #expect(try Short(wireBytes: order.wireBytes()).number == 9)
        let error = #expect(throws: WireError.self) { try HandOrder(wireBytes: Short(number: 9).wireBytes()) }
        #expect(error?.code == .missingField)
        #expect(error?.path == ["customer"])
    }

    @Test func `an enumeration's unknown case is an error of the field`() throws {
        enum Old: Codable { case a, b }
        enum New: Codable { case a, b, c(Int) }
        struct Reads: Wire { var state: Old }
        struct Writes: Wire { var state: New }
        #expect(try Reads(wireBytes: Writes(state: .b).wireBytes()).state == .b)
        let error = #expect(throws: WireError.self) { try Reads(wireBytes: Writes(state: .c(1)).wireBytes()) }
        #expect(error?.code == .malformedValue)
        #expect(error?.path == ["state"])
    }

    @Test func `types that ask what comes next are refused, not misread`() throws {
        struct Asks: Wire {
            init() {}
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                _ = try container.decodeNil(forKey: .a)
            }
            enum CodingKeys: CodingKey { case a }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encodeNil(forKey: .a)
            }
        }
        let error = #expect(throws: WireError.self) { try Asks().wireBytes() }
        #expect(error?.code == .unsupported)
        #expect(error?.fault == .type)
        #expect(throws: WireError.self) { try Asks(wireBytes: [1, 1]) }
    }
}
