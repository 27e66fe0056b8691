import Apus

/// The same order, coded by hand.
struct HandOrder: Wire {
    struct Line: Wire {
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
    var country: String
    var isPaid: Bool
    var lines: [Line]

    init(number: Int, customer: String, country: String, isPaid: Bool, lines: [Line]) {
        self.number = number
        self.customer = customer
        self.country = country
        self.isPaid = isPaid
        self.lines = lines
    }

    func write(into writer: inout WireWriter) throws {
        try writer.writeStructure { writer in
            try writer.write(number)
            try writer.write(customer)
            try writer.write(country)
            try writer.write(isPaid)
            try writer.write(lines)
        }
    }

    init(from reader: inout WireReader) throws {
        self = try reader.readStructure { reader in
            HandOrder(
                number: try reader.read("number"),
                customer: try reader.read("customer"),
                country: try reader.read("country"),
                isPaid: try reader.read("isPaid"),
                lines: try reader.read("lines")
            )
        }
    }

    static let sample = HandOrder(
        number: Order.sample.number,
        customer: Order.sample.customer,
        country: Order.sample.country,
        isPaid: Order.sample.isPaid,
        lines: Order.sample.lines.map { Line(sku: $0.sku, quantity: $0.quantity, pence: $0.pence) }
    )
}

/// What comes back, coded by hand.
struct HandReceipt: Wire {
    var number: Int
    var pence: Int

    init(number: Int, pence: Int) {
        self.number = number
        self.pence = pence
    }

    func write(into writer: inout WireWriter) throws {
        try writer.writeStructure { writer in
            try writer.write(number)
            try writer.write(pence)
        }
    }

    init(from reader: inout WireReader) throws {
        self = try reader.readStructure { HandReceipt(number: try $0.read("number"), pence: try $0.read("pence")) }
    }
}
