public import Foundation

/// What a benchmark was asked to do.
public struct Options: Sendable {
    /// Interleaved rounds; a figure is the median over them.
    public var rounds = 5
    /// Seconds each contender is loaded in a round.
    public var seconds = 3.0
    /// Only this case, if given.
    public var only: String?
    /// Whether stdout gets the JSON document instead of a table.
    public var json = false
    /// Whether a missed bar ends the process with code 3.
    public var check = false
    /// The folder that keeps the result, if given.
    public var save: URL?
    /// Options that only this benchmark knows, by their names without the dashes.
    public var own: [String: String] = [:]
    /// What is not an option: a benchmark that starts itself again in a role finds the role here.
    public var rest: [String] = []

    /// Reads the command line; unknown options end the process with code 2.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - rounds: Interleaved rounds unless they are given.
    ///   - names: The names, without the dashes, of options that only this benchmark knows; each takes a value.
    public init(
        _ arguments: [String] = Array(CommandLine.arguments.dropFirst()),
        rounds: Int = 5,
        own names: Set<String> = []
    ) {
        self.rounds = rounds
        var left = arguments[...]
        func value(_ option: String) -> String {
            guard let value = left.popFirst() else { Self.refuse("\(option) needs a value") }
            return value
        }
        while let option = left.popFirst() {
            switch option {
            case "--json": json = true
            case "--check": check = true
            case "--save": save = URL(filePath: value(option))
            case "--case": only = value(option)
            case "--rounds":
                guard let count = Int(value(option)), count > 0 else { Self.refuse("--rounds wants 1 or more") }
                self.rounds = count
            case "--seconds":
                guard let length = Double(value(option)), length > 0 else { Self.refuse("--seconds wants more than 0") }
                seconds = length
            case let option where option.hasPrefix("--") && names.contains(String(option.dropFirst(2))):
                own[String(option.dropFirst(2))] = value(option)
            default:
                if option.hasPrefix("-") { Self.refuse("there is no option \(option)") }
                rest.append(option)
            }
        }
    }

    /// Whether a case is to be run.
    public func wants(_ name: String) -> Bool { only == nil || only == name }

    /// The options that are not as they are unless given, as they are typed.
    var typed: String {
        "--rounds \(rounds)" + own.sorted { $0.key < $1.key }.map { " --\($0.key) \($0.value)" }.joined()
            + (only.map { " --case \($0)" } ?? "")
    }

    /// Ends the process: the command line makes no sense.
    public static func refuse(_ why: String) -> Never {
        say("bench: \(why)")
        exit(2)
    }
}

/// A line of progress on stderr.
public func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

/// Runs a benchmark's body with a folder of its own and ends the process with one line if it fails.
///
/// - Parameter body: Starts servers, measures, reports.
public func measured(_ body: (Scratch) throws -> Void) {
    do {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try body(scratch)
    } catch {
        say("bench: \(error)")
        exit(1)
    }
}
