import ApusCore
public import ApusRuntime

extension RouterBuilder {
    /// Serves the files of a folder under `prefix`.
    ///
    /// Of `prefix` itself only `/` is answered, with the folder's index.
    ///
    /// - Parameters:
    ///   - prefix: Where in the path the folder begins, such as `/assets`; `/` for everything no other route takes.
    ///   - folder: The folder's path. Links in it are not followed.
    ///   - pool: Who asks the file system.
    ///   - options: How the files are served.
    /// - Throws: `SystemError` where there is no such folder, `ConfigurationError` for options that make no sense.
    public mutating func files(
        at prefix: String,
        in folder: String,
        on pool: BlockingPool,
        options: FileOptions = FileOptions()
    ) throws {
        let handler = try FileHandler(folder: folder, on: pool, options: options)
        if prefix == "/", options.indexName != nil {
            on(Route(.get, "/"), describe: hide) { try await handler.answer($0, "") }
        }
        let route = Route(.get, (prefix == "/" ? "" : prefix) + "/{path...}", String.self)
        on(route, describe: hide) { exchange, path in try await handler.answer(exchange, path) }
    }

    /// Serves bytes that the program holds, with validators and ranges.
    ///
    /// - Parameters:
    ///   - path: The path, without parameters, such as `/style.css`.
    ///   - type: The media type; by the path's extension unless given.
    ///   - bytes: What is served.
    ///   - cacheControl: The `Cache-Control` field, empty for none.
    public mutating func file(
        _ path: String,
        type: StaticString? = nil,
        bytes: [UInt8],
        cacheControl: String = "no-cache"
    ) {
        let hash = bytes.withUnsafeBytes { XXHash64.hash($0) }
        let representation = Representation(
            type: type ?? MediaType.ofFile(path),
            length: UInt64(bytes.count),
            validators: Validators(etag: "\"\(String(hash, radix: 16))\""),
            cacheControl: cacheControl
        )
        on(Route(.get, path), describe: hide) { exchange in
            guard let range = try exchange.begin(representation) else { return }
            var offset = Int(range.lowerBound)
            while offset < Int(range.upperBound) {
                let end = min(Int(range.upperBound), offset + 64 << 10)
                try await exchange.write(Array(bytes[offset..<end]))
                offset = end
            }
            exchange.endStreaming()
        }
    }

    private func hide(_ info: inout RouteInfo) { info.isHidden = true }
}
