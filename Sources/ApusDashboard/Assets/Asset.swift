import ApusCore

/// A file that the page loads.
struct Asset: Sendable {
    let path: String
    let type: StaticString
    let text: String
    /// What a browser asks with whether it still has the right one.
    let tag: String

    private init(_ path: String, _ type: StaticString, _ text: String) {
        self.path = path
        self.type = type
        self.text = text
        tag = "\"\(String(XXHash64.hash(text), radix: 16))\""
    }

    private static let script: StaticString = "text/javascript; charset=utf-8"

    static let all = [
        Asset("/style.css", "text/css; charset=utf-8", style),
        Asset("/script/app.js", script, appScript),
        Asset("/script/kit.js", script, kitScript),
        Asset("/script/morph.js", script, morphScript),
        Asset("/script/layout.js", script, layoutScript),
        Asset("/script/drawing.js", script, drawingScript),
        Asset("/script/picture.js", script, pictureScript),
        Asset("/script/parts.js", script, partsScript),
        Asset("/script/blocks.js", script, blocksScript),
        Asset("/script/loads.js", script, loadsScript),
        Asset("/script/runs.js", script, runsScript),
        Asset("/script/traces.js", script, tracesScript),
        Asset("/script/logs.js", script, logsScript),
        Asset("/script/explore.js", script, exploreScript),
        Asset("/script/other.js", script, otherScript),
    ]
}
