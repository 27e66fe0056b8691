import Foundation

/// A text file of the repository: its path from the root and what it says.
struct TextFile: Sendable {
    let path: String
    let text: String
    let lines: [Substring]
    /// The code alone, of a Swift file; made anew by each call.
    var swift: SwiftCode { SwiftCode(text) }

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Whether the text has one of the words: a quick look that spares most files the slow one.
    func mentions(_ words: [String]) -> Bool {
        text.withCString { text in words.contains { strstr(text, $0) != nil } }
    }

    /// The first folders of the path: `["Sources", "ApusCore"]` of `Sources/ApusCore/Hex.swift`.
    var folders: [String] { path.split(separator: "/").dropLast().map(String.init) }

    /// The target a Swift file belongs to, or nil outside `Sources`, `Tests` and an example's `Sources`.
    var target: String? {
        if folders.first == "Examples" { return folders.count >= 4 && folders[2] == "Sources" ? folders[3] : nil }
        return folders.count >= 2 && ["Sources", "Tests"].contains(folders[0]) ? folders[1] : nil
    }

    /// True of Swift code that ships: `Sources`, without what only tests import.
    var isProduct: Bool { folders.first == "Sources" && target != "ApusTesting" && path.hasSuffix(".swift") }

    /// Whether the path starts with one of the entries of an allow-list.
    func isListed(in list: [String: String]) -> Bool { list.keys.contains { path.hasPrefix($0) } }
}

/// The repository as its files, read once.
struct Tree: Sendable {
    var files: [TextFile]

    /// What this test was built from.
    static let repository = Tree(root: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../.."))

    private static let skippedFolders: Set<String> = [".git", ".build", ".apus", "results", "Fixtures"]
    private static let textEndings: Set<String> = ["swift", "md", "sh", "py", "h", "c", "modulemap", "json", "txt"]

    init(files: [TextFile]) { self.files = files }

    init(_ texts: [String: String]) { files = texts.map { TextFile(path: $0.key, text: $0.value) } }

    /// Reads every text file below a folder.
    init(root: URL) {
        let root = root.standardizedFileURL
        files = []
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: [.isRegularFileKey])
        while let url = walk?.nextObject() as? URL {
            let name = url.lastPathComponent
            if Self.skippedFolders.contains(name) {
                walk?.skipDescendants()
                continue
            }
            guard Self.textEndings.contains(url.pathExtension) || name == "apus" || name == "run",
                let text = try? String(contentsOf: url, encoding: .utf8)
            else { continue }
            files.append(TextFile(path: String(url.path.dropFirst(root.path.count + 1)), text: text))
        }
        files.sort { $0.path < $1.path }
    }

    var swift: [TextFile] { files.filter { $0.path.hasSuffix(".swift") } }
    var product: [TextFile] { files.filter(\.isProduct) }
    var documents: [TextFile] { files.filter { $0.path.hasSuffix(".md") } }

    subscript(path: String) -> TextFile? { files.first { $0.path == path } }
}

/// What a rule found: a place and what is wrong there, with what to do instead.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let what: String

    var description: String { line > 0 ? "\(path):\(line): \(what)" : "\(path): \(what)" }
}
