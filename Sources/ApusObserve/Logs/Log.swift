/// Writes what happens, for operators: one line an event, with named values.
///
///     let log = Log("orders")
///     log.info("order placed", ["order": .string(id), "lines": .int(lines.count)])
///
/// Message and fields are not even computed while their level is off. The trace of the task at hand is added by itself.
public struct Log: Sendable {
    /// Who writes, such as `orders`.
    public let name: String
    let output: LogOutput

    /// A log that writes under `name`.
    public init(_ name: String, to output: LogOutput = .process) {
        self.name = name
        self.output = output
    }

    /// Whether lines of `level` are written.
    public func isOn(_ level: LogLevel) -> Bool { level.rawValue >= output.threshold }

    /// Writes a line.
    public func write(
        _ level: LogLevel,
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) {
        guard isOn(level) else { return }
        output.write(level, logger: name, message(), fields())
    }

    /// Writes a line of level ``LogLevel/trace``.
    public func trace(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) { write(.trace, message(), fields()) }

    /// Writes a line of level ``LogLevel/debug``.
    public func debug(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) { write(.debug, message(), fields()) }

    /// Writes a line of level ``LogLevel/info``.
    public func info(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) { write(.info, message(), fields()) }

    /// Writes a line of level ``LogLevel/warning``.
    public func warning(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) { write(.warning, message(), fields()) }

    /// Writes a line of level ``LogLevel/error``, and hands over everything written so far.
    public func error(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
    ) { write(.error, message(), fields()) }
}
