import Apus

extension Category: PathParameter {}

extension ProductID: PathParameter {
    init?(pathSegment: UnsafeRawBufferPointer) {
        guard let text = String(pathSegment: pathSegment) else { return nil }
        self.init(text)
    }
    func writePathSegment(to writer: inout ByteWriter) { description.writePathSegment(to: &writer) }
    static var pathSchema: JSONSchema { String.pathSchema }
}

extension OrderNumber: PathParameter {
    init?(pathSegment: UnsafeRawBufferPointer) {
        guard let text = String(pathSegment: pathSegment) else { return nil }
        self.init(text)
    }
    func writePathSegment(to writer: inout ByteWriter) { text.writePathSegment(to: &writer) }
    static var pathSchema: JSONSchema { String.pathSchema }
}
