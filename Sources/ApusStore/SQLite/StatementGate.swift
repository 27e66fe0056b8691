import CSQLite

/// Keeps users' statements to data: none may end the transaction it runs in, open another file or change a setting.
final class StatementGate {
    /// True while a user's statement is being prepared.
    var isClosed = false

    func stand(before connection: OpaquePointer) {
        sqlite3_set_authorizer(
            connection,
            { context, action, _, _, _, _ in
                guard let context, Unmanaged<StatementGate>.fromOpaque(context).takeUnretainedValue().isClosed else {
                    return SQLITE_OK
                }
                switch action {
                case SQLITE_TRANSACTION, SQLITE_SAVEPOINT, SQLITE_ATTACH, SQLITE_DETACH, SQLITE_PRAGMA:
                    return SQLITE_DENY
                default:
                    return SQLITE_OK
                }
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
