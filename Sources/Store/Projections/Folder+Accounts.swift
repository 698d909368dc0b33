import Homeserver
import KeyValue
import Keyspace
import Primitives

extension Folder {
    mutating func foldAccount(_ fact: Fact, at index: LogIndex) throws {
        switch fact {
        case .accountCreated(let fact):
            let row = AccountRow(
                keyID: fact.keyID,
                createdAt: fact.createdAt,
                isAdministrator: fact.isAdministrator,
                isDeactivated: false,
                sealedCredentials: fact.sealedCredentials
            )
            put(keys.account(fact.userID), row.encoded)
            try useKey(fact.keyID)
        case .credentialsChanged(let fact):
            guard var row: AccountRow = try row(keys.account(fact.userID)) else { return }
            row.sealedCredentials = fact.sealedCredentials
            put(keys.account(fact.userID), row.encoded)
        case .accountDeactivated(let fact):
            guard var row: AccountRow = try row(keys.account(fact.userID)) else { return }
            row.isDeactivated = true
            row.sealedCredentials = []
            put(keys.account(fact.userID), row.encoded)
            delete(keys.profile(fact.userID))
            note(.deactivated(userID: fact.userID))
        case .deviceAdded(let fact):
            let key = keys.device(fact.userID, fact.deviceID)
            if let before: DeviceRow = try row(key) { delete(keys.accessToken(before.tokenMAC)) }
            put(
                key,
                DeviceRow(
                    tokenMAC: fact.tokenMAC,
                    createdAt: fact.createdAt,
                    sealedName: fact.sealedName
                ).encoded
            )
            put(
                keys.accessToken(fact.tokenMAC),
                TokenRow(userID: fact.userID, deviceID: fact.deviceID).encoded
            )
            note(.devicesRemoved(userID: fact.userID, deviceIDs: [fact.deviceID]))
        case .deviceRenamed(let fact):
            let key = keys.device(fact.userID, fact.deviceID)
            guard var row: DeviceRow = try row(key) else { return }
            row.sealedName = fact.sealedName
            put(key, row.encoded)
        case .devicesRemoved(let fact):
            for device in fact.deviceIDs {
                let key = keys.device(fact.userID, device)
                if let row: DeviceRow = try row(key) { delete(keys.accessToken(row.tokenMAC)) }
                delete(key)
            }
            note(.devicesRemoved(userID: fact.userID, deviceIDs: fact.deviceIDs))
        case .profileSet(let fact):
            put(keys.profile(fact.userID), SealedRow(index: index, sealed: fact.sealed).encoded)
        case .accountDataSet(let fact):
            let key = keys.accountData(fact.userID, fact.roomID, fact.type)
            let before: SealedRow? = try row(key)
            put(key, SealedRow(index: index, sealed: fact.sealed).encoded)
            let tallyKey = keys.accountDataTally(fact.userID)
            var tally: AccountDataTallyRow = try row(tallyKey) ?? AccountDataTallyRow()
            tally.replace(before?.sealed.count, with: fact.sealed.count)
            put(tallyKey, tally.encoded)
            note(.user(userID: fact.userID))
        case .filterStored(let fact):
            put(
                keys.filter(fact.userID, fact.filterID),
                SealedRow(index: index, sealed: fact.sealed).encoded
            )
        case .membershipNoted(let fact): try fold(fact, at: index)
        case .roomForgotten(let fact):
            let key = keys.membership(fact.userID, fact.roomID)
            guard var row: MembershipRow = try row(key) else { return }
            row.isForgotten = true
            row.index = index
            put(key, row.encoded)
            note(.user(userID: fact.userID))
        case .loginTokenIssued(let fact):
            put(
                keys.loginToken(fact.tokenMAC),
                LoginTokenRow(userID: fact.userID, expiresAt: fact.expiresAt).encoded
            )
        case .loginTokenSpent(let fact): delete(keys.loginToken(fact.tokenMAC))
        default: preconditionFailure("not a fact about an account")
        }
    }

    private mutating func fold(_ fact: MembershipNoted, at index: LogIndex) throws {
        let key = keys.membership(fact.userID, fact.roomID)
        let before: MembershipRow? = try row(key)
        let comesIn = fact.membership == "join" && before?.membership != "join"
        let row = MembershipRow(
            index: index,
            entered: comesIn ? index : before?.entered ?? .zero,
            membership: fact.membership,
            previous: before?.membership ?? "",
            eventID: fact.eventID,
            sender: fact.sender,
            roomPartition: PartitionID(fact.roomPartition),
            position: StreamPosition(fact.position),
            isForgotten: false,
            isDirect: fact.directTo,
            strippedState: fact.strippedState
        )
        put(key, row.encoded)
        note(.user(userID: fact.userID))
    }
}
