import Homeserver
import MatrixModel
import MatrixRules

/// The events of a new room, in the order the specification gives: create, the creator's join,
/// power levels, alias, the preset's, the initial state, name, topic, invitations.
struct RoomDraft: Sendable {
    let request: NewRoomRequest
    let creator: Member
    let invitees: [Member]

    init(_ request: NewRoomRequest, creator: Member, invitees: [Member]) {
        self.request = request
        self.creator = creator
        self.invitees = invitees
    }

    func events() throws(MatrixError) -> [EventIntent] {
        var events = [
            EventIntent(type: "m.room.create", stateKey: "", content: try createContent()),
            EventIntent(
                type: "m.room.member",
                stateKey: creator.userID,
                content: MemberContents(.join, of: creator).bytes
            ),
            EventIntent(
                type: "m.room.power_levels",
                stateKey: "",
                content: try powerLevelsContent()
            ),
        ]
        if let alias = request.alias {
            events.append(state("m.room.canonical_alias", ["alias": .string(alias)]))
        }
        events += presetEvents()
        events += request.initialState.map {
            EventIntent(type: $0.type, stateKey: $0.stateKey, content: $0.content)
        }
        if let name = request.name {
            events.append(state("m.room.name", ["name": .string(name)]))
        }
        if let topic = request.topic {
            events.append(state("m.room.topic", ["topic": .string(topic)]))
        }
        events += invitees.map { invitee in
            var content = MemberContents(.invite, of: invitee)
            content.isDirect = request.isDirect
            return EventIntent(
                type: "m.room.member",
                stateKey: invitee.userID,
                content: content.bytes,
                subject: invitee
            )
        }
        return events
    }

    private func createContent() throws(MatrixError) -> [UInt8] {
        var members = request.creationContent
        members.append(.init("room_version", .string(request.version.identifier)))
        let creators = request.preset.additionalCreators(
            version: request.version,
            creator: UserID(trusted: creator.userID),
            requested: request.additionalCreators,
            invitees: invitees.map { UserID(trusted: $0.userID) }
        )
        if !creators.isEmpty {
            members.append(.init("additional_creators", .array(creators.map { .string($0.raw) })))
        }
        return try JSONValue.object(members).canonicalContent()
    }

    private func powerLevelsContent() throws(MatrixError) -> [UInt8] {
        let bytes = request.preset.powerLevelsContent(
            version: request.version,
            creator: UserID(trusted: creator.userID),
            invitees: invitees.map { UserID(trusted: $0.userID) },
            override: request.powerLevels
        )
        let view: JSONView
        do throws(JSONError) {
            view = try JSONDocument(parsing: bytes).root
        } catch {
            throw MatrixError(error)
        }
        do throws(AuthorizationDenial) {
            _ = try PowerLevels(view)
        } catch {
            throw .badJSON("power_level_content_override: \(error.description)")
        }
        return try view.canonicalContent()
    }

    /// What the preset sets and the initial state does not set otherwise.
    private func presetEvents() -> [EventIntent] {
        let given = Set(request.initialState.filter { $0.stateKey.isEmpty }.map(\.type))
        let preset = request.preset
        return [
            ("m.room.join_rules", preset.joinRulesContent),
            ("m.room.history_visibility", preset.historyVisibilityContent),
            ("m.room.guest_access", preset.guestAccessContent),
        ]
        .filter { !given.contains($0.0) }
        .map { EventIntent(type: $0.0, stateKey: "", content: $0.1) }
    }

    private func state(_ type: String, _ content: JSONValue) -> EventIntent {
        EventIntent(type: type, stateKey: "", content: content.serialized())
    }
}

extension JSONValue {
    func canonicalContent() throws(MatrixError) -> [UInt8] {
        do throws(JSONError) {
            return try JSONDocument(parsing: serialized()).root.canonical()
        } catch {
            throw MatrixError(error)
        }
    }
}
