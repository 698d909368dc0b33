import Encryption
import Keyspace
import MatrixModel
import MatrixRules
import Primitives

/// What one account may have.
package struct AccountLimits: Sendable, Hashable {
    package var devices = 50
    package var filters = 100
    package init() {}
}

extension Homeserver {
    /// Of all rooms together: a user has a few items in each.
    package static var accountDataItemsMax: Int { 20_000 }
    /// Sealed. All of it is told in a first sync.
    package static var accountDataBytesMax: Int { 8 << 20 }

    mutating func decide(_ create: CreateAccount, _ context: DecisionContext) throws -> Decision {
        guard try reader.account(create.userID) == nil else {
            return .rejected(MatrixError(.userInUse, "This user ID is taken"))
        }
        guard let keyID = try takeKeyID() else { return .parked }
        guard case .found(let key) = userKey(keyID) else { return .parked }
        var facts: [Fact] = [
            .accountCreated(
                AccountCreated(
                    userID: create.userID,
                    keyID: keyID,
                    createdAt: context.wallMilliseconds,
                    isAdministrator: create.isAdministrator,
                    sealedCredentials: seal(
                        Array(create.passwordHash.utf8),
                        .credentials(create.userID),
                        key
                    )
                )
            )
        ]
        let name = String(UserID(trusted: create.userID).localpart)
        facts.append(
            .profileSet(
                ProfileSet(
                    userID: create.userID,
                    sealed: seal(
                        Profile(displayName: name).encoded,
                        .profile(create.userID),
                        key
                    )
                )
            )
        )
        if let device = create.device { facts.append(added(device, key, context)) }
        return .append(facts, create.device.map { .device($0.deviceID) } ?? .done)
    }

    private mutating func seal(_ bytes: [UInt8], _ binding: ItemBinding, _ key: UserKey) -> [UInt8]
    {
        ItemSealer.seal(
            bytes,
            for: binding,
            with: key,
            salt: random.bytes(ItemSealer.saltCount)
        )
    }

    private mutating func added(
        _ device: AddDevice,
        _ key: UserKey,
        _ context: DecisionContext
    ) -> Fact {
        let name = device.displayName.map {
            seal(Array($0.utf8), .device(device.userID, device.deviceID), key)
        }
        return .deviceAdded(
            DeviceAdded(
                userID: device.userID,
                deviceID: device.deviceID,
                tokenMAC: device.tokenMAC,
                createdAt: context.wallMilliseconds,
                sealedName: name ?? []
            )
        )
    }

    /// The account with its key, or why not.
    private func open(_ userID: String) throws -> Result<UserKey, AccountTrouble> {
        guard let account = try reader.account(userID) else { return .failure(.unknown) }
        guard !account.isDeactivated else { return .failure(.deactivated) }
        switch userKey(account.keyID) {
        case .found(let key): return .success(key)
        case .destroyed: return .failure(.deactivated)
        case .absent: return .failure(.parked)
        case .lost: return .failure(.keyLost)
        }
    }

    private enum AccountTrouble: Error {
        case unknown, deactivated, parked, keyLost
        var decision: Decision {
            switch self {
            case .unknown: .rejected(.notFound("There is no such user"))
            case .deactivated:
                .rejected(MatrixError(.userDeactivated, "This account has been deactivated"))
            case .parked: .parked
            case .keyLost: .rejected(.keyLost("this account"))
            }
        }
    }

    private mutating func withKey(
        _ userID: String,
        _ body: (inout Self, UserKey) throws -> Decision
    ) throws -> Decision {
        switch try open(userID) {
        case .failure(let trouble): trouble.decision
        case .success(let key): try body(&self, key)
        }
    }

    mutating func decide(_ add: AddDevice, _ context: DecisionContext) throws -> Decision {
        try withKey(add.userID) { server, key in
            let devices = try server.reader.devices(of: add.userID)
            guard devices.contains(add.deviceID) || devices.count < server.limits.devices else {
                return .rejected(
                    .limitReached("This account has \(devices.count) devices: log one out first")
                )
            }
            return .append([server.added(add, key, context)], .device(add.deviceID))
        }
    }

    mutating func decide(_ change: ChangePassword) throws -> Decision {
        try withKey(change.userID) { server, key in
            var facts: [Fact] = [
                .credentialsChanged(
                    CredentialsChanged(
                        userID: change.userID,
                        sealedCredentials: server.seal(
                            Array(change.passwordHash.utf8),
                            .credentials(change.userID),
                            key
                        )
                    )
                )
            ]
            if change.logsOutOthers {
                let others = try server.reader.devices(of: change.userID)
                    .filter { $0 != change.keeping }
                facts.append(
                    .devicesRemoved(DevicesRemoved(userID: change.userID, deviceIDs: others))
                )
            }
            return .append(facts, .done)
        }
    }

