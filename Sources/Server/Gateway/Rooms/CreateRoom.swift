import HTTPService
import Homeserver
import Identity
import Keyspace
import MatrixModel
import MatrixRules
import Primitives

/// `POST /_matrix/client/v3/createRoom`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3createroom>
extension Endpoint {
    static let createRoom = Endpoint(.post, "/createRoom", rate: .createRoom) { call in
        let request = try NewRoomRequest(
            try call.optionalBody(),
            defaultVersion: call.settings.defaultRoomVersion,
            server: call.settings.serverName,
            limits: call.settings.limits
        )
        try call.countRoom(inviting: request.invitees.count)
        let creator = try await call.ownAccount().member()
        var invitees: [Member] = []
        for user in request.invitees { invitees.append(try await call.account(user).member()) }
        let events = try RoomDraft(request, creator: creator, invitees: invitees).events()
        // Up to version 11 the ID is ours to choose; from 12 on it comes from the create event,
        // and the leader of a partition finds one that belongs there.
        let minted =
            request.version.roomIDIsCreateHash
            ? nil : mintRoomID(call.gateway.node.random(15), call.settings.serverName)
        let partition =
            minted.map { call.partition(of: $0) }
            ?? call.gateway.node.map.all.randomElement() ?? .control
        if let alias = request.alias {
            try await call.perform(
                .reserveAlias(
                    alias: alias,
                    roomID: minted ?? "!" + call.gateway.node.mintCommandID().description,
                    creator: call.user,
                    confirm: false
                ),
                in: call.partition(of: alias)
            )
        }
        do {
            return try await call.perform(
                .createRoom(
                    CreateRoom(
                        creator: creator,
                        version: request.version,
                        roomID: minted,
                        events: events,
                        isPublic: request.isPublished,
                        alias: request.alias,
                        isDirect: request.isDirect
                    )
                ),
                in: partition
            ).roomReply
        } catch let error as MatrixError {
            // Refused for good, there is no room to hold the alias for. What is not known to have
            // failed keeps it until the reservation runs out.
            if let alias = request.alias, error.status < 500 {
                _ = try? await call.perform(
                    .removeAlias(alias: alias),
                    in: call.partition(of: alias)
                )
            }
            // The events do not fit together: the request is at fault, not who makes it.
            throw error.code == .forbidden
                ? MatrixError(.invalidRoomState, error.message) : error
        }
    }

    private static func mintRoomID(_ random: [UInt8], _ server: String) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        let local = random.map { letters[Int($0) % letters.count] }
        return "!\(String(decoding: local, as: UTF8.self)):\(server)"
    }
}

extension Call {
    /// Counts a room, and who is invited to it, against what one user may do in a day.
    fileprivate func countRoom(inviting count: Int) throws(MatrixError) {
        try countInvitations(count)
        let now = wallMilliseconds()
        guard gateway.limiter.take(.roomsPerDay, user, now: now) == nil else {
            throw .dailyLimit("rooms created")
        }
    }

    func countInvitations(_ count: Int) throws(MatrixError) {
        guard count > 0 else { return }
        let now = wallMilliseconds()
        let cost = Double(count)
        guard gateway.limiter.take(.invitesPerDay, user, cost: cost, now: now) == nil else {
            throw .dailyLimit("invitations sent")
        }
    }
}

extension MatrixError {
    fileprivate static func dailyLimit(_ what: String) -> MatrixError {
        .limitReached("Too many \(what) in a day")
    }
}
