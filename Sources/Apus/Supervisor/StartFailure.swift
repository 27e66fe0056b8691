import ApusCore
import ApusRuntime
import Glibc

/// Why something could not start: one line that names the fix.
struct StartFailure: Error, Sendable, CustomStringConvertible {
    let description: String

    init(_ line: String) { description = line }

    /// Says in one line what went wrong while doing something.
    init(wrapping error: any Error, doing what: String) {
        switch error {
        case let error as StartFailure: self = error
        case let error as ConfigurationError: self.init("\(error)")
        case let error as SystemError:
            switch error.errno {
            case ENOSPC, EDQUOT: self.init("no space left for \(what); free some, or choose another disk with --data")
            case EROFS: self.init("\(what) is on a read-only disk; choose another with --data")
            case EACCES, EPERM: self.init("\(what): no permission (\(error)); run as its owner, or choose another")
            case EADDRINUSE: self.init(Self.portInUse(error, what))
            case EMFILE, ENFILE: self.init("\(what): too many open files; raise the limit with ulimit -n")
            default: self.init("\(what): \(error)")
            }
        default: self.init("\(what): \(error)")
        }
    }

    private static func portInUse(_ error: SystemError, _ what: String) -> String {
        let port = error.operation.split(separator: ":").last.map(String.init) ?? ""
        return
            "port \(port) is in use; stop what listens there (ss -ltnp 'sport = :\(port)'), or choose another for \(what)"
    }
}
