import ApusCore

/// Progress on standard error: a line that renews itself on a terminal, a line each tenth of the way elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var tenth = -1
        var hasLine = false
    }
    private let state = Lock(State())
    private let isQuiet: Bool
    private let isTerminal = StandardStreams.isErrorTerminal

    /// - Parameter isQuiet: Says nothing where nobody looks.
    init(isQuiet: Bool) { self.isQuiet = isQuiet && !isTerminal }

    /// Shows how far it is.
    ///
    /// - Parameters:
    ///   - line: For people.
    ///   - percent: How far it is; `nil` where nobody knows, which is for terminals alone.
    func show(_ line: String, percent: Int?) {
        if isQuiet { return }
        let isNews = state.withLock { state in
            if isTerminal {
                state.hasLine = true
                return true
            }
            guard let percent, percent / 10 != state.tenth else { return false }
            state.tenth = percent / 10
            return true
        }
        if isNews { StandardStreams.writeError(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n") }
    }

    /// Ends the line.
    func end() {
        let hasLine = state.withLock { state in
            defer { state.hasLine = false }
            return state.hasLine
        }
        if hasLine { StandardStreams.writeError("\n") }
    }
}
