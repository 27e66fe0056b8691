import Apus

/// Colours that go together, for one picture.
struct Palette: Sendable, Hashable {
    /// The paper the picture is on.
    let paper: String
    /// The large shape.
    let main: String
    /// What is on it.
    let accent: String
    /// Lines and small things.
    let ink: String

    init(_ paper: String, _ main: String, _ accent: String, _ ink: String) {
        self.paper = paper
        self.main = main
        self.accent = accent
        self.ink = ink
    }

    /// Whether the paper is darker than what is drawn on it.
    var isDark: Bool { paper.dropFirst().first.map { "01234567".contains($0) } ?? false }

    /// The palette of a colour named in `words`, else one of the category's, chosen by `hash`.
    static func of(words: Set<String>, category: Category, hash: UInt64) -> Palette {
        for (word, palette) in named where words.contains(word) { return palette }
        let choices = Self.of(category)
        return choices[Int(hash % UInt64(choices.count))]
    }

    private static let named: [(String, Palette)] = [
        ("RETROSPOT", Palette("#f7e3dd", "#c8372d", "#fff8f2", "#7c1d17")),
        ("PINK", Palette("#fbe6ea", "#e2899f", "#fff6f2", "#9c3d57")),
        ("RED", Palette("#f8e4dc", "#c94a3a", "#fff3e6", "#7d241b")),
        ("BLUE", Palette("#e1ebf2", "#5b8cb0", "#f6fafc", "#2a506e")),
        ("GREEN", Palette("#e5eee0", "#7ba174", "#f8faf0", "#3d5f3b")),
        ("YELLOW", Palette("#fbf1d3", "#e5b53e", "#fffaf0", "#8a640f")),
        ("ORANGE", Palette("#fcead9", "#e08a4b", "#fff7ec", "#8d4a18")),
        ("PURPLE", Palette("#ece4f2", "#8f6fae", "#faf6fc", "#533873")),
        ("AMETHYST", Palette("#ece4f2", "#8f6fae", "#faf6fc", "#533873")),
        ("TURQUOISE", Palette("#dff0ee", "#4ea8a0", "#f5fbfa", "#1f625d")),
        ("BLACK", Palette("#e9e6e1", "#3f3d3b", "#f5f1ea", "#1d1c1b")),
        ("SILVER", Palette("#eceef0", "#a9b2b9", "#ffffff", "#59636b")),
        ("ZINC", Palette("#eceef0", "#a9b2b9", "#ffffff", "#59636b")),
        ("GOLD", Palette("#f7eed9", "#cfa450", "#fffaf0", "#7c5a18")),
        ("IVORY", Palette("#dccdb0", "#fbf5e8", "#c2a878", "#77623c")),
        ("CREAM", Palette("#e6d5b8", "#fff9ec", "#c9a36a", "#7a5d31")),
        ("WHITE", Palette("#c4d3ce", "#ffffff", "#f4efe4", "#54635e")),
    ]

    private static func of(_ category: Category) -> [Palette] {
        switch category {
        case .kitchen:
            [
                Palette("#dff0ee", "#4ea8a0", "#fdf3e4", "#1f625d"),
                Palette("#f8e4dc", "#d9745f", "#fff6ea", "#8a3526"),
                Palette("#fbf1d3", "#e5b53e", "#fffaf0", "#8a640f"),
            ]
        case .lighting:
            [Palette("#2f3346", "#f3c567", "#fff3d6", "#d9a441"), Palette("#3a2f3f", "#ee9f6b", "#ffe9cf", "#c7764a")]
        case .home:
            [Palette("#ece4d8", "#b8845c", "#fbf6ee", "#6b4526"), Palette("#e3e8e0", "#829a82", "#f7f6ee", "#445a46")]
        case .bags:
            [Palette("#f7e3dd", "#c8574a", "#fff4ec", "#7a2a20"), Palette("#e2e8f1", "#5f79a6", "#f6f4ee", "#2e4369")]
        case .stationery:
            [Palette("#fdf0dc", "#e79c5a", "#fffaf3", "#8f5316"), Palette("#e6eaf5", "#7f8cc4", "#fbfaff", "#414d85")]
        case .jewellery:
            [Palette("#efe5ee", "#a9709f", "#fdf6fa", "#673a5f"), Palette("#e2eeec", "#5d9c95", "#f8fbf8", "#2a5e58")]
        case .party:
            [Palette("#fde8e4", "#ee7f6d", "#fff3c9", "#9a3a2b"), Palette("#e4eefb", "#5f9be0", "#fff0c2", "#2b5a93")]
        case .christmas:
            [Palette("#e0eae2", "#3f7a55", "#c8372d", "#1f4a31"), Palette("#f8e2dd", "#b93a32", "#f0d9a4", "#701c17")]
        case .toys:
            [Palette("#fff0cf", "#ef8f45", "#4f97b8", "#8a4712"), Palette("#e0f0f3", "#46a0b4", "#f6c64f", "#1c5e6d")]
        case .garden:
            [Palette("#e5efdc", "#7aa35a", "#f6e7b6", "#3e5f27"), Palette("#e2efe9", "#5da184", "#f7d9cf", "#286149")]
        case .bath:
            [Palette("#e0eef3", "#74aec4", "#fbfdfd", "#2f6479"), Palette("#f1e9f4", "#b394c4", "#fdfaff", "#644579")]
        case .craft:
            [Palette("#fbe9ec", "#dc7c94", "#fff8ee", "#8d3550"), Palette("#ebf0dc", "#9aad57", "#fcfbee", "#586a1e")]
        case .storage:
            [Palette("#eae6dd", "#9a8566", "#f8f3e8", "#584729"), Palette("#e0e8e8", "#6f9192", "#f5f9f8", "#365354")]
        case .signs:
            [Palette("#e3e9ef", "#42607c", "#f4ead2", "#1f3850"), Palette("#f1e6d6", "#a3573b", "#fbf2df", "#5f2b17")]
        }
    }
}
