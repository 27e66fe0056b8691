import CZstd
import Glibc

/// Decompresses a zstd file piece by piece, in constant memory.
//
// The parts are the two buffers and the C context: owned here, freed in `deinit`, never handed out beyond a call.
final class ZstdReader {
    /// Largest window believed, as a power of two: 128 MiB, what the zstd tool itself takes without being asked.
    static let windowLogMax: Int32 = 27

    private let file: UnsafeMutablePointer<FILE>
    private let stream: OpaquePointer
    private let input: UnsafeMutableRawBufferPointer
    private var pending = ZSTD_inBuffer()
    private var frameIsOpen = false

    /// Opens `path`.
    ///
    /// - Throws: ``ShopError`` with code `malformedSales` where there is no such file.
    init(path: String) throws(ShopError) {
        guard let file = fopen(path, "rb") else {
            throw .malformedSales(line: 0, "cannot open \(path), errno \(errno)")
        }
        guard let stream = ZSTD_createDStream() else {
            fclose(file)
            throw .malformedSales(line: 0, "no memory for zstd")
        }
        _ = ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.windowLogMax)
        self.file = file
        self.stream = stream
        input = .allocate(byteCount: ZSTD_DStreamInSize(), alignment: 16)
        pending.src = UnsafeRawPointer(input.baseAddress)
    }

    deinit {
        fclose(file)
        _ = ZSTD_freeDStream(stream)
        input.deallocate()
    }

    /// Fills the start of `buffer` with the next decompressed bytes.
    ///
    /// - Returns: How many bytes came; 0 at the end of the file.
    /// - Throws: ``ShopError`` where the file is cut short or is no zstd.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ShopError) -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while output.pos == 0 {
            if pending.pos == pending.size {
                let count = fread(input.baseAddress, 1, input.count, file)
                if count == 0 {
                    if frameIsOpen { throw .malformedSales(line: 0, "the compressed file ends early") }
                    return 0
                }
                pending.size = count
                pending.pos = 0
            }
            let result = ZSTD_decompressStream(stream, &output, &pending)
            if ZSTD_isError(result) != 0 { throw .malformedSales(line: 0, "the file is no valid zstd") }
            frameIsOpen = result != 0
        }
        return output.pos
    }
}
