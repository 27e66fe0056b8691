#if MySQL
/// Prepared statements: made once a connection, then run with values in binary.
extension MySQLSession {
    /// Runs a statement and waits for its answer.
    func perform(_ sql: SQL) throws -> MySQLAnswer {
        let exchange = link.exchange
        do {
            var answer = try exchange.begin(sql, isInTransaction: isInTransaction, within: bounds)
            while true {
                if let answer { return answer }
                answer = try exchange.resume(try wait(exchange.asked))
            }
        } catch let error as MySQLError {
            throw failed(error)
        } catch {
            if !exchange.isIdle { close() }
            throw error
        }
    }
}
#endif
