// What a system's author needs comes with `import Apus`: blocks, routes, logs, and the values they are made of.
@_exported public import ApusCache
@_exported public import ApusCore
@_exported public import ApusEdge
@_exported public import ApusHTTP
@_exported public import ApusLoad
@_exported public import ApusObserve
@_exported public import ApusRuntime
@_exported public import ApusStore
@_exported public import ApusWire
@_exported public import Distributed
