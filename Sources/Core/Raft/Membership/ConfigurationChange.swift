package import Primitives

/// A wish for other members, as it stands in the log.
package struct ConfigurationChange: Hashable, Sendable {
    package enum Action: UInt8, Sendable {
        case addVoter = 0
        case remove = 1
        /// Changes nothing here: tells the application that something about a member changed.
        case update = 2
        case addLearner = 3
    }

    package enum Transition: UInt8, Sendable {
        /// In one step if only one member changes, else joint and left automatically.
        case auto = 0
        /// Joint, left automatically.
        case implicit = 1
        /// Joint until a change without steps is proposed.
        case explicit = 2
    }

    package struct Step: Hashable, Sendable {
        package var action: Action
        package var id: ReplicaID

        package init(_ action: Action, _ id: ReplicaID) {
            self.action = action
            self.id = id
        }
    }

    package var transition: Transition
    package var steps: [Step]
    /// For the application: where the new members live, for instance. At most 64 KiB.
    package var context: [UInt8]
    /// Written as the older kind of entry, which never becomes joint. Needs exactly one step.
    package var isSingleStep: Bool

    package init(
        _ steps: [Step],
        transition: Transition = .auto,
        context: [UInt8] = [],
        isSingleStep: Bool = false
    ) {
        precondition(!isSingleStep || (steps.count == 1 && transition == .auto))
        self.steps = steps
        self.transition = transition
        self.context = context
        self.isSingleStep = isSingleStep
    }

    /// Ends a joint configuration.
    package static let leaveJoint = ConfigurationChange([])

    var leavesJoint: Bool { transition == .auto && steps.isEmpty }
    /// More than one step may need more than one majority; that can only be told when the change
    /// is applied, so such a change is always joint.
    var entersJoint: Bool { !isSingleStep && (transition != .auto || steps.count > 1) }
    var autoLeaves: Bool { transition != .explicit }

    package var entryKind: EntryKind { isSingleStep ? .change : .changeV2 }
}

// MARK: - Format

extension ConfigurationChange {
    private static let version: UInt8 = 1
    private static let maxSteps = 1024

    /// Version, transition, steps, context; nothing at all for a plain `leaveJoint`, which can
    /// therefore never be refused for its size.
    package func encoded() -> [UInt8] {
        if leavesJoint, context.isEmpty { return [] }
        var writer = ByteWriter()
        writer.u8(Self.version)
        writer.u8(transition.rawValue)
        writer.varint(steps.count)
        for step in steps {
            writer.u8(step.action.rawValue)
            writer.varint(step.id.raw)
        }
        writer.blob(context)
        return writer.bytes
    }

    /// Reads the payload of an entry of kind `change` or `changeV2`.
    package init(_ entry: Entry) throws(DecodeError) {
        try self.init(decoding: entry.payload, kind: entry.kind)
    }

    package init(decoding payload: [UInt8], kind: EntryKind) throws(DecodeError) {
        guard kind != .normal else { throw .invalid("a command is no membership change") }
        if payload.isEmpty {
            guard kind == .changeV2 else { throw .invalid("a single change without a step") }
            self = .leaveJoint
            return
        }
        var reader = ByteReader(payload)
        let version = try reader.u8()
        guard version == Self.version else { throw .unknownVersion(UInt64(version)) }
        let rawTransition = try reader.u8()
        guard let transition = Transition(rawValue: rawTransition) else {
            throw .unknownKind(UInt64(rawTransition))
        }
        let count = try reader.count(limit: Self.maxSteps)
        var steps: [Step] = []
        for _ in 0..<count {
            let rawAction = try reader.u8()
            guard let action = Action(rawValue: rawAction) else {
                throw .unknownKind(UInt64(rawAction))
            }
            steps.append(Step(action, ReplicaID(try reader.varint())))
        }
        let context = Array(try reader.blob())
        guard context.count <= 1 << 16 else { throw .invalid("the context is over 64 KiB") }
        try reader.expectEnd()
        let isSingle = kind == .change
        guard !isSingle || (count == 1 && transition == .auto) else {
            throw .invalid("a single change has \(count) steps")
        }
        self.init(steps, transition: transition, context: context, isSingleStep: isSingle)
    }
}
