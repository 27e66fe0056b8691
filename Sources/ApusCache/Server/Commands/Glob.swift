/// A pattern as `KEYS` and `PSUBSCRIBE` take it: `*`, `?`, `[a-z]`, `[^a]` and `\` before what stands for itself.
///
/// Matching goes back to the last star only, so that no pattern takes longer than its length times that of the text.
struct Glob {
    private enum Step {
        case byte(UInt8)
        case any
        case star
        case set(ranges: [ClosedRange<UInt8>], isInverted: Bool)

        func matches(_ byte: UInt8) -> Bool {
            switch self {
            case .byte(let wanted): wanted == byte
            case .any: true
            case .star: false
            case .set(let ranges, let isInverted): ranges.contains { $0.contains(byte) } != isInverted
            }
        }
    }

    private var steps: [Step] = []

    init(_ pattern: some Collection<UInt8>) {
        var bytes = Array(pattern)[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                if case .star = steps.last { continue }
                steps.append(.star)
            case UInt8(ascii: "?"): steps.append(.any)
            case UInt8(ascii: "["): steps.append(Self.set(&bytes))
            case UInt8(ascii: "\\"): steps.append(.byte(bytes.popFirst() ?? byte))
            default: steps.append(.byte(byte))
            }
        }
    }

    /// What stands between brackets; to the end where they do not close, as in Redis.
    private static func set(_ bytes: inout ArraySlice<UInt8>) -> Step {
        var ranges: [ClosedRange<UInt8>] = []
        let isInverted = bytes.first == UInt8(ascii: "^")
        if isInverted { bytes.removeFirst() }
        while let byte = bytes.popFirst() {
            if byte == UInt8(ascii: "]") { break }
            if byte == UInt8(ascii: "\\"), let escaped = bytes.popFirst() {
                ranges.append(escaped...escaped)
            } else if bytes.count >= 2, bytes.first == UInt8(ascii: "-") {
                bytes.removeFirst()
                let last = bytes.removeFirst()
                ranges.append(min(byte, last)...max(byte, last))
            } else {
                ranges.append(byte...byte)
            }
        }
        return .set(ranges: ranges, isInverted: isInverted)
    }

    /// Whether the whole text is what the pattern says.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        var (step, place) = (0, 0)
        var star: (step: Int, place: Int)?
        while true {
            if step < steps.count, case .star = steps[step] {
                step += 1
                star = (step, place)
            } else if place == text.count {
                return step == steps.count
            } else if step < steps.count, steps[step].matches(text[place]) {
                step += 1
                place += 1
            } else if let last = star, last.place < text.count {
                // The star takes one byte more.
                star = (last.step, last.place + 1)
                (step, place) = (last.step, last.place + 1)
            } else {
                return false
            }
        }
    }

    func matches(_ text: [UInt8]) -> Bool { text.withUnsafeBytes { matches($0) } }
}
