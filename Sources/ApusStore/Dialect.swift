/// What differs between the engines' languages and cannot be written so that all take it.
///
/// Queries are the same for all: this holds what the library itself writes. A schema's types are translated once, when
/// a migration runs.
@usableFromInline
enum Dialect: Sendable {
    case sqlite, postgres, mysql

    /// Behind a column in ORDER BY: smallest first, NULL before everything.
    var ascending: SQL { self == .postgres ? " NULLS FIRST" : "" }
    /// Behind a column in ORDER BY: largest first, NULL after everything.
    var descending: SQL { self == .postgres ? " DESC NULLS LAST" : " DESC" }

    /// The column that numbers notes of rows that came while others move.
    var noteNumber: SQL { self == .sqlite ? "rowid" : "apus_note" }

    /// Around an INSERT that leaves alone what is there.
    var insertNew: SQL { self == .mysql ? "INSERT IGNORE INTO " : "INSERT INTO " }
    var insertNewEnd: SQL { self == .mysql ? ")" : ") ON CONFLICT DO NOTHING" }

    /// The mark of the n-th parameter, counted from 1.
    func parameter(_ number: Int) -> String { self == .postgres ? "$\(number)" : "?" }
}
