package import Primitives

/// An account began. Credentials are sealed under the user's key.
package struct AccountCreated: FactPayload {
    package static var kind: UInt8 { 30 }
    package static var retention: Retention { .kept }
    package var userID: String
    package var keyID: UInt64
    package var createdAt: UInt64
    package var isAdministrator: Bool
    package var sealedCredentials: [UInt8]

    package init(
        userID: String,
        keyID: UInt64,
        createdAt: UInt64,
        isAdministrator: Bool,
        sealedCredentials: [UInt8]
    ) {
        self.userID = userID
        self.keyID = keyID
        self.createdAt = createdAt
        self.isAdministrator = isAdministrator
        self.sealedCredentials = sealedCredentials
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.varint(keyID)
        writer.varint(createdAt)
        writer.bool(isAdministrator)
        writer.blob(sealedCredentials)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        keyID = try reader.varint()
        createdAt = try reader.varint()
        isAdministrator = try reader.bool()
        sealedCredentials = Array(try reader.blob())
    }
}

/// A new password hash, sealed.
package struct CredentialsChanged: FactPayload {
    package static var kind: UInt8 { 31 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var sealedCredentials: [UInt8]

    package init(userID: String, sealedCredentials: [UInt8]) {
        self.userID = userID
        self.sealedCredentials = sealedCredentials
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.blob(sealedCredentials)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        sealedCredentials = Array(try reader.blob())
    }
}

/// No more logins. `erased`: the user's key is being destroyed.
package struct AccountDeactivated: FactPayload {
    package static var kind: UInt8 { 32 }
    package static var retention: Retention { .kept }
    package var userID: String
    package var erased: Bool

    package init(userID: String, erased: Bool) {
        self.userID = userID
        self.erased = erased
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.bool(erased)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        erased = try reader.bool()
    }
}

/// A device logged in, or an existing one got a new token.
package struct DeviceAdded: FactPayload {
    package static var kind: UInt8 { 33 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var deviceID: String
    package var tokenMAC: [UInt8]
    package var createdAt: UInt64
    package var sealedName: [UInt8]

    package init(
        userID: String,
        deviceID: String,
        tokenMAC: [UInt8],
        createdAt: UInt64,
        sealedName: [UInt8]
    ) {
        self.userID = userID
        self.deviceID = deviceID
        self.tokenMAC = tokenMAC
        self.createdAt = createdAt
        self.sealedName = sealedName
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(deviceID)
        writer.blob(tokenMAC)
        writer.varint(createdAt)
        writer.blob(sealedName)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        deviceID = try reader.string()
        tokenMAC = Array(try reader.blob())
        createdAt = try reader.varint()
        sealedName = Array(try reader.blob())
    }
}

/// A device has a new display name, sealed.
package struct DeviceRenamed: FactPayload {
    package static var kind: UInt8 { 34 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var deviceID: String
    package var sealedName: [UInt8]

    package init(userID: String, deviceID: String, sealedName: [UInt8]) {
        self.userID = userID
        self.deviceID = deviceID
        self.sealedName = sealedName
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(deviceID)
        writer.blob(sealedName)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        deviceID = try reader.string()
        sealedName = Array(try reader.blob())
    }
}

/// Devices logged out; their tokens are void.
package struct DevicesRemoved: FactPayload {
    package static var kind: UInt8 { 35 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var deviceIDs: [String]

    package init(userID: String, deviceIDs: [String]) {
        self.userID = userID
        self.deviceIDs = deviceIDs
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.varint(deviceIDs.count)
        for each in deviceIDs { writer.string(each) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        deviceIDs = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            deviceIDs.append(try reader.string())
        }
    }
}

/// Display name and avatar, sealed.
package struct ProfileSet: FactPayload {
    package static var kind: UInt8 { 36 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var sealed: [UInt8]

    package init(userID: String, sealed: [UInt8]) {
        self.userID = userID
        self.sealed = sealed
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.blob(sealed)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        sealed = Array(try reader.blob())
    }
}

/// One item of account data, sealed; `roomID` is empty for global items.
package struct AccountDataSet: FactPayload {
    package static var kind: UInt8 { 37 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var roomID: String
    package var type: String
    package var sealed: [UInt8]

    package init(userID: String, roomID: String, type: String, sealed: [UInt8]) {
        self.userID = userID
        self.roomID = roomID
        self.type = type
        self.sealed = sealed
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(roomID)
        writer.string(type)
        writer.blob(sealed)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        roomID = try reader.string()
        type = try reader.string()
        sealed = Array(try reader.blob())
    }
}

/// A sync filter, sealed.
package struct FilterStored: FactPayload {
    package static var kind: UInt8 { 38 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var filterID: String
    package var sealed: [UInt8]

    package init(userID: String, filterID: String, sealed: [UInt8]) {
        self.userID = userID
        self.filterID = filterID
        self.sealed = sealed
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(filterID)
        writer.blob(sealed)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        filterID = try reader.string()
        sealed = Array(try reader.blob())
    }
}

/// A room tells a member's account of a new membership.
package struct MembershipNoted: FactPayload {
    package static var kind: UInt8 { 39 }
    package static var retention: Retention { .kept }
    package var userID: String
    package var roomID: String
    package var membership: String
    package var eventID: String
    package var sender: String
    package var roomPartition: UInt16
    package var position: UInt64
    package var previous: String
    package var strippedState: [StoredEvent]
    package var directTo: Bool

    package init(
        userID: String,
        roomID: String,
        membership: String,
        eventID: String,
        sender: String,
        roomPartition: UInt16,
        position: UInt64,
        previous: String,
        strippedState: [StoredEvent],
        directTo: Bool
    ) {
        self.userID = userID
        self.roomID = roomID
        self.membership = membership
        self.eventID = eventID
        self.sender = sender
        self.roomPartition = roomPartition
        self.position = position
        self.previous = previous
        self.strippedState = strippedState
        self.directTo = directTo
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(roomID)
        writer.string(membership)
        writer.string(eventID)
        writer.string(sender)
        writer.u16(roomPartition)
        writer.u64(position)
        writer.string(previous)
        writer.varint(strippedState.count)
        for each in strippedState { each.encode(into: &writer) }
        writer.bool(directTo)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        roomID = try reader.string()
        membership = try reader.string()
        eventID = try reader.string()
        sender = try reader.string()
        roomPartition = try reader.u16()
        position = try reader.u64()
        previous = try reader.string()
        strippedState = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            strippedState.append(try StoredEvent(from: &reader))
        }
        directTo = try reader.bool()
    }
}

/// The user forgot a room they are not in.
package struct RoomForgotten: FactPayload {
    package static var kind: UInt8 { 40 }
    package static var retention: Retention { .kept }
    package var userID: String
    package var roomID: String

    package init(userID: String, roomID: String) {
        self.userID = userID
        self.roomID = roomID
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(roomID)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        roomID = try reader.string()
    }
}

/// A short-lived login token, as a MAC.
package struct LoginTokenIssued: FactPayload {
    package static var kind: UInt8 { 41 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var tokenMAC: [UInt8]
    package var expiresAt: UInt64

    package init(userID: String, tokenMAC: [UInt8], expiresAt: UInt64) {
        self.userID = userID
        self.tokenMAC = tokenMAC
        self.expiresAt = expiresAt
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.blob(tokenMAC)
        writer.varint(expiresAt)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        tokenMAC = Array(try reader.blob())
        expiresAt = try reader.varint()
    }
}

/// A login token was used.
package struct LoginTokenSpent: FactPayload {
    package static var kind: UInt8 { 42 }
    package static var retention: Retention { .passing }
    package var userID: String
    package var tokenMAC: [UInt8]

    package init(userID: String, tokenMAC: [UInt8]) {
        self.userID = userID
        self.tokenMAC = tokenMAC
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.blob(tokenMAC)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        tokenMAC = Array(try reader.blob())
    }
}
