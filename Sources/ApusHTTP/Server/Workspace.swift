import ApusCore
import ApusRuntime

/// The memory of one request at work: its bytes, its header table, its answer.
///
/// A connection holds one only from a request's first byte to its answer's last. The loop keeps them in a stack, so
/// that a thousand connections that take turns all use the same few, which stay in the core's cache.
struct Workspace {
    var table = HeaderTable.allocate()
    var input: UnsafeMutableRawPointer
    var inputCapacity = Workspace.usualInput
    /// Where unread input begins.
    var inputStart = 0
    /// Where it ends.
    var inputEnd = 0
    /// The answer on its way out, and how much of it has been sent.
    let output: UnsafeMutablePointer<ByteWriter>
    var sent = 0
    /// Fields that the handler wants in the answer's head, as whole lines.
    let fields: UnsafeMutablePointer<ByteWriter>
    var next: UnsafeMutablePointer<Workspace>?

    static let usualInput = 16 << 10

    init() {
        input = .allocate(byteCount: Workspace.usualInput, alignment: 16)
        output = .allocate(capacity: 1)
        output.initialize(to: ByteWriter(capacity: Workspace.usualInput))
        fields = .allocate(capacity: 1)
        fields.initialize(to: ByteWriter(capacity: 256))
    }

    /// What is still to be sent.
    var pending: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: output.pointee.bytes[sent...]) }

    var unread: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: input + inputStart, count: inputEnd - inputStart)
    }

    /// Where more input goes; at least one byte once ``makeRoom(atMost:)`` has succeeded.
    var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: input + inputEnd, count: inputCapacity - inputEnd)
    }

    /// Makes room for more input behind what is unread, moving or growing the buffer.
    ///
    /// - Returns: False when `atMost` bytes are unread already.
    mutating func makeRoom(atMost: Int) -> Bool {
        if inputEnd < inputCapacity { return true }
        let count = inputEnd - inputStart
        if inputStart > 0 {
            input.copyMemory(from: input + inputStart, byteCount: count)
        } else {
            return count < atMost && grow()
        }
        inputStart = 0
        inputEnd = count
        return true
    }

    /// Doubles the buffer, leaving offsets as they are.
    ///
    /// - Returns: False at 256 KiB, which no head with its limits comes to.
    mutating func grow() -> Bool {
        guard inputCapacity < 256 << 10 else { return false }
        let bigger = UnsafeMutableRawPointer.allocate(byteCount: inputCapacity * 2, alignment: 16)
        bigger.copyMemory(from: input, byteCount: inputEnd)
        input.deallocate()
        input = bigger
        inputCapacity *= 2
        return true
    }

    mutating func reset() {
        inputStart = 0
        inputEnd = 0
        sent = 0
        output.pointee.removeAll()
        fields.pointee.removeAll()
        if output.pointee.capacity > 4 * Workspace.usualInput {
            output.pointee = ByteWriter(capacity: Workspace.usualInput)
        }
        if inputCapacity > Workspace.usualInput {
            input.deallocate()
            input = .allocate(byteCount: Workspace.usualInput, alignment: 16)
            inputCapacity = Workspace.usualInput
        }
    }

    func deallocate() {
        table.deallocate()
        input.deallocate()
        output.deinitialize(count: 1)
        output.deallocate()
        fields.deinitialize(count: 1)
        fields.deallocate()
    }
}

/// A loop's spare workspaces: last in, first out, a bounded number.
struct WorkspacePool {
    private var first: UnsafeMutablePointer<Workspace>?
    private var count = 0
    static let spareMax = 64

    @inline(__always)
    mutating func take() -> UnsafeMutablePointer<Workspace> {
        if let workspace = first {
            first = workspace.pointee.next
            count -= 1
            return workspace
        }
        let workspace = UnsafeMutablePointer<Workspace>.allocate(capacity: 1)
        workspace.initialize(to: Workspace())
        return workspace
    }

    @inline(__always)
    mutating func give(_ workspace: UnsafeMutablePointer<Workspace>) {
        if count >= Self.spareMax {
            workspace.pointee.deallocate()
            workspace.deallocate()
            return
        }
        workspace.pointee.reset()
        workspace.pointee.next = first
        first = workspace
        count += 1
    }

    mutating func deallocate() {
        while let workspace = first {
            first = workspace.pointee.next
            workspace.pointee.deallocate()
            workspace.deallocate()
        }
        count = 0
    }
}
