import Apus
import BenchKit
import Foundation

/// The codec alone: an order of ten lines written and read, against Foundation's JSON.
enum CodecCase {
    static func rows(_ options: Options) throws -> [BenchKit.Row] {
        var (binary, hand, json) = ([Double](), [Double](), [Double]())
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        let each = options.seconds / 3
        for _ in 0..<options.rounds {
            binary.append(try repeated(seconds: each) { _ = try Order(wireBytes: Order.sample.wireBytes()) })
            hand.append(try repeated(seconds: each) { _ = try HandOrder(wireBytes: HandOrder.sample.wireBytes()) })
            json.append(
                try repeated(seconds: each) { _ = try decoder.decode(Order.self, from: encoder.encode(Order.sample)) }
            )
        }
        func row(_ name: String, _ own: [Double], _ bar: Double?) -> BenchKit.Row {
            BenchKit.Row(
                name,
                metric: "cpu",
                unit: "ns/order",
                better: .lower,
                apus: own,
                peers: ["Foundation JSON": json],
                bar: bar
            )
        }
        return [row("codec", binary, 4), row("codec-handwritten", hand, nil)]
    }
}
