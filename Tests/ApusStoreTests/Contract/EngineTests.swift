import ApusTesting
import Testing

/// The contract's tests run against the engines that are there: this one says which are not.
@Suite struct EngineTests {
    @Test(.needs(.postgres))
    func `the contract runs against PostgreSQL`() { #expect(TestEngine.here.contains(.postgres)) }

    @Test(.needs(.postgres))
    func `the contract runs against functions of Citus's names`() { #expect(TestEngine.withCitus.contains(.citus)) }

    @Test(.needs(.mariadb))
    func `the contract runs against MariaDB`() { #expect(TestEngine.here.contains(.mysql)) }
}
