import ApusHTTP
import Testing

private struct Note: Codable, Sendable, Equatable {
    var title: String
    var stars: Int
}

private func notes() throws -> RouterBuilder {
    var router = RouterBuilder()
    router.json(Route(.get, "/notes/{id}", Int.self), "One note") { _, id in
        guard id < 10 else { throw Problem(.notFound, code: "note.absent") }
        return Note(title: "number \(id)", stars: id)
    }
    router.json(Route(.get, "/notes"), "All notes") { _ in [Note(title: "a", stars: 1)] }
    router.json(
        Route(.post, "/notes"),
        "A new note",
        body: Note.self,
        status: .created,
        describe: { $0.bodyBytesMax = 200 }
    ) { _, note in
        Note(title: note.title + "!", stars: note.stars)
    }
    router.json(Route(.put, "/notes/{id}", Int.self), "Another note", body: Note.self) { _, note, id in
        Note(title: note.title, stars: id)
    }
    router.on(Route(.get, "/page"), describe: { $0.isHidden = true }) { $0.answer(type: MediaType.html, text: "") }
    try router.openAPI(OpenAPIDocument(title: "Notes", version: "1"))
    return router
}

@Suite(.timeLimit(.minutes(5)))
struct JSONRouteTests {
    static let json: [(name: String, value: String)] = [("Content-Type", "application/json; charset=utf-8")]

    @Test func `values go out and come in by their types`() async throws {
        try await withRouter(notes()) { client, _ async throws in
            let one = try await client.ask(.get, "/notes/3")
            #expect(one.text == #"{"stars":3,"title":"number 3"}"#)
            #expect(one.field("content-type") == "application/json")
            #expect(try await client.ask(.get, "/notes").text == #"[{"stars":1,"title":"a"}]"#)
            let made = try await client.ask(.post, "/notes", Self.json, body: #"{"title":"b","stars":2}"#)
            #expect(made.status == .created)
            #expect(made.text == #"{"stars":2,"title":"b!"}"#)
            let put = try await client.ask(.put, "/notes/7", Self.json, body: #"{"title":"c","stars":2}"#)
            #expect(put.text == #"{"stars":7,"title":"c"}"#)
            #expect(try await client.ask(.get, "/notes/11").isProblem("note.absent"))
            #expect(try await client.ask(.get, "/notes/x").status == .notFound)
        }
    }

    @Test func `a bad body is told apart by its problem`() async throws {
        let deep = String(repeating: "[", count: 90) + String(repeating: "]", count: 90)
        try await withRouter(notes()) { client, _ async throws in
            for (body, status, code, detail) in [
                (#"{"title":"b","stars":}"#, 400, "json.unexpectedByte", #""offset":21"#),
                ("", 400, "json.truncated", ""), ("{} {}", 400, "json.trailingBytes", ""),
                (deep, 400, "json.tooDeep", ""), ("\"\u{1}\"", 400, "json.malformedString", ""),
                (#"{"title":"b"}"#, 422, "json.memberMissing", #""pointer":"/stars""#),
                (#"{"title":"b","stars":"many"}"#, 422, "json.typeMismatch", #""pointer":"/stars""#),
                (#"{"title":"\#(String(repeating: "x", count: 300))","stars":1}"#, 413, "http.body.tooLarge", ""),
            ] {
                let answer = try await client.ask(.post, "/notes", Self.json, body: body)
                #expect(Int(answer.status.code) == status)
                #expect(answer.isProblem(code), "\(answer.text)")
                #expect(detail.isEmpty || answer.text.contains(detail), "\(answer.text)")
                #expect(!answer.text.contains("many"))
            }
            for type in [nil, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"] as [String?] {
                let fields = type.map { [(name: "Content-Type", value: $0)] } ?? []
                let answer = try await client.ask(.post, "/notes", fields, body: "{}")
                #expect(answer.isProblem("json.mediaType"))
                #expect(answer.status == .unsupportedMediaType)
            }
        }
    }

    @Test func `the document says what the routes say, by itself`() async throws {
        try await withRouter(notes()) { client, _ async throws in
            let answer = try await client.ask(.get, "/openapi.json")
            #expect(answer.field("content-type") == "application/json")
            let document = answer.text
            for part in [
                #""openapi":"3.1.1""#, #""title":"Notes""#, #""/notes/{id}":{"get":{"#, #""summary":"A new note""#,
                #""requestBody":{"required":true,"content":{"application/json""#, #""201":{"description":"Created""#,
                "\"415\":", "\"422\":", "\"413\":", "\"404\":", #"{"type":"array","items":{"$ref":"#,
                #""Note":{"type":"object""#,
            ] {
                #expect(document.contains(part), "\(part) in \(document)")
            }
            #expect(!document.contains("/page") && !document.contains("openapi.json"))
            let etag = try #require(answer.field("etag"))
            #expect(try await client.ask(.get, "/openapi.json", [("If-None-Match", etag)]).status == .notModified)
        }
    }
}
