import ApusCore
import ApusObserve
import ApusWire

/// First frame of the side that connects.
struct Hello {
    static let magic: UInt32 = 0x5355_5041  // "APUS", little-endian
    /// The protocol's version.
    ///
    /// A side that meets another version says so and closes.
    static let version: UInt64 = 1

    var version: UInt64
    var secret: String

    func write(into writer: inout WireWriter) {
        let mark = writer.openFrame(.hello, 0)
        for shift in stride(from: 0, to: 32, by: 8) { writer.writeByte(UInt8(truncatingIfNeeded: Self.magic >> shift)) }
        writer.writeNumber(version)
        writer.writeText(secret)
        writer.closeFrame(mark)
    }

    static func read(_ reader: inout WireReader) throws(WireError) -> Hello {
        var magic: UInt32 = 0
        for shift in stride(from: 0, to: 32, by: 8) { magic |= UInt32(try reader.readByte()) << UInt32(shift) }
        guard magic == Self.magic else { throw WireError(.malformedValue, detail: "not an Apus peer") }
        return Hello(version: try reader.readNumber(), secret: try reader.readText())
    }
}

/// First frame of the side that listens.
struct Welcome {
    var version: UInt64
    /// Calls under way the callee takes on one connection.
    var inFlightMax: UInt64

    func write(into writer: inout WireWriter) {
        let mark = writer.openFrame(.hello, 0)
        writer.writeNumber(version)
        writer.writeNumber(inFlightMax)
        writer.closeFrame(mark)
    }

    static func read(_ reader: inout WireReader) throws(WireError) -> Welcome {
        Welcome(version: try reader.readNumber(), inFlightMax: try reader.readNumber())
    }
}

/// What stands in front of a call's arguments.
struct CallHead: Equatable {
    var target: UInt64
    var identity: String
    /// Time left in nanoseconds; 0 for none given.
    var remaining: UInt64
    /// The span that calls; `none` outside any.
    var trace: TraceContext

    @inline(__always)
    func write(into writer: inout WireWriter) {
        writer.writeNumber(target)
        writer.writeText(identity)
        writer.writeNumber(remaining)
        guard trace.isValid else { return writer.writeByte(0) }
        writer.writeByte(1)
        writer.writeFixed(trace.traceHigh.bigEndian)
        writer.writeFixed(trace.traceLow.bigEndian)
        writer.writeFixed(trace.spanID.bigEndian)
        writer.writeByte(trace.flags)
    }

    @inline(__always)
    static func read(_ reader: inout WireReader) throws(WireError) -> CallHead {
        let target = try reader.readNumber()
        let identity = try reader.readText()
        let remaining = try reader.readNumber()
        var head = CallHead(target: target, identity: identity, remaining: remaining, trace: .none)
        switch try reader.readByte() {
        case 0: break
        case 1:
            head.trace = TraceContext(
                traceHigh: UInt64(bigEndian: try reader.readFixed()),
                traceLow: UInt64(bigEndian: try reader.readFixed()),
                spanID: UInt64(bigEndian: try reader.readFixed()),
                flags: try reader.readByte()
            )
        default: throw WireError(.malformedValue, detail: "call flags")
        }
        return head
    }
}

/// Why a call has no answer, as an error frame says it.
enum Refusal {
    /// An error of the service that keeps its type: its wire name, and its bytes behind it.
    case failure(name: String)
    /// Another error of the service, by its type's name.
    case unnamed(type: String)
    /// An error of the call itself.
    case call(CallError.Code, detail: String)

    func write(into writer: inout WireWriter) {
        switch self {
        case .failure(let name):
            writer.writeByte(0)
            writer.writeText(name)
        case .unnamed(let type):
            writer.writeByte(1)
            writer.writeText(type)
        case .call(let code, let detail):
            writer.writeByte(2)
            writer.writeByte(code.rawValue)
            writer.writeText(detail)
        }
    }

    static func read(_ reader: inout WireReader) throws(WireError) -> Refusal {
        switch try reader.readByte() {
        case 0: return .failure(name: try reader.readText())
        case 1: return .unnamed(type: try reader.readText())
        case 2:
            // A code of a newer peer is a refusal all the same.
            let code = CallError.Code(rawValue: try reader.readByte()) ?? .refused
            return .call(code, detail: try reader.readText())
        default: throw WireError(.malformedValue, detail: "error kind")
        }
    }
}
