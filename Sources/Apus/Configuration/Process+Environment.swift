import Glibc

/// The environment of this process, read here and nowhere else.
enum ProcessEnvironment {
    /// All variables, read once.
    static let variables: [String: String] = {
        var variables: [String: String] = [:]
        var index = 0
        while let entry = environ[index] {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            index += 1
        }
        return variables
    }()
}
