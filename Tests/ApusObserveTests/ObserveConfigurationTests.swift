import ApusCore
import ApusObserve
import Testing

struct ObserveConfigurationTests {
    @Test func `nothing set: nothing is sent, everything recorded`() throws {
        let configuration = try ObserveConfiguration(environment: ["OTEL_SERVICE_NAME": ""])
        #expect(configuration.serviceName == "unknown_service")
        #expect(configuration.otlp.tracesURL == nil && configuration.otlp.metricsURL == nil)
        #expect(configuration.traces == TraceConfiguration())
        #expect(configuration.logLevel == .info)
        #expect(configuration.logFormat == .automatic)
        #expect(configuration.allowsColor)
    }

    @Test func `OpenTelemetry's variables are read`() throws {
        let configuration = try ObserveConfiguration(environment: [
            "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other, deployment=te%20st",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%2Cb",
            "OTEL_METRICS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "100", "LOG_LEVEL": "DEBUG",
            "LOG_FORMAT": "json", "NO_COLOR": "1",
        ])
        #expect(configuration.resource.map(\.key) == ["service.name", "deployment"])
        #expect(configuration.resource.map(\.value) == ["shop", "te st"])
        #expect(configuration.traces.root == .ratio(0.25))
        #expect(configuration.traces.followsParent)
        #expect(configuration.otlp.tracesURL == "http://c:4318/v1/traces")
        #expect(configuration.otlp.metricsURL == nil)
        #expect(configuration.otlp.headers.reveal() == ["x-key": "a,b"])
        #expect(configuration.otlp.delay == .milliseconds(100))
        #expect(configuration.logLevel == .debug)
        #expect(configuration.logFormat == .json)
        #expect(!configuration.allowsColor)
    }

    @Test func `OTEL_SDK_DISABLED turns recording and sending off`() throws {
        let configuration = try ObserveConfiguration(environment: [
            "OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
        ])
        #expect(configuration.traces.root == .alwaysOff)
        #expect(!configuration.traces.followsParent)
        #expect(configuration.otlp.tracesURL == nil)
    }

    @Test(arguments: [
        ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_RESOURCE_ATTRIBUTES", "novalue"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret%zz"), ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
    ])
    func `a variable that cannot be used is refused by name`(name: String, value: String) {
        let error = #expect(throws: ConfigurationError.self) { try ObserveConfiguration(environment: [name: value]) }
        #expect(error?.field == name)
        #expect(error?.value.contains("secret") == false)
    }
}
