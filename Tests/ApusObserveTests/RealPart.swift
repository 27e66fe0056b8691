import Glibc

/// Parts that only some machines have.
enum RealPart {
    /// A variable of the environment, `nil` where it is unset or empty.
    static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value[0] != 0 else { return nil }
        return String(cString: value)
    }

    /// True where a missing part is a failure.
    static var mustRun: Bool { variable("APUS_TEST_ALL") == "1" }
}
