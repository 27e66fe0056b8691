/// Relative links that lead nowhere.
///
/// Links into the web are not followed: a test needs no network.
func deadLinks(in tree: Tree, exists: (String) -> Bool) -> [Finding] {
    tree.documents.flatMap { file in
        var fenced = false
        return file.lines.enumerated().flatMap { index, line -> [Finding] in
            if line.hasPrefix("```") { fenced.toggle() }
            if fenced { return [] }
            return line.matches(of: /\]\(([^)\s]+)\)/).compactMap { match in
                let link = String(match.1)
                if link.contains("://") || link.hasPrefix("mailto:") || link.hasPrefix("#") { return nil }
                let target = String(link.split(separator: "#", omittingEmptySubsequences: false)[0])
                return exists(resolve(target, from: file.folders))
                    ? nil : Finding(path: file.path, line: index + 1, what: "\(link) leads nowhere")
            }
        }
    }
}

/// A link's path from the root: `..` leads up.
private func resolve(_ link: String, from folders: [String]) -> String {
    var path = folders
    for part in link.split(separator: "/") where part != "." {
        if part == ".." { _ = path.popLast() } else { path.append(String(part)) }
    }
    return path.joined(separator: "/")
}

/// Decision records that are not numbered in a row or lack a part.
func brokenDecisions(in tree: Tree) -> [Finding] {
    let records = tree.documents.filter { $0.path.hasPrefix("Documentation/decisions/") }
    return records.enumerated().flatMap { index, file -> [Finding] in
        let name = file.path.split(separator: "/").last.map(String.init) ?? ""
        let number = String(repeating: "0", count: max(0, 4 - String(index + 1).count)) + String(index + 1)
        var found: [String] = []
        if name.wholeMatch(of: /\d{4}-[a-z0-9-]+\.md/) == nil || !name.hasPrefix(number + "-") {
            found.append("expected a name like \(number)-what-was-decided.md")
        }
        for part in ["## Context", "## Decision", "## Consequences"] where !file.lines.contains(Substring(part)) {
            found.append("lacks '\(part)'")
        }
        return found.map { Finding(path: file.path, line: 0, what: $0) }
    }
}

/// Targets that the page on architecture does not mention.
func unknownTargets(in tree: Tree) -> [Finding] {
    let page = tree["Documentation/architecture.md"]?.text ?? ""
    return manifestTargets(in: tree).filter { !$0.isTest && !page.contains("`\($0.name)`") }.map {
        Finding(path: "Documentation/architecture.md", line: 0, what: "does not say what `\($0.name)` is")
    }
}

/// Debian packages the manifest names that the front door does not install, or that no page accounts for.
func forgottenPackages(in tree: Tree) -> [Finding] {
    let manifest = tree["Package.swift"]?.text ?? ""
    let installer = tree["Scripts/common.sh"]?.text ?? ""
    let page = tree["Documentation/dependencies.md"]?.text ?? ""
    return manifest.matches(of: /\.apt\(\["([\w-]+)"\]\)/).map { String($0.1) }.flatMap { name -> [Finding] in
        var found: [Finding] = []
        if !installer.contains(name) {
            found.append(Finding(path: "Scripts/common.sh", line: 0, what: "does not install \(name)"))
        }
        if !page.contains("`\(name)`") {
            found.append(Finding(path: "Documentation/dependencies.md", line: 0, what: "does not say why \(name)"))
        }
        return found
    }
}
