public import ApusCore

extension ObserveConfiguration {
    /// Reads the variables that OpenTelemetry specifies, and `LOG_LEVEL`, `LOG_FORMAT`, `NO_COLOR`.
    ///
    /// An empty variable counts as unset.
    ///
    /// - Parameter environment: Names and values, as the process got them.
    /// - Throws: `ConfigurationError` that names the variable.
    /// - SeeAlso: OpenTelemetry specification, "Environment variables"; no-color.org.
    public init(environment: [String: String]) throws(ConfigurationError) {
        self.init()
        let variables = Variables(values: environment)
        try readLog(variables)
        try readResource(variables)
        try readSampler(variables)
        if try variables.flag("OTEL_SDK_DISABLED") {
            traces.root = .alwaysOff
            traces.followsParent = false
        } else {
            try readExporter(variables)
        }
    }

    private mutating func readLog(_ variables: Variables) throws(ConfigurationError) {
        if let name = variables["LOG_LEVEL"] {
            guard let level = LogLevel(name: name) else {
                let accepted = LogLevel.allCases.map { "\($0)" }.joined(separator: ", ")
                throw ConfigurationError(field: "LOG_LEVEL", value: name, accepted: accepted)
            }
            logLevel = level
        }
        if let name = variables["LOG_FORMAT"] {
            guard let format = LogFormat(rawValue: name.lowercased()) else {
                throw ConfigurationError(field: "LOG_FORMAT", value: name, accepted: "auto, json, human")
            }
            logFormat = format
        }
        allowsColor = variables["NO_COLOR"] == nil && variables["TERM"] != "dumb"
    }

    private mutating func readResource(_ variables: Variables) throws(ConfigurationError) {
        for (key, value) in try variables.pairs("OTEL_RESOURCE_ATTRIBUTES", isSecret: false) {
            if key == "service.name" { serviceName = value }
            resourceAttributes.append((key: key, value: value))
        }
        if let name = variables["OTEL_SERVICE_NAME"] { serviceName = name }
    }

    private mutating func readSampler(_ variables: Variables) throws(ConfigurationError) {
        var ratio = 1.0
        if let text = variables["OTEL_TRACES_SAMPLER_ARG"] {
            guard let value = Double(text), (0...1).contains(value) else {
                throw ConfigurationError(field: "OTEL_TRACES_SAMPLER_ARG", value: text, accepted: "0 to 1")
            }
            ratio = value
        }
        guard let name = variables["OTEL_TRACES_SAMPLER"] else { return }
        let samplers: [String: TraceConfiguration.Sampler] = [
            "always_on": .alwaysOn, "always_off": .alwaysOff, "traceidratio": .ratio(ratio),
        ]
        let prefix = "parentbased_"
        traces.followsParent = name.hasPrefix(prefix)
        guard let sampler = samplers[traces.followsParent ? String(name.dropFirst(prefix.count)) : name] else {
            let accepted = "always_on, always_off, traceidratio, or parentbased_ before one of them"
            throw ConfigurationError(field: "OTEL_TRACES_SAMPLER", value: name, accepted: accepted)
        }
        traces.root = sampler
    }

    private mutating func readExporter(_ variables: Variables) throws(ConfigurationError) {
        let all = variables["OTEL_EXPORTER_OTLP_ENDPOINT"].map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        let traces = variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? all.map { "\($0)/v1/traces" }
        let metrics = variables["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] ?? all.map { "\($0)/v1/metrics" }
        if try variables.exports("OTEL_TRACES_EXPORTER") { otlp.tracesURL = traces }
        if try variables.exports("OTEL_METRICS_EXPORTER") { otlp.metricsURL = metrics }
        for url in [traces, metrics] {
            if let url, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
                throw ConfigurationError(
                    field: "OTEL_EXPORTER_OTLP_ENDPOINT",
                    value: url,
                    accepted: "a URL that begins with http:// or https://"
                )
            }
        }
        if let name = variables["OTEL_EXPORTER_OTLP_PROTOCOL"], name != "http/protobuf" {
            throw ConfigurationError(field: "OTEL_EXPORTER_OTLP_PROTOCOL", value: name, accepted: "http/protobuf")
        }
        let headers = try variables.pairs("OTEL_EXPORTER_OTLP_HEADERS", isSecret: true)
        otlp.headers = Secret(Dictionary(headers.map { ($0.key, $0.value) }) { $1 })
        if let delay = try variables.number("OTEL_BSP_SCHEDULE_DELAY") { otlp.delay = .milliseconds(delay) }
        if let interval = try variables.number("OTEL_METRIC_EXPORT_INTERVAL") {
            otlp.metricsInterval = .milliseconds(interval)
        }
        if let queue = try variables.number("OTEL_BSP_MAX_QUEUE_SIZE") { otlp.queueMax = queue }
        if let batch = try variables.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") { otlp.batchMax = batch }
    }
}

/// Reads single variables.
private struct Variables {
    let values: [String: String]

    subscript(name: String) -> String? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }

    /// A whole number above zero.
    func number(_ name: String) throws(ConfigurationError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text), value > 0, value < 1 << 31 else {
            throw ConfigurationError(field: name, value: text, accepted: "a whole number above 0")
        }
        return value
    }

    /// `true` or `false`, in any case; false unless set.
    func flag(_ name: String) throws(ConfigurationError) -> Bool {
        guard let text = self[name]?.lowercased() else { return false }
        guard text == "true" || text == "false" else {
            throw ConfigurationError(field: name, value: text, accepted: "true, false")
        }
        return text == "true"
    }

    /// Whether an exporter variable says `otlp`, which it does unless set.
    func exports(_ name: String) throws(ConfigurationError) -> Bool {
        guard let text = self[name] else { return true }
        guard text == "otlp" || text == "none" else {
            throw ConfigurationError(field: name, value: text, accepted: "otlp, none")
        }
        return text == "otlp"
    }

    /// `key=value,key=value`, values percent-encoded, as in W3C Baggage.
    func pairs(_ name: String, isSecret: Bool) throws(ConfigurationError) -> [(key: String, value: String)] {
        guard let text = self[name] else { return [] }
        var pairs: [(key: String, value: String)] = []
        for part in text.split(separator: ",") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = halves[0].filter { $0 != " " }
            guard halves.count == 2, !key.isEmpty, let value = Self.decoded(halves[1]) else {
                throw ConfigurationError(
                    field: name,
                    value: isSecret ? "[redacted]" : text,
                    accepted: "key=value, separated by commas, values percent-encoded"
                )
            }
            pairs.append((key: key, value: value))
        }
        return pairs
    }

    private static func decoded(_ text: Substring) -> String? {
        var rest = text.drop { $0 == " " }
        while rest.last == " " { rest.removeLast() }
        return PercentCoding.decodeText(rest)
    }
}
