import ApusCore
import ApusLoad
import ApusRuntime

/// What `load --json --follow` says as it goes, a line of JSON each; one of the fields is there.
struct LoadEvent: Codable, Sendable {
    /// What it begins with.
    struct Began: Codable, Sendable {
        /// What is loaded.
        var target: String
        /// How it is driven, in words.
        var driver: String
    }

    var began: Began?
    /// What went on in a second.
    var sample: LoadReport.Sample?
    /// A rate that a search for the limit tried.
    var step: LimitFinding.Step?
    /// The result, at the end.
    var report: LoadReport?
}

/// Who watches a run: somebody at a terminal, or a program that reads lines.
enum LoadAudience: Sendable {
    case people(LiveView)
    case program

    init(follows: Bool) { self = follows ? .program : .people(LiveView()) }

    func begin(_ scenario: String, _ driver: String, _ target: LoadTarget) {
        switch self {
        case .people(let view): view.begin("\(scenario): \(driver), \(target)")
        case .program: Self.tell(LoadEvent(began: .init(target: "\(target)", driver: driver)))
        }
    }

    func show(_ sample: LoadReport.Sample) {
        switch self {
        case .people(let view): view.show(sample)
        case .program: Self.tell(LoadEvent(sample: sample))
        }
    }

    func end() { if case .people(let view) = self { view.end() } }

    /// Says how a step of a search came out; people hear of the steps alone, not of their seconds.
    func show(_ step: LimitFinding.Step) {
        switch self {
        case .people: SystemProgram.complain(TextReport.line(step))
        case .program: Self.tell(LoadEvent(step: step))
        }
    }

    static func tell(_ event: LoadEvent) {
        guard let line = try? JSONDocument.encode(event) else { return }
        StandardStreams.write(line + "\n")
    }
}
