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

    /// The mark of the n-th parameter, counted from 1.
    func parameter(_ number: Int) -> String { self == .postgres ? "$\(number)" : "?" }
}
