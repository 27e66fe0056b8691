/// Why bytes are not JSON that is accepted.
public struct JSONFault: Error, Sendable, Hashable {
    /// The rule that was broken.
    public enum Code: UInt8, Sendable, Hashable, CaseIterable {
        /// Larger than allowed.
        case tooLarge
        /// Arrays and objects inside one another deeper than allowed.
        case tooDeep
        /// The document ends in the middle.
        case truncated
        /// A byte where it cannot be.
        case unexpectedByte
        /// A number not as RFC 8259 writes it.
        case malformedNumber
        /// A string that is not UTF-8, has a bare control character or an escape that is none.
        case malformedString
        /// Something after the document.
        case trailingBytes
    }

    /// What to match on.
    public let code: Code
    /// Offset of the byte in the document.
    public let offset: Int
}

/// Checks that bytes are exactly one JSON document, without building it.
///
/// Runs before a decoder that is more liberal or less bounded: size and depth are limited, the stack does not grow.
///
/// - SeeAlso: RFC 8259.
public struct JSONScanner: Sendable {
    /// Largest document in bytes; 1 MiB unless set.
    public var bytesMax = 1 << 20
    /// Deepest nesting of arrays and objects; 64 unless set, at most 64 Ki.
    public var depthMax = 64

    /// Starts from the defaults.
    public init() {}

    /// Throws where `document` is not JSON within the limits; allocates nothing up to a depth of 64.
    public func check(_ document: UnsafeRawBufferPointer) throws(JSONFault) {
        guard document.count <= bytesMax else { throw JSONFault(code: .tooLarge, offset: bytesMax) }
        guard let base = document.baseAddress else { throw JSONFault(code: .truncated, offset: 0) }
        var scan = Scan(base: base, end: document.count, depthMax: depthMax)
        try scan.document()
    }
}

/// One pass over a document.
///
/// Which brackets are open is a bit each: set for an object.
private struct Scan {
    let base: UnsafeRawPointer
    let end: Int
    let depthMax: Int
    var offset = 0
    var depth = 0
    var shallow: UInt64 = 0
    var deep: [UInt64] = []

    init(base: UnsafeRawPointer, end: Int, depthMax: Int) {
        self.base = base
        self.end = end
        self.depthMax = depthMax
    }

