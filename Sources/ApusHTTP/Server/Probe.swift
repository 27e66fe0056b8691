/// Questions that machines ask of a server every second; they are counted, but neither traced nor logged.
///
/// - SeeAlso: the Kubernetes API server's health endpoints.
enum Probe {
    @inline(__always)
    static func isOne(_ path: UnsafeRawBufferPointer) -> Bool {
        guard path.count >= 6, path.count <= 9, path[path.count - 1] == UInt8(ascii: "z") else { return false }
        return matches(path)
    }

    @inline(never)
    private static func matches(_ path: UnsafeRawBufferPointer) -> Bool {
        let paths: [StaticString] = ["/livez", "/readyz", "/startupz", "/healthz"]
        return paths.contains { name in
            path.elementsEqual(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
    }
}
