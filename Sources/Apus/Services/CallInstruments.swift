import ApusObserve

/// What is measured of the calls from this process to a service.
struct CallInstruments: Sendable {
    let times: Histogram
    let failures, retries: Counter

    init(service: String, metrics: Metrics = .process) {
        times = metrics.histograms(
            "apus_rpc_client_duration_seconds",
            help: "Calls made to services of other processes, retries included.",
            bounds: .callDurations,
            labels: ["service"]
        ).series(service)
        failures = metrics.counters(
            "apus_rpc_client_failures_total",
            help: "Calls that ended with an error.",
            labels: ["service"]
        ).series(service)
        retries = metrics.counters(
            "apus_rpc_client_retries_total",
            help: "Calls made again, by service.",
            labels: ["service"]
        ).series(service)
    }
}

/// What is measured of the calls that a method of this process answers.
struct AnswerInstruments: Sendable {
    let times: Histogram
    let failures: Counter

    /// The instruments of `name`, such as `orders.place`.
    init(service: String, method: String, metrics: Metrics = .process) {
        times = metrics.histograms(
            "apus_rpc_server_duration_seconds",
            help: "Calls answered, from arrival to answer.",
            bounds: .callDurations,
            labels: ["service", "method"],
            seriesMax: 256
        ).series(service, method)
        failures = metrics.counters(
            "apus_rpc_server_failures_total",
            help: "Calls that were answered with an error.",
            labels: ["service", "method"],
            seriesMax: 256
        ).series(service, method)
    }
}
