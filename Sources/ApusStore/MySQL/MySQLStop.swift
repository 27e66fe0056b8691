#if MySQL
import ApusCore
import CLinux
import CMariaDB
import Glibc

extension MySQLLink {
    /// False where the server has ended the connection while nothing was asked.
    func isQuiet() -> Bool {
        var byte: UInt8 = 0
        guard handle.pointee.net.pvio != nil else { return false }
        return apus_peek(mysql_get_socket(handle), &byte, 1) < 0 && apus_errno() == EAGAIN
    }
}

extension ServerStopper {
    /// Has the server stop soon what a connection runs, by KILL QUERY from another connection.
    func stop(_ link: MySQLLink, _ configuration: StoreConfiguration) {
        ask { [place = link.place, number = link.number] in
            // A server that cannot be reached, or has no connection left, loses the connection a little later.
            let deadline = SystemClock().now().nanoseconds + MySQLSession.graceNanoseconds
            guard
                let other = try? MySQLLink.connect(
                    to: place,
                    work: .statements,
                    bytesMax: configuration.answerBytesMax,
                    by: deadline
                )
            else { return }
            _ = try? other.run("KILL QUERY \(number)") { asked in
                guard MySQLLink.isReady(other.handle, asked, by: deadline) else { throw other.lost() }
                return asked
            }
            other.close()
        }
    }
}
#endif
