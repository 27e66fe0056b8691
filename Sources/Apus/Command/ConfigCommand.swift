import ApusDashboard

/// `config`: every setting, its value, and where that is from.
enum ConfigCommand {
    static func text(_ configuration: Configuration, isJSON: Bool) -> String {
        let facts = configuration.entries.map(SettingFact.init)
        if isJSON { return ((try? JSONDocument.encode(["settings": facts], pretty: true)) ?? "{}") + "\n" }
        return TextTable(
            ["SETTING", "VALUE", "FROM", "VARIABLE", "ACCEPTED"],
            facts.map { [$0.key, $0.value, $0.from, $0.variable, $0.accepted] }
        ).text
    }
}

/// Columns for people.
struct TextTable {
    private let rows: [[String]]

    init(_ head: [String], _ rows: [[String]]) { self.rows = [head] + rows }

    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = zip(row, widths).map { HelpText.pad($0, $1) }.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
