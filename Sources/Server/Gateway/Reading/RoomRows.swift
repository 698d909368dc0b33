import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import Primitives
import Projections
import Sync

/// One room's rows in one view, with the means to render them. Cheap to make.
struct RoomRows<Store: KeyValueReader> {
    let roomID: String
    let room: RoomRow
    let reader: StateReader<Store>
    let renderer: EventRenderer
    let version: RoomVersion?

    init(_ roomID: String, _ room: RoomRow, _ reader: StateReader<Store>, _ renderer: EventRenderer)
    {
        self.roomID = roomID
        self.room = room
        self.reader = reader
        self.renderer = renderer
        version = RoomVersion(rawValue: room.version)
    }

    private func render(
        _ value: UnsafeRawBufferPointer,
        from start: Int,
        at position: StreamPosition
    ) throws -> RenderedEvent {
        try renderer.render(
            UnsafeRawBufferPointer(rebasing: value[start...]),
            at: position,
            in: reader.partition,
            roomID: roomID,
            version: version
        )
    }

    // MARK: Timeline

    /// An event met on a scan: glance first, open only what is wanted.
    struct Passing {
        let position: StreamPosition
        let glance: EventGlance?
        fileprivate let value: UnsafeRawBufferPointer
        fileprivate let rows: RoomRows

        func render() throws -> RenderedEvent {
            try rows.render(value, from: Layout.timelineHeader, at: position)
        }
    }

    /// Events with `lower ≤ position < upper`; `body` returns false to stop.
    func timeline(
        from lower: StreamPosition,
        to upper: StreamPosition,
        reverse: Bool,
        _ body: (Passing) throws -> Bool
    ) throws {
        guard lower < upper else { return }
        var failure: (any Error)?
        let keys = reader.keys
        try reader.store.scan(
            from: keys.timeline(room.number, lower),
            to: keys.timeline(room.number, upper),
            in: .state,
            reverse: reverse
        ) { key, value in
            guard let position = position(key, endsAt: key.count), value.count > 1 else {
                return true
            }
            let glance = EventGlance(UnsafeRawBufferPointer(rebasing: value[1...]))
            do {
                return try body(
                    Passing(position: position, glance: glance, value: value, rows: self)
                )
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }

    private func position(_ key: UnsafeRawBufferPointer, endsAt end: Int) -> StreamPosition? {
        guard end >= 8 else { return nil }
        return StreamPosition(
            key.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self).bigEndian
        )
    }

    func event(at position: StreamPosition) throws -> RenderedEvent? {
        let key = reader.keys.timeline(room.number, position)
        guard let bytes = try reader.store.get(key, in: .state), bytes.count > 1 else {
            return nil
        }
        return try bytes.withUnsafeBytes {
            try render($0, from: Layout.timelineHeader, at: position)
        }
    }

    func event(_ eventID: String) throws -> RenderedEvent? {
        guard let place = try reader.location(of: eventID), place.room == room.number else {
            return nil
        }
        return try event(at: place.position)
    }

    // MARK: State

    /// A state row met on a scan.
    struct PassingState {
        let position: StreamPosition
        fileprivate let value: UnsafeRawBufferPointer
        fileprivate let rows: RoomRows

        func render() throws -> RenderedEvent {
            try rows.render(value, from: Layout.stateHeader, at: position)
        }

        var glance: EventGlance? {
            EventGlance(UnsafeRawBufferPointer(rebasing: value[Layout.stateHeader...]))
        }
    }

    private enum Layout {
        /// A version byte before the event.
        static var timelineHeader: Int { 1 }
        /// A version byte and the position.
        static var stateHeader: Int { 9 }
    }

    /// Current state events whose keys lie in `from ..< to`.
    private func currentState(
        from lower: [UInt8],
        to upper: [UInt8],
        _ body: (PassingState) throws -> Bool
    ) throws {
        var failure: (any Error)?
        try reader.store.scan(from: lower, to: upper, in: .state, reverse: false) { _, value in
            guard value.count > Layout.stateHeader, value[0] == StateRow.version else {
                failure = ReadFailure.doesNotOpen(roomID)
                return false
            }
            let raw = value.loadUnaligned(fromByteOffset: 1, as: UInt64.self).bigEndian
            do {
                return try body(
                    PassingState(position: StreamPosition(raw), value: value, rows: self)
                )
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }

    enum StateRange {
        case everything
        case members
        case allButMembers
    }

    /// Current state events in the order of type and state key.
    func currentState(
        _ range: StateRange,
        _ body: (PassingState) throws -> Bool
    ) throws {
        let all = reader.keys.currentStatePrefix(room.number)
        let members = reader.keys.currentStatePrefix(room.number, "m.room.member")
        switch range {
        case .everything: try currentState(from: all, to: keyAfter(prefix: all), body)
        case .members: try currentState(from: members, to: keyAfter(prefix: members), body)
        case .allButMembers:
            var goesOn = true
            try currentState(from: all, to: members) {
                goesOn = try body($0)
                return goesOn
            }
            guard goesOn else { return }
            try currentState(from: keyAfter(prefix: members), to: keyAfter(prefix: all), body)
        }
    }

    /// The state as it stood right before `position`, in the order of type and state key: what is
    /// current and older, and for keys that changed since, what they held before. State keys
    /// never vanish, so nothing is missed.
    func state(
        before position: StreamPosition,
        _ range: StateRange,
        _ body: (RenderedEvent) throws -> Bool
    ) throws {
        try currentState(range) { passing in
            if passing.position < position { return try body(passing.render()) }
            guard let glance = passing.glance else { return true }
            let type = glance.typeText
            let event = try passing.render()
            guard position.raw > 0, let stateKey = event.stateKey,
                let older = try state(type, stateKey, before: position)
            else { return true }
            return try body(older)
        }
    }

    /// What a state key held right before `position`.
    func state(
        _ type: String,
        _ stateKey: String,
        before position: StreamPosition
    ) throws -> RenderedEvent? {
        guard position.raw > 0 else { return nil }
        let last = StreamPosition(position.raw - 1)
        guard let found = try reader.state(type, stateKey, in: room, at: last) else { return nil }
        return try event(at: found.position)
    }

    /// What a state key holds now.
    func currentState(_ type: String, _ stateKey: String = "") throws -> RenderedEvent? {
        let key = reader.keys.currentState(room.number, type, stateKey)
        guard let bytes = try reader.store.get(key, in: .state), bytes.count > Layout.stateHeader
        else { return nil }
        return try bytes.withUnsafeBytes { value in
            let raw = value.loadUnaligned(fromByteOffset: 1, as: UInt64.self).bigEndian
            return try render(value, from: Layout.stateHeader, at: StreamPosition(raw))
        }
    }

    /// A state key as of `until`, exclusive; now when nil.
    func state(
        _ type: String,
        _ stateKey: String,
        until: StreamPosition?
    ) throws -> RenderedEvent? {
        guard let until else { return try currentState(type, stateKey) }
        return try state(type, stateKey, before: until)
    }

    // MARK: Histories

    func memberships(of userID: String) throws -> [VisibilityTimeline.Change<Membership>] {
        try reader.history(of: "m.room.member", userID, in: room).map {
            .init(at: $0.position.raw, Membership($0.row.word) ?? .leave)
        }
    }

    func visibilities() throws -> [VisibilityTimeline.Change<HistoryVisibility>] {
        try reader.history(of: "m.room.history_visibility", "", in: room).map {
            .init(at: $0.position.raw, HistoryVisibility(orShared: $0.row.word))
        }
    }
}
