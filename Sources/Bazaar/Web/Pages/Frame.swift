/// What every page shows around its own content.
struct Frame: Sendable {
    /// Pieces in the visitor's basket.
    var pieces = 0
    /// Proves that a form came from a page of this visitor's session.
    var formToken = ""
    /// The department to mark in the menu.
    var department: Category?
    /// What the visitor searched for, shown in the search field.
    var searched = ""

    init(pieces: Int = 0, formToken: String = "", department: Category? = nil) {
        self.pieces = pieces
        self.formToken = formToken
        self.department = department
    }

    /// A whole page: what the tab says before the shop's name, and the content, which starts with the one `h1`.
    func page(_ title: String, _ main: HTML) -> HTML {
        """
        <!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>\(title) · Bazaar</title>\
        <meta name="viewport" content="width=device-width,initial-scale=1">\
        <meta name="theme-color" content="#fbf8f4" media="(prefers-color-scheme: light)">\
        <meta name="theme-color" content="#161412" media="(prefers-color-scheme: dark)">\
        <meta name="description" content="A gift shop on a real year of sales: the reference shop of Apus.">\
        <link rel="stylesheet" href="\(Stylesheet.path)"><link rel="icon" href="/favicon.svg" type="image/svg+xml">\
        <script src="\(Script.path)" defer></script></head>\
        <body><a class="skip" href="#main">Skip to content</a>\(header)<main id="main" class="wrap">\(main)</main>\(Self.footer)\
        </body></html>

        """
    }

    /// The hidden field every form carries.
    var tokenField: HTML { "<input type=\"hidden\" name=\"token\" value=\"\(formToken)\">" }

    private var header: HTML {
        let links = department.map { Self.links(marking: $0) } ?? Self.plainLinks
        let count: HTML = pieces > 0 ? "<b>\(pieces)<span class=\"hidden\"> in it</span></b>" : ""
        return """
            <header class="top"><div class="wrap bar"><a class="brand" href="/">\(Self.logo)Bazaar</a>\
            <form class="find" role="search" action="/search"><label class="hidden" for="q">Search the shop</label>\
            <input id="q" name="q" type="search" maxlength="\(SearchQuery.lengthMax)" placeholder="Search the shop" \
            autocomplete="off" value="\(searched)"><button aria-label="Search">\(Self.searchIcon)</button></form>\
            <nav class="own" aria-label="Your things"><a href="/orders">\(Self.ordersIcon)<span>Orders</span></a>\
            <a class="basket" id="basket" href="/basket">\(Self.basketIcon)<span>Basket</span>\(count)</a></nav></div>\
            <nav class="departments" aria-label="Departments"><ul>\(links)</ul></nav></header>
            """
    }

    /// The departments, without a mark: what most pages show.
    private static let plainLinks = links(marking: nil)

    private static func links(marking department: Category?) -> HTML {
        HTML(
            Category.allCases.map { category in
                let current: HTML = category == department ? " aria-current=\"page\"" : ""
                return "<li><a href=\"/departments/\(category.rawValue)\"\(current)>\(category.word)</a></li>"
            }
        )
    }

    private static let footer: HTML = """
        <footer class="foot"><div class="wrap"><p>Bazaar is the reference shop of Apus. Nothing is charged and nothing is \
        sent.</p><p><a href="/orders">Your orders</a> · <a href="/openapi.json">For programs</a></p><p>Products and prices from <a href="https://doi.org/10.24432/C5BW33">Online Retail</a> by Daqing Chen, \
        <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>.</p></div></footer>
        """

    /// An awning over a counter.
    private static let logo: HTML = """
        <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false"><path d="M5 5h22l3 8a4.3 4.3 0 0 1-8.6.6A4.3 4.3 0 0 1 \
        16 15a4.3 4.3 0 0 1-5.4-1.4A4.3 4.3 0 0 1 2 13z" fill="currentColor"/><path d="M5 18v9h22v-9" fill="none" \
        stroke="currentColor" stroke-width="2.4" stroke-linejoin="round"/></svg>
        """

    private static let basketIcon: HTML = """
        <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.8" \
        stroke-linejoin="round" stroke-linecap="round"><path d="M3 9h18l-2 11H5zM8 9l3-6M16 9l-3-6"/></svg>
        """

    private static let searchIcon: HTML = """
        <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="2" \
        stroke-linecap="round"><circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/></svg>
        """

    private static let ordersIcon: HTML = """
        <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.8" \
        stroke-linejoin="round" stroke-linecap="round"><path d="M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9"/></svg>
        """

    /// The tab's picture.
    static let icon: HTML = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5d52"/>\
        <path d="M7 7h18l2 6a3.5 3.5 0 0 1-7 .5 3.5 3.5 0 0 1-4 1 3.5 3.5 0 0 1-4-1A3.5 3.5 0 0 1 5 13z" fill="#fff"/>\
        <path d="M8 18v7h16v-7" fill="none" stroke="#fff" stroke-width="2.2" stroke-linejoin="round"/></svg>
        """
}
