public import ApusWire
public import Distributed

extension ApusActorSystem {
    /// Writes a call's arguments, one behind the other.
    public struct InvocationEncoder: DistributedTargetInvocationEncoder {
        /// What arguments have to be.
        public typealias SerializationRequirement = any Wire
        let box: WriterBox

        init(_ box: WriterBox) { self.box = box }

        /// Not sent: a contract's target knows its types, and stubs record their own type here.
        public mutating func recordGenericSubstitution<Substituted>(_ type: Substituted.Type) throws {}

        /// Writes one argument.
        public mutating func recordArgument<Value: Wire>(_ argument: RemoteCallArgument<Value>) throws {
            try argument.value.write(into: &box.writer)
        }

        /// Not sent: errors carry their own name.
        public mutating func recordErrorType<Failed: Error>(_ type: Failed.Type) throws {}
        /// Not sent: the caller knows it.
        public mutating func recordReturnType<Returned: Wire>(_ type: Returned.Type) throws {}
        /// Nothing to do.
        public mutating func doneRecording() throws {}
    }

    /// Required by the language, never used: arguments are read by the contract's table, see ``Target``.
    public struct InvocationDecoder: DistributedTargetInvocationDecoder {
        /// What arguments have to be.
        public typealias SerializationRequirement = any Wire
        /// Refuses.
        public mutating func decodeGenericSubstitutions() throws -> [any Any.Type] { throw CallError(.notOffered) }
        /// Refuses.
        public mutating func decodeNextArgument<Argument: Wire>() throws -> Argument { throw CallError(.notOffered) }
        /// Refuses.
        public mutating func decodeErrorType() throws -> (any Any.Type)? { throw CallError(.notOffered) }
        /// Refuses.
        public mutating func decodeReturnType() throws -> (any Any.Type)? { throw CallError(.notOffered) }
    }

    /// Required by the language, never used: answers are written by ``Target``.
    public struct ResultHandler: DistributedTargetInvocationResultHandler {
        /// What results have to be.
        public typealias SerializationRequirement = any Wire
        /// Refuses.
        public func onReturn<Success: Wire>(value: Success) async throws { throw CallError(.notOffered) }
        /// Refuses.
        public func onReturnVoid() async throws { throw CallError(.notOffered) }
        /// Refuses.
        public func onThrow<Failed: Error>(error: Failed) async throws { throw CallError(.notOffered) }
    }
}
