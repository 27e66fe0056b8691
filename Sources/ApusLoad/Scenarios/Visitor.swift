public import ApusCore
public import ApusHTTP
public import ApusRuntime
import Glibc

// `@unchecked Sendable` is sound because a visitor's journey runs on its loop alone.
/// One visitor on a journey: asks, thinks, checks.
///
/// The first request counts from when the visitor was due, each further one from when the visitor wanted it: the end of the
/// last answer, or of the pause after it. Cookies are kept as a browser keeps them, for this visitor alone.
public final class Visitor: @unchecked Sendable {
    /// The visitor's number in this run, from 0.
    public let number: Int
    /// The visitor's own chance, from the run's seed and the number.
    public var random: SeededRandom
    /// The loop the visitor lives on.
    public var loop: EventLoop { worker.loop }

    private let worker: LoadWorker
    /// When what comes next was wanted.
    private var wanted: Int64
    private var cookies: [(name: String, value: String)] = []

    init(number: Int, due: Int64, worker: LoadWorker) {
        self.number = number
        self.worker = worker
        wanted = due
        random = SeededRandom(seed: worker.plan.seed ^ (UInt64(number) &+ 1) &* 0xD1B5_4A32_D192_ED03)
    }

    // MARK: Asking

    /// Sends a request and waits for its answer.
    ///
    /// - Parameters:
    ///   - request: What to send; `Host` and cookies come by themselves.
    ///   - name: What reports call it; method and target unless said.
    ///   - expecting: The statuses that are right; another one counts as a failure and ends the journey.
    /// - Returns: The answer.
    /// - Throws: ``RequestFailed``; `CancellationError` when the run is over.
    @discardableResult
    public func send(
        _ request: ClientRequest,
        as name: String? = nil,
        expecting: Expectation = .success
    ) async throws -> LoadResponse {
        var request = request
        if !cookies.isEmpty {
            request.fields.append(("Cookie", cookies.map { "\($0.name)=\($0.value)" }.joined(separator: "; ")))
        }
        let kind = worker.kind(name ?? "\(request.method.spelling) \(request.target)")
        let response: LoadResponse
        do {
            response = try await worker.send(request, kind: kind, due: wanted, expecting: expecting)
        } catch {
            wanted = loop.preciseNow().nanoseconds
            throw error
        }
        wanted = loop.preciseNow().nanoseconds
        for field in response.setCookies { keep(field) }
        if let failure = response.failure { throw RequestFailed(failure: failure, response: response) }
        return response
    }

    /// Asks for a route of the app's own.
    ///
    /// - Parameters:
    ///   - route: Method and path; its pattern is what reports call the request.
    ///   - values: What its parameters are.
    ///   - query: After the question mark, already encoded.
    ///   - fields: Fields to send along.
    ///   - body: The body; empty for none.
    ///   - expecting: The statuses that are right.
    /// - Returns: The answer.
    /// - Throws: As ``send(_:as:expecting:)``.
    @discardableResult
    public func ask<each Parameter: PathParameter>(
        _ route: Route<repeat each Parameter>,
        _ values: repeat each Parameter,
        query: String = "",
        fields: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        expecting: Expectation = .success
    ) async throws -> LoadResponse {
        let path = route.path(repeat each values)
        let request = ClientRequest(
            route.method,
            query.isEmpty ? path : "\(path)?\(query)",
            fields: fields,
            body: body
        )
        return try await send(
            request,
            as: "\(route.method.spelling) \(route.pattern)",
            expecting: expecting
        )
    }

