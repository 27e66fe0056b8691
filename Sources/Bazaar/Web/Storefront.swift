import Apus

/// The shop on the web: pages for people, JSON for programs.
///
/// It keeps nothing between requests.
struct Storefront: Sendable {
    let catalogue: any Catalogue
    let carts: any Carts
    let orders: any Orders
    /// How often one address may look for orders by number and email.
    let searches: RateLimit
    /// Says when what is ordered now will be there.
    var clock: any Clock = SystemClock()
    /// Whether every page says that the shop is closed for maintenance.
    var isClosed = false

    /// Seconds since 1970.
    var now: Int64 { clock.wallNanoseconds() / 1_000_000_000 }

    /// The routes, for a loop whose handles these are.
    ///
    /// - Throws: `RouteConflict`, a mistake of ours.
    func router() throws -> Router {
        var routes = RouterBuilder()
        routes.use(Self.problems)
        var assets = routes
        addAssets(to: &assets)
        if isClosed {
            assets.otherwise { exchange in try Self.answerClosed(exchange) }
            return try assets.build()
        }
        routes = assets
        try addAPI(to: &routes)

        var pages = routes
        pages.use(Self.errorPages)
        pages.use(Self.ownForms.middleware)
        addShop(to: &pages)
        addSearch(to: &pages)
        addBasket(to: &pages)
        addCheckout(to: &pages)
        addOrders(to: &pages)
        pages.otherwise { exchange in
            if exchange.path.starts(with: "/api/".utf8) { throw Problem(.notFound, code: "path.notFound") }
            throw ShopError.notFound("page")
        }
        return try pages.build()
    }

    /// Lets forms come from our own pages only.
    ///
    /// Where a browser says nothing of where a form is from, ``Exchange/checkToken(_:session:)`` asks for the session's token.
    private static let ownForms: OriginCheck = {
        var check = OriginCheck()
        check.allowsAbsent = true
        return check
    }()

    /// The visitor's session and cart; `nil` for one who has not put anything into a basket yet.
    func visit(_ exchange: Exchange) async throws -> Visit? { try await visit(session: exchange.sessionID) }

    /// The same by the session's id, for pages that ask for other things meanwhile.
    func visit(session id: String?) async throws -> Visit? {
        guard let id else { return nil }
        return try await carts.visit(id)
    }

    /// The cart's products with today's prices; what is no longer sold is left out.
    func basket(_ cart: Cart) async throws -> Basket {
        if cart.lines.isEmpty { return Basket(lines: []) }
        let found = try await catalogue.products(cart.lines.map(\.product))
        let products = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        return Basket(
            lines: cart.lines.compactMap { line in
                products[line.product].map { Basket.Line(product: $0, quantity: line.quantity) }
            }
        )
    }

    // MARK: What goes wrong

    /// Turns what the services throw into problem documents.
    @Sendable
    private static func problems(_ exchange: Exchange, _ next: RouterBuilder.Handler) async throws {
        do {
            try await next(exchange)
        } catch let error where !exchange.isAnswered {
            let problem = Problem(shop: error)
            if problem.status == .conflict || problem.status.isServerError, problem.code != "internal" {
                exchange.setField("Retry-After", problem.code == closedCode ? closedRetry : "1")
            }
            exchange.setField("Cache-Control", "no-store")
            exchange.setField("X-Content-Type-Options", "nosniff")
            // The server logs what has no name here.
            if problem.code == "internal" { throw error }
            throw problem
        }
    }

    /// Answers while the shop is closed: a page to people, a problem document to programs.
    private static func answerClosed(_ exchange: Exchange) throws {
        if exchange.path.starts(with: "/api/".utf8) {
            throw Problem(.serviceUnavailable, code: closedCode, detail: "The shop is closed for maintenance.")
        }
        exchange.setField("Retry-After", closedRetry)
        exchange.answer(.serviceUnavailable, page: Frame().closed(), caching: .never)
    }
    private static let closedCode = "shop.closed"
    /// Seconds after which a closed shop is worth another look.
    private static let closedRetry = "120"

    private static let log = Log("storefront")

    /// Turns what goes wrong under a page into a page; what has no name here is logged.
    @Sendable
    private static func errorPages(_ exchange: Exchange, _ next: RouterBuilder.Handler) async throws {
        do {
            try await next(exchange)
        } catch let error where !exchange.isAnswered && !(error is CancellationError) {
            // An address under /api that no route takes comes by here too.
            if exchange.path.starts(with: "/api/".utf8) { throw error }
            let problem = Problem(shop: error)
            if problem.code == "internal" {
                exchange.span.fail(error)
                log.error("a page failed", ["error": .error(error)])
            }
            let (title, sentence) = words(problem)
            if problem.status == .serviceUnavailable { exchange.setField("Retry-After", "5") }
            exchange.answer(
                problem.status,
                page: Frame().problem(status: Int(problem.status.code), title: title, sentence: sentence),
                caching: .never
            )
        }
    }

    private static func words(_ problem: Problem) -> (title: String, sentence: String) {
        switch problem.status {
        case .notFound:
            ("There is nothing here", "Perhaps it was sold, perhaps it never was. The shop is full of other things.")
        case .serviceUnavailable:
            ("Back in a moment", "We are tidying the shelves. Your basket is safe; please try again.")
        case .forbidden:
            (
                "That did not come from here",
                "This form did not come from a page of this shop. Please go back and try again."
            )
        case .contentTooLarge: ("That is too much", "Please send less and try again.")
        case let status where status.isServerError: ("Something broke", "It was us. Please try again in a moment.")
        default: ("We did not understand that", problem.detail ?? "Please go back and try again.")
        }
    }
}

extension Frame {
    /// A frame for a visitor.
    init(_ visit: Visit?, department: Category? = nil) {
        self.init(
            pieces: visit?.cart.pieces ?? 0,
            formToken: visit?.session.formToken ?? "",
            department: department
        )
    }
}

extension Problem {
    /// What an error of the shop or of a call to it means over HTTP; code `internal` for what has no name.
    init(shop error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as ShopError:
            self.init(
                error.status,
                code: "shop.\(error.code.rawValue)",
                detail: error.detail,
                members: error.field.map { [Member("field", .string($0))] } ?? []
            )
        case let error as BodyError: self.init(error.status, code: "http.body", detail: error.description)
        case let error as CallError where error.isRetryable: self.init(.serviceUnavailable, code: "shop.unavailable")
        default: self.init(.internalServerError, code: "internal")
        }
    }
}

extension ShopError {
    /// The HTTP status that says the same.
    var status: Status {
        switch code {
        case .invalidInput, .keyReused, .emptyCart: .unprocessableContent
        case .notFound: .notFound
        case .outOfStock, .conflict: .conflict
        case .unavailable: .serviceUnavailable
        case .malformedSales: .internalServerError
        }
    }
}
