/// A part that was seen to use a service or a block: what an arrow of the picture stands for, also while nothing passes.
struct KnownCall: Sendable, Hashable {
    /// The part that asks.
    var from: String
    /// The node that is asked, as the picture names it: `orders`, `cache:products`.
    var to: String

    /// What a series that has grown says of who uses what; nothing where it is about something else.
    init?(_ info: SeriesInfo) {
        let to: String? =
            switch info.metric {
            case "apus_rpc_client_duration_seconds": info.label("service")
            case "apus_cache_hits_total", "apus_cache_misses_total": info.label("cache").map { "cache:\($0)" }
            case "apus_store_writes_total", "apus_store_reads_total": info.label("store").map { "store:\($0)" }
            default: nil
            }
        guard let to else { return nil }
        self.init(from: info.process.part, to: to)
    }

    init(from: String, to: String) {
        self.from = from
        self.to = to
    }
}
