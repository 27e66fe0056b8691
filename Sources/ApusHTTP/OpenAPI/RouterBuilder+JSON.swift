extension RouterBuilder {
    /// Answers requests for `route` with what `handler` returns, as JSON.
    ///
    ///     router.json(product, "One product") { _, id in try await catalogue.product(id) }
    ///
    /// The OpenAPI document gets the type's schema and the problems that can come of the path.
    ///
    /// - Parameters:
    ///   - route: The route.
    ///   - summary: One line for the OpenAPI document.
    ///   - status: The status of success; 200 unless given.
    ///   - describe: Says more of the route, or otherwise.
    ///   - handler: Gets the exchange and the path's parameters.
    public mutating func json<each Parameter: PathParameter, Output: Codable & SendableMetatype>(
        _ route: Route<repeat each Parameter>,
        _ summary: String = "",
        status: Status = .ok,
        describe: (inout RouteInfo) -> Void = { _ in },
        handler: @escaping @Sendable (Exchange, repeat each Parameter) async throws -> Output
    ) {
        on(
            route,
            summary,
            describe: { info in
                info.fill(output: Output.self, status: status)
                describe(&info)
            },
            handler: { (exchange: Exchange, values: repeat each Parameter) in
                let output = try await handler(exchange, repeat each values)
                try exchange.answer(status, encoding: output)
            }
        )
    }

    /// Answers requests for `route`, whose body is JSON of type `Input`, with what `handler` returns, as JSON.
    ///
    /// A body of another media type gets 415, one that is not JSON or too deep 400, one of another shape 422, one over
    /// the route's ``RouteInfo/bodyBytesMax`` 413.
    ///
    /// - Parameters:
    ///   - route: The route.
    ///   - summary: One line for the OpenAPI document.
    ///   - body: The body's type.
    ///   - status: The status of success; 200 unless given.
    ///   - describe: Says more of the route, or otherwise.
    ///   - handler: Gets the exchange, the decoded body and the path's parameters.
    public mutating func json<
        each Parameter: PathParameter,
        Input: Decodable & SendableMetatype,
        Output: Codable & SendableMetatype
    >(
        _ route: Route<repeat each Parameter>,
        _ summary: String = "",
        body: Input.Type,
        status: Status = .ok,
        describe: (inout RouteInfo) -> Void = { _ in },
        handler: @escaping @Sendable (Exchange, Input, repeat each Parameter) async throws -> Output
    ) {
        on(
            route,
            summary,
            describe: { info in
                info.fill(output: Output.self, status: status)
                info.fill(input: Input.self)
                describe(&info)
            },
            handler: { (exchange: Exchange, values: repeat each Parameter) in
                let input = try await exchange.decodeBody(Input.self)
                let output = try await handler(exchange, input, repeat each values)
                try exchange.answer(status, encoding: output)
            }
        )
    }
}

extension RouteInfo {
    /// Says that the route answers with JSON of that type.
    public mutating func fill(output: any (Decodable & SendableMetatype).Type, status: Status = .ok) {
        response = .json(output)
        self.status = status
        if !parameterSchemas.isEmpty { add(problem: .notFound) }
    }

    /// Says that the route takes JSON of that type, and which problems come of it.
    public mutating func fill(input: any (Decodable & SendableMetatype).Type) {
        request = .json(input)
        for status in [Status.contentTooLarge, .unsupportedMediaType, .unprocessableContent] { add(problem: status) }
    }

    /// Says that the route may answer with a problem document of that status.
    public mutating func add(problem status: Status) {
        if !problems.contains(status) { problems.append(status) }
    }
}
