import KeyValue
import Keyspace
package import MatrixModel
import MatrixRules
import Primitives
import Projections
import Sync

extension ReadService {
    /// `GET /rooms/{roomId}/state`: all of it, as of the reader's leave if they left.
    package func state(roomID: String, by requester: Requester) throws(MatrixError) -> [UInt8] {
        try answering {
            let access = try access(roomID, requester, in: view())
            var writer = JSONWriter(reserving: 16_384)
            writer.beginArray()
            let now = now()
            try access.state(before: access.stateEnd ?? .end, .everything) {
                try access.stateExtras($0).writeState(into: &writer, roomID: roomID, now: now)
                return true
            }
            writer.endArray()
            return writer.finish()
        }
    }

    /// `GET /rooms/{roomId}/state/{eventType}/{stateKey}`: the content, or with `format=event` the
    /// whole event.
    package func stateEvent(
        roomID: String,
        type: String,
        stateKey: String,
        format: String?,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let access = try access(roomID, requester, in: view())
            guard let event = try access.rows.state(type, stateKey, until: access.stateEnd) else {
                throw MatrixError.notFound("The room has no such state")
            }
            guard format == "event" else { return Array(event.content) }
            var writer = JSONWriter(reserving: 1_024)
            try access.extras(event, for: requester)
                .write(into: &writer, roomID: roomID, now: now())
            return writer.finish()
        }
    }

    /// `GET /rooms/{roomId}/members`: member events, now or as of a token.
    package func members(
        roomID: String,
        at: String?,
        membership: String?,
        notMembership: String?,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let wanted = try membershipParameter(membership, "membership")
            let unwanted = try membershipParameter(notMembership, "not_membership")
            let view = view()
            let access = try access(roomID, requester, in: view)
            var end = access.stateEnd ?? .end
            if let at, !at.isEmpty {
                guard let token = PageToken(at) else {
                    throw MatrixError.invalidParam("at is no token of this server")
                }
                if let position = token.position(in: access.rows.reader.partition) {
                    end = min(end, StreamPosition(position))
                }
            }
            var writer = JSONWriter(reserving: 16_384)
            writer.beginObject()
            writer.key("chunk")
            writer.beginArray()
            let now = now()
            try access.state(before: end, .members) { event in
                if wanted != nil || unwanted != nil {
                    let word = membershipWord(event)
                    if let wanted, word != wanted { return true }
                    // The two parameters are alternatives: what either one admits is shown.
                    if wanted == nil, let unwanted, word == unwanted { return true }
                }
                try access.stateExtras(event).writeState(into: &writer, roomID: roomID, now: now)
                return true
            }
            writer.endArray()
            writer.endObject()
            return writer.finish()
        }
    }

    private func membershipParameter(
        _ text: String?,
        _ name: String
    ) throws(MatrixError) -> Membership? {
        guard let text, !text.isEmpty else { return nil }
        guard let word = Membership(text) else { throw .invalidParam("\(name) is no membership") }
        return word
    }

    private func membershipWord(_ event: RenderedEvent) -> Membership {
        let content = try? JSONDocument(parsing: event.content).root
        return content?["membership"]?.string.flatMap { Membership($0) } ?? .leave
    }

    /// `GET /rooms/{roomId}/joined_members`: for members only.
    package func joinedMembers(
        roomID: String,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let access = try access(roomID, requester, in: view())
            guard access.isJoined else {
                throw MatrixError.forbidden("You are not in this room")
            }
            var writer = JSONWriter(reserving: 4_096)
            writer.beginObject()
            writer.key("joined")
            writer.beginObject()
            try access.rows.currentState(.members) { passing in
                let event = try passing.render()
                guard let userID = event.stateKey else { return true }
                guard let content = try? JSONDocument(parsing: event.content).root,
                    content["membership"]?.isString("join") == true
                else { return true }
                writer.key(userID)
                writer.beginObject()
                if let url = content["avatar_url"]?.string { writer.member("avatar_url", url) }
                if let name = content["displayname"]?.string {
                    writer.member("display_name", name)
                }
                writer.endObject()
                return true
            }
            writer.endObject()
            writer.endObject()
            return writer.finish()
        }
    }

    /// `GET /joined_rooms`
    package func joinedRooms(by requester: Requester) throws(MatrixError) -> [UInt8] {
        try answering {
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("joined_rooms")
            writer.beginArray()
            let reader = view().home(of: requester.userID)
            for (roomID, row) in try reader.memberships(requester.userID)
            where row.membership == "join" {
                writer.string(roomID)
            }
            writer.endArray()
            writer.endObject()
            return writer.finish()
        }
    }
}
