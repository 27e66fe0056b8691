import CLinux
import Distributed

/// The distributed methods of this program, as the compiler lists them for the runtime.
///
/// What a contract forgets could not be called from another process, and nobody would notice before that. So the
/// methods of a service's stub are looked up where the compiler has put them and compared with the contract.
//
// Sound: the section is read-only data of the program, made of records of five 32-bit fields (Swift's ABI,
// `TargetAccessibleFunctionRecord`), the first of which is the distance to a name that ends in zero.
enum DistributedMethods {
    private static let recordBytes = 20

    /// The methods of a stub's type, such as `place(_:by:)`, each once; empty where the program lists none.
    static func names(of stub: any DistributedActor.Type) -> [String] {
        guard let start = apus_accessible_functions_start(), let end = apus_accessible_functions_end(),
            let type = _mangledTypeName(stub)
        else { return [] }
        let prefix = "$s" + type
        var found: [String] = []
        var record = start
        while record + recordBytes <= end {
            let distance = UnsafeRawPointer(record).loadUnaligned(as: Int32.self)
            let name = String(cString: record + Int(distance))
            record += recordBytes
            guard name.hasPrefix(prefix) else { continue }
            let description = RemoteCallTarget(name).description
            // `Module.$Orders.place(_:by:)`: the method is behind the last dot.
            guard let method = description.split(separator: ".").last.map(String.init), method.contains("(") else {
                continue
            }
            if !found.contains(method) { found.append(method) }
        }
        return found.sorted()
    }
}