    mutating func deactivate(_ user: String, erase: Bool) throws -> Decision {
        guard let account = try reader.account(user) else {
            return .rejected(.notFound("There is no such user"))
        }
        let devices = try reader.devices(of: user)
        var facts: [Fact] = [
            .accountDeactivated(AccountDeactivated(userID: user, erased: erase)),
            .devicesRemoved(DevicesRemoved(userID: user, deviceIDs: devices)),
        ]
        for (room, membership) in try reader.memberships(of: user).sorted(by: { $0.key < $1.key })
        where membership == "join" || membership == "invite" || membership == "knock" {
            let message = Fact.departureAsked(
                DepartureAsked(userID: user, roomID: room, userKeyID: account.keyID)
            )
            facts.append(queue(message, for: map.partition(of: room)))
        }
        return .append(facts, .done)
    }

    mutating func rename(_ device: String, of user: String, to name: String) throws -> Decision {
        try withKey(user) { server, key in
            guard try server.reader.devices(of: user).contains(device) else {
                return .rejected(.notFound("There is no such device"))
            }
            let sealed = server.seal(Array(name.utf8), .device(user, device), key)
            return .append(
                [
                    .deviceRenamed(
                        DeviceRenamed(userID: user, deviceID: device, sealedName: sealed)
                    )
                ],
                .done
            )
        }
    }

    mutating func remove(_ devices: [String], of user: String) throws -> Decision {
        let known = try reader.devices(of: user)
        let gone = devices.isEmpty ? known : devices.filter(known.contains)
        guard !gone.isEmpty else { return .repeated(.done, after: .zero) }
        return .append(
            [.devicesRemoved(DevicesRemoved(userID: user, deviceIDs: gone))],
            .done
        )
    }

    mutating func decide(_ set: SetProfile) throws -> Decision {
        guard let account = try reader.account(set.userID) else {
            return .rejected(.notFound("There is no such user"))
        }
        return try withKey(set.userID) { server, key in
            let profile = Profile(displayName: set.displayName, avatarURL: set.avatarURL).encoded
            let sealed = server.seal(profile, .profile(set.userID), key)
            var facts: [Fact] = [.profileSet(ProfileSet(userID: set.userID, sealed: sealed))]
            let rooms = try server.reader.memberships(of: set.userID)
            for (room, membership) in rooms.sorted(by: { $0.key < $1.key })
            where membership == "join" {
                let message = Fact.profileSpread(
                    ProfileSpread(
                        userID: set.userID,
                        roomID: room,
                        sealedProfile: server.seal(profile, .profile(set.userID), key),
                        userKeyID: account.keyID
                    )
                )
                facts.append(server.queue(message, for: server.map.partition(of: room)))
            }
            return .append(facts, .done)
        }
    }

    mutating func setAccountData(
        _ user: String,
        _ room: String,
        _ type: String,
        _ content: [UInt8]
    ) throws -> Decision {
        try withKey(user) { server, key in
            let usage = try server.reader.accountDataUsage(of: user)
            let before = try server.reader.accountDataSize(user, room, type)
            let sealed = server.seal(content, .accountData(user, room, type), key)
            // Entries under way are not counted yet: a few may pass the cap together.
            guard before != nil || usage.items < Self.accountDataItemsMax,
                sealed.count <= before ?? 0
                    || usage.bytes - (before ?? 0) + sealed.count <= Self.accountDataBytesMax
            else { return .rejected(.limitReached("This account has too much account data")) }
            return .append(
                [
                    .accountDataSet(
                        AccountDataSet(userID: user, roomID: room, type: type, sealed: sealed)
                    )
                ],
                .done
            )
        }
    }

    mutating func storeFilter(_ user: String, _ id: String, _ content: [UInt8]) throws -> Decision {
        try withKey(user) { server, key in
            guard try server.reader.filterCount(of: user) < server.limits.filters else {
                return .rejected(.limitReached("This account has too many filters"))
            }
            let sealed = server.seal(content, .filter(user, id), key)
            return .append(
                [.filterStored(FilterStored(userID: user, filterID: id, sealed: sealed))],
                .text(id)
            )
        }
    }

    mutating func forget(_ room: String, by user: String) throws -> Decision {
        switch try reader.memberships(of: user)[room] {
        case nil: .rejected(.notFound("You have never been in this room"))
        case "leave", "ban":
            .append([.roomForgotten(RoomForgotten(userID: user, roomID: room))], .done)
        default:
            .rejected(MatrixError(.unknown, "Leave the room before you forget it", status: 400))
        }
    }

    mutating func spend(_ mac: [UInt8], _ context: DecisionContext) throws -> Decision {
        guard let token = try reader.loginToken(mac), token.expiresAt > context.wallMilliseconds
        else { return .rejected(.forbidden("The login token is unknown or used up")) }
        return .append(
            [.loginTokenSpent(LoginTokenSpent(userID: token.userID, tokenMAC: mac))],
            .text(token.userID)
        )
    }
}
