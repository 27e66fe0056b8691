/// How a question to all shards sees each row once while rows move between them.
enum Questions: Sendable {
    /// No step happens while it is asked.
    case still(FolderMoves)
    /// It is asked again where a step happened between two shards' looks.
    case cuts(ServerMoves)
}
