import Apus

extension Category: PathParameter {
    static var pathSchema: JSONSchema { .choice(allCases.map(\.rawValue)) }
}

extension ProductID: PathParameter {
    init?(pathSegment: UnsafeRawBufferPointer) {
        guard let text = String(pathSegment: pathSegment) else { return nil }
        self.init(text)
    }
    func writePathSegment(to writer: inout ByteWriter) { description.writePathSegment(to: &writer) }
    static var pathSchema: JSONSchema {
        let departments = Category.allCases.map(\.rawValue).joined(separator: "|")
        return .string(8...40, pattern: "^(\(departments))-([0-9]{5}[A-Za-z]{0,2}|[Dd][Cc][Gg][Ss][0-9A-Za-z]{1,5})$")
    }
}

extension OrderNumber: PathParameter {
    init?(pathSegment: UnsafeRawBufferPointer) {
        guard let text = String(pathSegment: pathSegment) else { return nil }
        self.init(text)
    }
    func writePathSegment(to writer: inout ByteWriter) { text.writePathSegment(to: &writer) }
    static var pathSchema: JSONSchema { .string(12...12, pattern: "^W[BER][0-9A-HJKMNP-TV-Z]{10}$") }
}

/// A cart's id: who knows it has the cart.
struct CartID: PathParameter {
    let text: String

    init?(pathSegment: UnsafeRawBufferPointer) {
        guard let text = String(pathSegment: pathSegment), RandomID.isValid(text) else { return nil }
        self.text = text
    }
    init?(_ text: String) {
        guard RandomID.isValid(text) else { return nil }
        self.text = text
    }
    func writePathSegment(to writer: inout ByteWriter) { text.writePathSegment(to: &writer) }
    static var pathSchema: JSONSchema { .string(32...32, pattern: "^[0-9a-f]{32}$") }
}