    /// Sends a form to a route, as a browser does from a page of the same site.
    ///
    /// - Throws: As ``send(_:as:expecting:)``.
    @discardableResult
    public func submit<each Parameter: PathParameter>(
        _ route: Route<repeat each Parameter>,
        _ values: repeat each Parameter,
        form: [(name: String, value: String)],
        expecting: Expectation = .redirection
    ) async throws -> LoadResponse {
        var writer = ByteWriter(capacity: 256)
        for (index, field) in form.enumerated() {
            if index > 0 { writer.append(UInt8(ascii: "&")) }
            writer.append(percentEncoding: field.name)
            writer.append(UInt8(ascii: "="))
            writer.append(percentEncoding: field.value)
        }
        return try await ask(
            route,
            repeat each values,
            fields: [
                ("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "http://\(worker.target.host)"),
            ],
            body: Array(writer.bytes),
            expecting: expecting
        )
    }

    /// Sends a value as JSON to a route.
    ///
    /// - Throws: As ``send(_:as:expecting:)``; what the encoder throws.
    @discardableResult
    public func send<each Parameter: PathParameter>(
        json value: some Encodable,
        to route: Route<repeat each Parameter>,
        _ values: repeat each Parameter,
        fields: [(name: String, value: String)] = [],
        expecting: Expectation = .success
    ) async throws -> LoadResponse {
        var writer = ByteWriter(capacity: 512)
        try JSONBody().encode(value, to: &writer)
        return try await ask(
            route,
            repeat each values,
            fields: [("Content-Type", "application/json")] + fields,
            body: Array(writer.bytes),
            expecting: expecting
        )
    }

    private func keep(_ field: String) {
        let pair = field.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2 else { return }
        let name = pair[0].trimmingSpaces
        let value = pair[1].trimmingSpaces
        cookies.removeAll { $0.name == name }
        if !value.isEmpty { cookies.append((name, value)) }
    }

    // MARK: Thinking and checking

    /// Waits as a person does who reads.
    ///
    /// - Throws: `CancellationError` when the run is over.
    public func think(_ duration: Duration) async throws {
        let pause = worker.plan.thinkFactor == 1 ? duration : duration * worker.plan.thinkFactor
        guard pause > .zero else { return }
        wanted += pause.nanoseconds
        try await loop.sleep(until: Instant(nanoseconds: wanted))
    }

    /// Waits for a random while with this mean, and never longer than ten times that.
    ///
    /// - Throws: `CancellationError` when the run is over.
    /// - SeeAlso: TPC-W 1.8, clause 5.3.1: think times have a negative exponential distribution, cut at ten times the mean.
    public func think(mean: Duration) async throws {
        let factor = min(10, -log(1 - Double.random(in: 0..<1, using: &random)))
        try await think(mean * factor)
    }

    /// Notes whether something is as expected; what is not counts as a failure, and the journey goes on.
    ///
    /// - Returns: Whether it is.
    @discardableResult
    public func check(_ what: String, _ holds: Bool) -> Bool {
        worker.check(what, holds)
        return holds
    }
}

/// A request that failed, as a journey meets it.
public struct RequestFailed: Error, Sendable, CustomStringConvertible {
    /// Why.
    public let failure: Failure
    /// The answer, where there was one.
    public let response: LoadResponse?

    /// One line.
    public var description: String { response.map { "\(failure): \($0.status.code)" } ?? "\(failure)" }
}

/// Which statuses a request is right to get.
public enum Expectation: Sendable, Hashable {
    /// 200 to 299.
    case success
    /// 300 to 399.
    case redirection
    /// One of these.
    case oneOf([UInt16])
    /// Whatever comes.
    case anything

    func holds(_ status: Status) -> Bool {
        switch self {
        case .success: status.isSuccess
        case .redirection: status.isRedirection
        case .oneOf(let codes): codes.contains(status.code)
        case .anything: true
        }
    }
}

/// An answer as a journey gets it.
public struct LoadResponse: Sendable {
    /// Its status.
    public let status: Status
    /// Its body, whole.
    public let body: [UInt8]
    /// Where a redirection leads, or the address of what was made.
    public let location: String?
    let setCookies: [String]
    let failure: Failure?

    /// The body as text; bytes that are no UTF-8 are replaced.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The body's JSON as a value.
    ///
    /// - Throws: A `Problem` where it is not.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try body.withUnsafeBytes { try JSONBody().decode(type, from: $0) }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
