import Apus

/// Draws a product's picture by rule: the same product always looks the same, and nothing is fetched.
///
/// The title's words choose the thing and the colours where they name one; otherwise category and a hash of the code do.
struct Picture: Sendable, Hashable {
    let motif: Motif
    let palette: Palette
    let ground: Ground
    private let id: String

    /// What is behind the thing.
    enum Ground: Sendable, Hashable { case plain, dots, stripes, check, arch, sun }

    init(_ id: ProductID, title: String) {
        let words = Set(CategoryRules.words(of: title))
        // Placement hashes never change either, but a picture may: it has a seed of its own.
        let hash = XXHash64.hash(id.code.text, seed: 7)
        palette = Palette.of(words: words, category: id.category, hash: hash >> 8)
        motif = Motif.of(words: words, category: id.category, hash: hash >> 16)
        if !words.isDisjoint(with: ["RETROSPOT", "POLKADOT", "SPOT", "SPOTS", "SPOTTY"]) {
            ground = .dots
        } else if !words.isDisjoint(with: ["STRIPE", "STRIPES", "STRIPEY"]) {
            ground = .stripes
        } else if words.contains("GINGHAM") {
            ground = .check
        } else {
            ground = [.plain, .arch, .sun, .plain, .arch, .sun, .dots, .stripes][Int(hash % 8)]
        }
        self.id = id.description
    }

    /// A picture for a department, on its first palette.
    init(_ category: Category) {
        palette = Palette.of(words: [], category: category, hash: 0)
        motif =
            switch category {
            case .kitchen: .cakestand
            case .lighting: .hangingLight
            case .home: .cushion
            case .bags: .tote
            case .stationery: .envelope
            case .jewellery: .necklace
            case .party: .bunting
            case .christmas: .bauble
            case .toys: .bear
            case .garden: .plant
            case .bath: .soap
            case .craft: .spool
            case .storage: .drawers
            case .signs: .clock
            }
        ground = .sun
        id = category.rawValue
    }

    /// The picture as a square SVG element that takes the size it is given; hidden from screen readers, because
    /// the title stands beside it.
    var svg: HTML {
        """
        <svg viewBox="0 0 240 240" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false"><rect width="240" height="240" \
        fill="\(palette.paper)"/>\(behind)\(motif.drawing(palette))</svg>
        """
    }

    /// How strongly the ground shines: a little on dark paper.
    private var glow: String { palette.isDark ? ".08" : ".5" }

    private var behind: HTML {
        switch ground {
        case .plain: HTML()
        case .sun: "<circle cx=\"120\" cy=\"124\" r=\"92\" fill=\"#fff\" opacity=\"\(glow)\"/>"
        case .arch:
            "<path d=\"M42 240V118a78 78 0 0 1 156 0v122z\" fill=\"#fff\" opacity=\"\(glow)\"/>"
        case .dots:
            pattern(22, "<circle cx=\"11\" cy=\"11\" r=\"4\" fill=\"\(palette.main)\" opacity=\".22\"/>")
        case .stripes:
            pattern(24, "<rect width=\"12\" height=\"24\" fill=\"\(palette.main)\" opacity=\".12\"/>")
        case .check:
            pattern(
                32,
                """
                <path d="M0 0h16v32H0z" fill="\(palette.main)" opacity=".14"/>\
                <path d="M0 0h32v16H0z" fill="\(palette.main)" opacity=".14"/>
                """
            )
        }
    }

    private func pattern(_ size: Int, _ tile: HTML) -> HTML {
        """
        <pattern id="g-\(id)" width="\(size)" height="\(size)" patternUnits="userSpaceOnUse">\(tile)</pattern>\
        <rect width="240" height="240" fill="url(#g-\(id))"/>
        """
    }
}
