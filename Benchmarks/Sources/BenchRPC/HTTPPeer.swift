import ApusCore
import ApusHTTP
import ApusRuntime
import FoundationEssentials

/// The same call through HTTP: `POST /orders` with the order as JSON, the receipt as JSON back.
enum HTTPPeer {
    /// How both sides turn orders and receipts into JSON.
    enum Coding: String, CaseIterable {
        /// Foundation's encoder and decoder.
        case foundation
        /// Our writer; reading stays Foundation's.
        case own
    }

    /// Serves the orders at `address` until the process ends.
    static func serve(_ handle: any Orders, at address: SocketAddress, on loop: EventLoop) async throws {
        var routes = RouterBuilder()
        routes.on(Route(.post, "/foundation")) { exchange in
            let order = try JSONDecoder().decode(Order.self, from: Data(try await exchange.body()))
            let receipt = try await handle.place(order)
            let json = try JSONEncoder().encode(receipt)
            json.withUnsafeBytes { exchange.answer(type: "application/json", bytes: $0) }
        }
        routes.on(Route(.post, "/own")) { exchange in
            let order = try JSONDecoder().decode(Order.self, from: Data(try await exchange.body()))
            let receipt = try await handle.place(order)
            exchange.answer(type: "application/json") { writer in
                writer.json { json in
                    json.beginObject()
                    json.field("number", receipt.number)
                    json.field("pence", receipt.pence)
                    json.field("isAccepted", receipt.isAccepted)
                    json.endObject()
                }
            }
        }
        let server = try Server(handler: try routes.build())
        try await server.run(at: address, on: [loop])
    }

    /// Makes one call.
    static func place(_ order: Order, _ client: Client, _ coding: Coding) async throws -> Receipt {
        let body: [UInt8]
        switch coding {
        case .foundation: body = Array(try JSONEncoder().encode(order))
        case .own: body = write(order)
        }
        let request = ClientRequest(
            .post,
            "/\(coding.rawValue)",
            fields: [("Content-Type", "application/json")],
            body: body
        )
        let response = try await client.send(request)
        return try JSONDecoder().decode(Receipt.self, from: Data(response.body))
    }

    private static func write(_ order: Order) -> [UInt8] {
        var writer = ByteWriter()
        writer.json { json in
            json.beginObject()
            json.field("number", order.number)
            json.field("customer", order.customer)
            json.field("country", order.country)
            json.field("isPaid", order.isPaid)
            json.key("lines")
            json.beginArray()
            for line in order.lines {
                json.beginObject()
                json.field("sku", line.sku)
                json.field("quantity", line.quantity)
                json.field("pence", line.pence)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        return Array(writer.bytes)
    }
}
