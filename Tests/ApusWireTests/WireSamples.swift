import ApusWire

/// A type with one of everything that Codable synthesises.
struct Everything: Wire, Hashable {
    enum Size: String, Codable, Sendable { case small, large }
    enum Payment: Codable, Hashable, Sendable {
        case cash
        case card(last: Int, network: String?)
        indirect case split(Payment, Payment)
    }
    struct Empty: Codable, Hashable, Sendable {}
    struct Key: Codable, Hashable, Sendable, RawRepresentable { var rawValue: String }

    var whole = -5
    var small: Int8 = -128
    var unsigned: UInt64 = .max
    var double = 1.5
    var float: Float = -0.25
    var yes = true
    var text = "naïve ☕️"
    var missing: String?
    var present: Int? = 7
    var nested: Int?? = .some(nil)
    var numbers = [1, -2, 300]
    var optionals: [Int?] = [1, nil, 3]
    var names = ["a": 1, "b": -2]
    var byNumber = [4: "four"]
    var byKey = [Key(rawValue: "k"): [1.0, 2.0]]
    var size = Size.large
    var payment = Payment.split(.card(last: 4242, network: nil), .cash)
    var set: Set<Int> = [1, 2, 3]
    var empty = Empty()
    var empties = [Empty(), Empty()]
    var bytes: [UInt8] = [0, 255, 7]
    var matrix = [[1, 2], [], [3]]
}

/// An order of ten lines, coded by the default and by hand.
struct PlainOrder: Wire, Hashable {
    struct Line: Codable, Hashable, Sendable {
        var sku: String
        var quantity: Int
        var pence: Int
    }
    var number: Int
    var customer: String
    var country: String
    var isPaid: Bool
    var lines: [Line]

    static func sample(_ lines: Int = 10) -> PlainOrder {
        PlainOrder(
            number: 536_365,
            customer: "customer-17850",
            country: "United Kingdom",
            isPaid: true,
            lines: (0..<lines).map { Line(sku: "SKU-85123\($0)", quantity: 6 + $0, pence: 255 + $0) }
        )
    }
}

struct HandOrder: Wire, Hashable {
    struct Line: Wire, Hashable {
        var sku: String
        var quantity: Int
        var pence: Int

        init(sku: String, quantity: Int, pence: Int) {
            self.sku = sku
            self.quantity = quantity
            self.pence = pence
        }

        func write(into writer: inout WireWriter) throws {
            try writer.writeStructure { writer in
                try writer.write(sku)
                try writer.write(quantity)
                try writer.write(pence)
            }
        }

        init(from reader: inout WireReader) throws {
            self = try reader.readStructure { reader in
                Line(
                    sku: try reader.read("sku"),
                    quantity: try reader.read("quantity"),
                    pence: try reader.read("pence")
                )
            }
        }
    }
    var number: Int
    var customer: String
    var lines: [Line]
    var note: String?

    init(number: Int, customer: String, lines: [Line], note: String? = nil) {
        self.number = number
        self.customer = customer
        self.lines = lines
        self.note = note
    }

    func write(into writer: inout WireWriter) throws {
        try writer.writeStructure { writer in
            try writer.write(number)
            try writer.write(customer)
            try writer.write(lines)
            try writer.write(note)
        }
    }

    init(from reader: inout WireReader) throws {
        self = try reader.readStructure { reader in
            HandOrder(
                number: try reader.read("number"),
                customer: try reader.read("customer"),
                lines: try reader.read("lines"),
                note: try reader.read("note")
            )
        }
    }
}