    mutating func document() throws(JSONFault) {
        while true {
            // A value is next.
            switch try byte() {
            case UInt8(ascii: "{"):
                try open(isObject: true)
                if try byte() == UInt8(ascii: "}") { break }
                try key()
                continue
            case UInt8(ascii: "["):
                try open(isObject: false)
                if try byte() == UInt8(ascii: "]") { break }
                continue
            case 0x22: try string()
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
            default: throw fault(.unexpectedByte)
            }
            // A value has ended: close what ends with it, up to a comma.
            var wantsValue = false
            while !wantsValue, depth > 0 {
                let next = try byte()
                if next == UInt8(ascii: ",") {
                    offset &+= 1
                    if isObject {
                        guard try byte() == 0x22 else { throw fault(.unexpectedByte) }
                        try key()
                    }
                    wantsValue = true
                } else if next == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    offset &+= 1
                    depth &-= 1
                } else {
                    throw fault(.unexpectedByte)
                }
            }
            if !wantsValue { break }
        }
        skipSpace()
        if offset < end { throw fault(.trailingBytes) }
    }

    private func fault(_ code: JSONFault.Code) -> JSONFault { JSONFault(code: code, offset: offset) }

    private var isObject: Bool {
        let place = depth &- 1
        return (place < 64 ? shallow : deep[place / 64 - 1]) >> UInt64(place % 64) & 1 == 1
    }

    private mutating func open(isObject: Bool) throws(JSONFault) {
        guard depth < depthMax else { throw fault(.tooDeep) }
        offset &+= 1
        let bit = UInt64(1) << UInt64(depth % 64)
        if depth < 64 {
            shallow = isObject ? shallow | bit : shallow & ~bit
        } else {
            if deep.count < depth / 64 { deep.append(0) }
            let word = deep[depth / 64 - 1]
            deep[depth / 64 - 1] = isObject ? word | bit : word & ~bit
        }
        depth &+= 1
    }

    private mutating func skipSpace() {
        while offset < end {
            let value = ByteScan.byte(base, offset)
            guard value == 0x20 || value == 0x0A || value == 0x0D || value == 0x09 else { return }
            offset &+= 1
        }
    }

    /// The next byte that is no white space; not taken.
    private mutating func byte() throws(JSONFault) -> UInt8 {
        skipSpace()
        guard offset < end else { throw fault(.truncated) }
        return ByteScan.byte(base, offset)
    }

    private mutating func key() throws(JSONFault) {
        guard try byte() == 0x22 else { throw fault(.unexpectedByte) }
        try string()
        guard try byte() == UInt8(ascii: ":") else { throw fault(.unexpectedByte) }
        offset &+= 1
    }

    private mutating func word(_ text: StaticString) throws(JSONFault) {
        for index in 0..<text.utf8CodeUnitCount {
            guard offset < end else { throw fault(.truncated) }
            guard ByteScan.byte(base, offset) == text.utf8Start[index] else { throw fault(.unexpectedByte) }
            offset &+= 1
        }
    }

    private mutating func digits() throws(JSONFault) {
        guard offset < end else { throw fault(.truncated) }
        guard ASCII.isDigit(ByteScan.byte(base, offset)) else { throw fault(.malformedNumber) }
        while offset < end, ASCII.isDigit(ByteScan.byte(base, offset)) { offset &+= 1 }
    }

    private mutating func number() throws(JSONFault) {
        if ByteScan.byte(base, offset) == UInt8(ascii: "-") { offset &+= 1 }
        if offset < end, ByteScan.byte(base, offset) == 0x30 {
            offset &+= 1
            if offset < end, ASCII.isDigit(ByteScan.byte(base, offset)) { throw fault(.malformedNumber) }
        } else {
            try digits()
        }
        if offset < end, ByteScan.byte(base, offset) == UInt8(ascii: ".") {
            offset &+= 1
            try digits()
        }
        if offset < end, ByteScan.byte(base, offset) | 0x20 == UInt8(ascii: "e") {
            offset &+= 1
            if offset < end {
                let sign = ByteScan.byte(base, offset)
                if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset &+= 1 }
            }
            try digits()
        }
    }

    private mutating func string() throws(JSONFault) {
        offset &+= 1
        while offset < end {
            if offset &+ 8 <= end {
                let word = ByteScan.load(base, offset)
                let found =
                    ByteScan.below(word, 0x20) | ByteScan.equal(word, 0x22) | ByteScan.equal(word, 0x5C)
                    | (word & ByteScan.tops)
                if found == 0 {
                    offset &+= 8
                    continue
                }
                offset &+= found.trailingZeroBitCount &>> 3
            }
            let value = ByteScan.byte(base, offset)
            if value == 0x22 {
                offset &+= 1
                return
            }
            if value == 0x5C {
                try escape()
            } else if value >= 0x80 {
                let count = UTF8Rules.sequence(base, offset, end)
                guard count > 0 else { throw fault(.malformedString) }
                offset &+= count
            } else if value < 0x20 {
                throw fault(.malformedString)
            } else {
                offset &+= 1
            }
        }
        throw fault(.truncated)
    }

    /// A lone surrogate is an escape like any other to RFC 8259, but no text: it is refused.
    private mutating func escape() throws(JSONFault) {
        guard offset &+ 1 < end else { throw fault(.truncated) }
        switch ByteScan.byte(base, offset &+ 1) {
        case 0x22, 0x5C, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"),
            UInt8(ascii: "t"):
            offset &+= 2
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            if unit >= 0xDC00, unit < 0xE000 { throw fault(.malformedString) }
            if unit >= 0xD800, unit < 0xDC00 {
                guard offset &+ 1 < end, ByteScan.byte(base, offset) == 0x5C,
                    ByteScan.byte(base, offset &+ 1) == UInt8(ascii: "u")
                else { throw fault(.malformedString) }
                let low = try codeUnit()
                guard low >= 0xDC00, low < 0xE000 else { throw fault(.malformedString) }
            }
        default: throw fault(.malformedString)
        }
    }

    private mutating func codeUnit() throws(JSONFault) -> UInt32 {
        guard offset &+ 6 <= end else { throw fault(.truncated) }
        var unit: UInt32 = 0
        for index in 2..<6 {
            let digit = ASCII.hexValue(ByteScan.byte(base, offset &+ index))
            guard digit < 16 else { throw fault(.malformedString) }
            unit = unit << 4 | UInt32(digit)
        }
        offset &+= 6
        return unit
    }
}

/// Which byte sequences are UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
///
/// - SeeAlso: Unicode, table 3-7.
enum UTF8Rules {
    /// Length of the sequence that begins with a byte of 0x80 or more at `offset`; 0 if there is none.
    static func sequence(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        let first = ByteScan.byte(base, offset)
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        let count: Int
        switch first {
        case 0xC2...0xDF: count = 2
        case 0xE0...0xEF:
            count = 3
            if first == 0xE0 { low = 0xA0 } else if first == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            count = 4
            if first == 0xF0 { low = 0x90 } else if first == 0xF4 { high = 0x8F }
        default: return 0
        }
        guard offset &+ count <= end else { return 0 }
        let second = ByteScan.byte(base, offset &+ 1)
        guard second >= low, second <= high else { return 0 }
        for index in 2..<max(count, 2) where ByteScan.byte(base, offset &+ index) & 0xC0 != 0x80 { return 0 }
        return count
    }
}
