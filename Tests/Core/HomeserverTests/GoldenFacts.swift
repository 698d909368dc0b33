import Homeserver
import Primitives

private let alice = "@a:t"
private let room = "!r:t"
private let time: UInt64 = 1_700_000_000_000

/// Facts and the bytes that another implementation of `Specs/Formats/Facts.md` made of them. They
/// may never change: a new layout is a new version, with golden bytes of its own.
struct GoldenFact: Sendable, CustomStringConvertible {
    let fact: Fact
    let hex: String

    var description: String { String("\(fact)".prefix { $0 != "(" }) }

    /// Every field is set.
    private static let full = StoredEvent(
        eventID: "$e",
        type: "m.room.member",
        stateKey: "@b:t",
        sender: alice,
        originServerTimestamp: time,
        depth: 7,
        previousEvents: ["$p"],
        authEvents: ["$c", "$l"],
        contentHash: [UInt8](repeating: 0xAA, count: 32),
        signature: [UInt8](repeating: 0xBB, count: 64),
        signingKeyID: "ed25519:1",
        clear: Array(#"{"membership":"invite"}"#.utf8),
        senderSealed: [1, 2, 3],
        senderKeyID: 300,
        subjectSealed: [4],
        subjectKeyID: 5,
        relation: Relation(kind: "m.thread", eventID: "$root"),
        redacts: "$x",
        redactedBy: "$y",
        device: "DEV",
        transactionID: "txn",
        contentSize: 77
    )

    /// No field is set that need not be.
    private static let bare = StoredEvent(
        eventID: "$m",
        type: "m.room.message",
        stateKey: nil,
        sender: alice,
        originServerTimestamp: 1,
        depth: 2,
        previousEvents: [],
        authEvents: [],
        contentHash: [],
        signature: [],
        signingKeyID: "",
        clear: Array("{}".utf8),
        senderSealed: [],
        senderKeyID: 0,
        contentSize: 0
    )

    private static let receipt = Receipt(
        userID: alice,
        type: "m.read",
        thread: "main",
        eventID: "$e",
        position: 0x0102_0304_0506_0708,
        timestamp: time
    )

    static let all: [GoldenFact] = rooms + accounts + directory + partitions

    private static let rooms: [GoldenFact] = [
        GoldenFact(
            fact: .roomCreated(
                RoomCreated(roomID: room, version: "11", keyID: 300, creator: alice)
            ),
            hex: "01010421723a74023131ac020440613a74"
        ),
        GoldenFact(
            fact: .eventAppended(EventAppended(roomID: room, event: full)),
            hex: "02010421723a74010224650d6d2e726f6f6d2e6d656d626572010440623a740440613a"
                + "7480d095ffbc3107010224700202246302246c20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa40bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                + "bbbbbbbbbbbbbbbbbbbbbbbb09656432353531393a31177b226d656d62657273686970"
                + "223a22696e76697465227d03010203ac0201040501086d2e7468726561640524726f6f"
                + "7401022478010224790103444556010374786e4d"
        ),
        GoldenFact(
            fact: .eventAppended(EventAppended(roomID: room, event: bare)),
            hex: "02010421723a740102246d0e6d2e726f6f6d2e6d657373616765000440613a74010200"
                + "00000000027b7d00000000000000000000"
        ),
        GoldenFact(
            fact: .roomPublished(RoomPublished(roomID: room, isPublic: true)),
            hex: "03010421723a7401"
        ),
        GoldenFact(
            fact: .receiptsSet(ReceiptsSet(roomID: room, receipts: [receipt])),
            hex: "14010421723a74010440613a74066d2e72656164046d61696e02246501020304050607"
                + "0880d095ffbc31"
        ),
    ]

    private static let accounts: [GoldenFact] = [
        GoldenFact(
            fact: .accountCreated(
                AccountCreated(
                    userID: alice,
                    keyID: 9,
                    createdAt: time,
                    isAdministrator: true,
                    sealedCredentials: [1, 2]
                )
            ),
            hex: "1e010440613a740980d095ffbc3101020102"
        ),
        GoldenFact(
            fact: .credentialsChanged(CredentialsChanged(userID: alice, sealedCredentials: [3])),
            hex: "1f010440613a740103"
        ),
        GoldenFact(
            fact: .accountDeactivated(AccountDeactivated(userID: alice, erased: true)),
            hex: "20010440613a7401"
        ),
        GoldenFact(
            fact: .deviceAdded(
                DeviceAdded(
                    userID: alice,
                    deviceID: "DEV",
                    tokenMAC: [7, 7, 7, 7],
                    createdAt: time,
                    sealedName: [8]
                )
            ),
            hex: "21010440613a7403444556040707070780d095ffbc310108"
        ),
        GoldenFact(
            fact: .deviceRenamed(DeviceRenamed(userID: alice, deviceID: "DEV", sealedName: [9])),
            hex: "22010440613a74034445560109"
        ),
        GoldenFact(
            fact: .devicesRemoved(DevicesRemoved(userID: alice, deviceIDs: ["DEV", "POT"])),
            hex: "23010440613a74020344455603504f54"
        ),
        GoldenFact(
            fact: .profileSet(ProfileSet(userID: alice, sealed: [10])),
            hex: "24010440613a74010a"
        ),
        GoldenFact(
            fact: .accountDataSet(
                AccountDataSet(userID: alice, roomID: room, type: "m.tag", sealed: [11])
            ),
            hex: "25010440613a740421723a74056d2e746167010b"
        ),
        GoldenFact(
            fact: .filterStored(FilterStored(userID: alice, filterID: "f", sealed: [12])),
            hex: "26010440613a740166010c"
        ),
        GoldenFact(
            fact: .membershipNoted(
                MembershipNoted(
                    userID: alice,
                    roomID: room,
                    membership: "invite",
                    eventID: "$e",
                    sender: "@b:t",
                    roomPartition: 3,
                    position: 1_024,
                    previous: "",
                    strippedState: [bare],
                    directTo: true
                )
            ),
            hex: "27010440613a740421723a7406696e766974650224650440623a740003000000000000"
                + "040000010102246d0e6d2e726f6f6d2e6d657373616765000440613a74010200000000"
                + "00027b7d0000000000000000000001"
        ),
        GoldenFact(
            fact: .roomForgotten(RoomForgotten(userID: alice, roomID: room)),
            hex: "28010440613a740421723a74"
        ),
        GoldenFact(
            fact: .loginTokenIssued(
                LoginTokenIssued(userID: alice, tokenMAC: [13], expiresAt: time)
            ),
            hex: "29010440613a74010d80d095ffbc31"
        ),
        GoldenFact(
            fact: .loginTokenSpent(LoginTokenSpent(userID: alice, tokenMAC: [13])),
            hex: "2a010440613a74010d"
        ),
    ]

    private static let directory: [GoldenFact] = [
        GoldenFact(
            fact: .aliasReserved(
                AliasReserved(alias: "#n:t", roomID: room, creator: alice, expiresAt: time)
            ),
            hex: "320104236e3a740421723a740440613a7480d095ffbc31"
        ),
        GoldenFact(
            fact: .aliasConfirmed(AliasConfirmed(alias: "#n:t", roomID: room, creator: alice)),
            hex: "330104236e3a740421723a740440613a74"
        ),
        GoldenFact(
            fact: .aliasRemoved(AliasRemoved(alias: "#n:t")),
            hex: "340104236e3a74"
        ),
    ]

    private static let partitions: [GoldenFact] = [
        GoldenFact(
            fact: .outboxQueued(
                // The message is an `AliasRemoved`.
                OutboxQueued(target: 258, message: [0x34, 1, 4, 0x23, 0x6E, 0x3A, 0x74])
            ),
            hex: "3c01010207340104236e3a74"
        ),
        GoldenFact(
            fact: .outboxReceived(OutboxReceived(source: 258, sequence: 300)),
            hex: "3d010102ac02"
        ),
        GoldenFact(
            fact: .outboxAcknowledged(OutboxAcknowledged(target: 258, upTo: 300)),
            hex: "3e010102ac02"
        ),
        GoldenFact(
            fact: .keyBlockGranted(KeyBlockGranted(first: 300, count: 64)),
            hex: "3f01ac0240"
        ),
        GoldenFact(
            fact: .profileSpread(
                ProfileSpread(userID: alice, roomID: room, sealedProfile: [14], userKeyID: 300)
            ),
            hex: "40010440613a740421723a74010eac02"
        ),
        GoldenFact(
            fact: .departureAsked(DepartureAsked(userID: alice, roomID: room, userKeyID: 300)),
            hex: "41010440613a740421723a74ac02"
        ),
        GoldenFact(
            fact: .keysCreated(
                KeysCreated(first: 300, partition: 258, wrapped: [[15], [16, 17]])
            ),
            hex: "4601ac02010202010f021011"
        ),
        GoldenFact(
            fact: .keysDestroyed(KeysDestroyed(keyIDs: [1, 300])),
            hex: "47010201ac02"
        ),
        GoldenFact(
            fact: .keyLogBegun(
                KeyLogBegun(
                    epoch: 3,
                    destroyedUnder: 2,
                    nextKeyID: 300,
                    numbers: [KeyLogBegun.LastNumber(target: 258, last: 300)],
                    waiting: [KeyLogBegun.Waiting(target: 258, sequence: 300, message: [15, 16])]
                )
            ),
            hex: "48010000000300000002ac02010102ac02010102ac02020f10"
        ),
        GoldenFact(
            fact: .keysRestated(
                KeysRestated(
                    epoch: 3,
                    through: 300,
                    isLast: true,
                    keys: [KeysRestated.Key(id: 1, wrapped: [15])],
                    destroyed: [2..<300]
                )
            ),
            hex: "490100000003ac02010101010f0102ac02"
        ),
        GoldenFact(
            fact: .commandAnswered(
                CommandAnswered(
                    command: CommandID(high: 0x0102_0304_0506_0708, low: 9),
                    expiresAt: time,
                    answer: CommandAnswer.event("$e").encoded
                )
            ),
            hex: "50010102030405060708000000000000000980d095ffbc310401022465"
        ),
    ]
}
