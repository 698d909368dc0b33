import MatrixModel
import Testing

/// Events with the IDs, hashes and signatures that Synapse 1.163.2 gives them: an independent
/// reading of the specification. All are of `@a:domain`, signed with the key of the appendices'
/// test vectors, and salted with the bytes 0 to 15.
struct EventVector: Sendable, CustomTestStringConvertible {
    let version: RoomVersion
    let draft: EventDraft
    let id: String
    let hash: String
    let signature: String
    let redacted: String

    var testDescription: String { "\(draft.type) in \(version.identifier)" }

    static let hashRoom = RoomID("!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ")

    init(
        _ version: RoomVersion,
        _ type: String,
        stateKey: String? = nil,
        room: RoomID? = RoomID("!x:domain"),
        prevEvents: [String] = ["$aaa"],
        authEvents: [String] = ["$bbb", "$ccc"],
        depth: Int64 = 3,
        timestamp: Int64 = 1_000_000,
        content: String,
        id: String,
        hash: String,
        signature: String,
        redacted: String
    ) {
        self.version = version
        draft = EventDraft(
            roomID: room,
            type: type,
            stateKey: stateKey,
            sender: UserID(trusted: "@a:domain"),
            originServerTimestamp: timestamp,
            depth: depth,
            prevEvents: prevEvents.map { EventID(trusted: $0) },
            authEvents: authEvents.map { EventID(trusted: $0) },
            content: Array(content.utf8)
        )
        self.id = id
        self.hash = hash
        self.signature = signature
        self.redacted = redacted
    }

    static var all: [EventVector] {
        [
            EventVector(
                .v11,
                #"m.room.message"#,
                content: #"{"body":"Here is the message content","msgtype":"m.text"}"#,
                id: "$t7pN2eBhdApiujN3noxQXBaJCWCndHcaHB_IALZy7FQ",
                hash: "gws7iocbtB/D/VWQksJg/EhH840cLRdBQGEQE+M0ZYU",
                signature: "YoqSEKNNZ3K/BVWWPl24IFqT2PB5ZRYo2EoRA+eIkP5"
                    + "aP0zhZ5cY88k6tNbrFSaehLARt6VbQIricFji1pUjDQ",
                redacted: #"{}"#
            ),
            EventVector(
                .v11,
                #"m.room.create"#,
                stateKey: "",
                prevEvents: [],
                authEvents: [],
                depth: 1,
                content: #"{"extra":[1,{"a":2,"z":1}],"m.federate":false,"room_version":"11"}"#,
                id: "$rrr1jCLbtYcULU9of3RGgQ9TYnaCvLe7zYhIKtxURd4",
                hash: "dOmDnw1hoVNqxGdUv1TIrNH3epEod+ACYLR5CPdEUHg",
                signature: "IbRxTrqMkwQoIJrE4WoWq8+yz25600Aro4m5n9Tffij"
                    + "Mt98nSuP0hd59mN+121lOXP2qoHt1rvb3SgDU26o8Dw",
                redacted: #"{"extra":[1,{"a":2,"z":1}],"m.federate":false,"room_version":"11"}"#
            ),
            EventVector(
                .v12,
                #"m.room.create"#,
                stateKey: "",
                room: nil,
                prevEvents: [],
                authEvents: [],
                depth: 1,
                content: #"{"additional_creators":["@b:domain"],"room_version":"12"}"#,
                id: "$PK5MILabfXBzDDGd753ZZfLBZIganRVFVrhU11ux5lQ",
                hash: "DQCWAzDh3qOacSlDV2Lq4FVyFruN0pfWJMD3YEr5/8w",
                signature: "LdCpoHuaKLcSwRiXDBBNaDkFR8p7EZlnrncTYAq1RxI"
                    + "mvlBMsSsprTw4Tk9QxsFkNGJBO9lCY+kjvL3EoHygCQ",
                redacted: #"{"additional_creators":["@b:domain"],"room_version":"12"}"#
            ),
            EventVector(
                .v12,
                #"m.room.message"#,
                room: Self.hashRoom,
                content: #"{"body":"日本語 \"quoted\" \\ back\nline\u0001\#u{7F} \#u{2028} 😀"}"#,
                id: "$A9NAeXye7pl-aPriAMXqwGPYxDW_U5aKhNWR34He16Q",
                hash: "S+0XAGOM3b9FfNeh3BsB5u6bdVw2wN+tlcQ5U029BPk",
                signature: "F/LN60zAEA2GD9rKg6r8k99BpdUHOT7KM9BDu72FDQS"
                    + "OOz+3YaqBfMoB/nUI0E4le13G2yS/4dBq2haSql+5Aw",
                redacted: #"{}"#
            ),
            EventVector(
                .v12,
                #"m.room.member"#,
                stateKey: "@a:domain",
                room: Self.hashRoom,
                content: #"{"avatar_url":"mxc://x/y","displayname":"Alice","join_authorised_via_u"#
                    + #"sers_server":"@b:domain","membership":"join","reason":"hi"}"#,
                id: "$FLtVLTeXd5q4A62cGjL-4GblqGuiJhlsw-DnwRor5JU",
                hash: "SQV9vZT51OVm6gElKOGQrLPuYgN0A8Wf2jzCA10LyIk",
                signature: "mp00U7ax6ViEW9jpkxk4BPe2zwiWsDcOR0xRGTaHMFb"
                    + "nwo6tIzq8Su13o0a4aEi1nAK8HRhs+1rvGV7mh9jsDw",
                redacted: #"{"join_authorised_via_users_server":"@b:domain","membership":"join"}"#
            ),
            EventVector(
                .v11,
                #"m.room.member"#,
                stateKey: "@b:domain",
                content: #"{"membership":"invite","third_party_invite":{"display_name":"bob","sig"#
                    + #"ned":{"mxid":"@b:domain","signatures":{"is":{"ed25519:0":"x"}},"token""#
                    + #":"t"}}}"#,
                id: "$LRn3vRt70SZ4Lz3O-ZO552HYrMVt4MLm6TwPISlw_nA",
                hash: "i4u00G0Jrj+7Pz3e3O94Mo20bM5XAIulxiLDSCw4bkA",
                signature: "vmwtmHihG1T9XesRm8q5j+92TzrFOSkO4MgWNpczN6v"
                    + "KCaB2iTP2orCVVT8hHEssJlTWKTxFQZMRomhQghRsBA",
                redacted: #"{"membership":"invite","third_party_invite":{"signed":{"mxid":"@b:doma"#
                    + #"in","signatures":{"is":{"ed25519:0":"x"}},"token":"t"}}}"#
            ),
            EventVector(
                .v11,
                #"m.room.member"#,
                stateKey: "@b:domain",
                content: #"{"membership":"invite","third_party_invite":{"display_name":"bob"}}"#,
                id: "$qzbcw9CmmkYi6QemcFOo0vxXr-XcvaPLMAL99zMibpw",
                hash: "62wJzpc7fgRsNRhHaHh7r7DjPDiR31iiT5kTHaI0hAI",
                signature: "wB4DpzTNioLwpVtXWsM066F02Tlg5xBdvfmDwulThL5"
                    + "F9FRJIfWP9dpKVUX9coSAzQdpP0sFTNT7CUXC5uPaAg",
                redacted: #"{"membership":"invite","third_party_invite":{}}"#
            ),
            EventVector(
                .v11,
                #"m.room.member"#,
                stateKey: "@b:domain",
                content: #"{"membership":"invite","third_party_invite":"text"}"#,
                id: "$ZNs8Ixcw4B7T5OTggQFMjeAAfXhpofk4H2xjSx50qOQ",
                hash: "dsaGTAcJWZTY1FLWoufSrb+zCtTltbzbAavNUOHGfCQ",
                signature: "cSpPP99rJ3UrkUhm07hHlmZoAi4FJfNenHfOlKuzWyU"
                    + "b83KhSOtTfrK47Kjr9023m8yebLwuUAuUOo1NtkzeCg",
                redacted: #"{"membership":"invite"}"#
            ),
            EventVector(
                .v12,
                #"m.room.join_rules"#,
                stateKey: "",
                room: Self.hashRoom,
                content: #"{"allow":[{"room_id":"!r:domain","type":"m.room_membership"}],"join_ru"#
                    + #"le":"restricted","more":1}"#,
                id: "$vTKGgX2y43h2_FAdlvjlLfE8Vtewt5a5wGfUlz19-wU",
                hash: "KsmPGG8k22YDvRnssrZPEq+qJ78+Wk9oIFCz2+wWIw8",
                signature: "ZBLgO7ZGay/7Uw8avWjPzhyOc74aZT8YppljJImb7/I"
                    + "Fe9+C3KHvF6OaN+DZUa1c+BXG06YL4qGSyZb+p8V/DQ",
                redacted: #"{"allow":[{"room_id":"!r:domain","type":"m.room_membership"}],"join_ru"#
                    + #"le":"restricted"}"#
            ),
            EventVector(
                .v12,
                #"m.room.power_levels"#,
                stateKey: "",
                room: Self.hashRoom,
                content: #"{"ban":50,"events":{"m.room.name":50},"events_default":0,"historical":"#
                    + #"100,"invite":0,"kick":50,"notifications":{"room":50},"redact":50,"stat"#
                    + #"e_default":50,"users":{"@a:domain":100},"users_default":0}"#,
                id: "$KlH0rhGbI1qG1g0dpNLWKGAO8cgDL8HTSL2fYfzIdGo",
                hash: "AYluTLOgKM5pWmCMBPsUJcUKkrZrkqQ4tCgf6+RC38k",
                signature: "rtI5tqK5vW6wFRuya/iqsRavim1NZXKX4BRrlxlCauD"
                    + "pgwctgIeuyBgweHGfKrOf1NAz9kXGA93pI3f1o+IQBQ",
                redacted: #"{"ban":50,"events":{"m.room.name":50},"events_default":0,"invite":0,"k"#
                    + #"ick":50,"redact":50,"state_default":50,"users":{"@a:domain":100},"user"#
                    + #"s_default":0}"#
            ),
            EventVector(
                .v12,
                #"m.room.history_visibility"#,
                stateKey: "",
                room: Self.hashRoom,
                content: #"{"history_visibility":"shared","x":{}}"#,
                id: "$pGr4yozuwBtYbAeIK01apIreIMrNEqTM99yrGFvInjs",
                hash: "e4IIKn4xXQ8CTpJEunl6FxFMg8XZ8bmmeGV+xKQ6wno",
                signature: "ms/VN0MH75c0Euc6E9r3HWGz7vhpEZ/JU01HYcF2RpH"
                    + "EGo9LvykLZTUGv54uczgxrJc2jDc4KYLepjZU0D0FBQ",
                redacted: #"{"history_visibility":"shared"}"#
            ),
            EventVector(
                .v12,
                #"m.room.redaction"#,
                room: Self.hashRoom,
                content: #"{"reason":"spam","redacts":"$abc"}"#,
                id: "$YL1sgEgwWOUI1hEsjT-m_G2xE5O1SyPpqz8opxttOrM",
                hash: "w055nke7krYIiFEpnEXTJc/70dIJYkUSznPaK8QA850",
                signature: "6ct1rKDKF2bRlZE5ezsdzpnGrFwSQQpwwASn99diHUT"
                    + "ymn+qsVSF6j9B+chv9tM/Ynxh3RChXZ0m2MDAXhTiDg",
                redacted: #"{"redacts":"$abc"}"#
            ),
            EventVector(
                .v12,
                #"m.room.aliases"#,
                stateKey: "domain",
                room: Self.hashRoom,
                content: ##"{"aliases":["#a:domain"]}"##,
                id: "$Xw3oF0ITLzsTGdDVK7dYLGbTMMfKT1B_nStwnjzZmvI",
                hash: "eFrhrvoA2/tl8HV02XyPnjtWy5thu/N2NZkQmreZYzI",
                signature: "vTXoiC6dk20WEgxH4e4QO8XOdnRq64oCIgdf+R2Rs3x"
                    + "Ir7caf6wrF2qCDioCn/MhHYiS4blvsmkSmZhjEktXDQ",
                redacted: #"{}"#
            ),
            EventVector(
                .v12,
                #"m.room.canonical_alias"#,
                stateKey: "",
                room: Self.hashRoom,
                depth: jsonIntegerMax,
                timestamp: jsonIntegerMax,
                content: ##"{"alias":"#a:domain"}"##,
                id: "$MQdMZHHR2IX0uTpiKD-9vdCBebkDfKpat5GFyChL_TQ",
                hash: "rrUarBe3F1voguEITd+xYVj50cPL0Hx1+OBDIg2Aq2w",
                signature: "UmPlgxYPA2MT1swp1J73SvpXYSCHch7s5/1HhkuMJX4"
                    + "pPRFpKGTxHccq6q4kLE/m4ZZKhcHUsJhQBibhTnUmCA",
                redacted: #"{}"#
            ),
            EventVector(
                .v12,
                #"org.example.é"\"#,
                stateKey: "key \"with\" \\ and \t tab ü",
                room: Self.hashRoom,
                prevEvents: (0..<20).map { "$p\($0)" },
                authEvents: (0..<10).map { "$q\($0)" },
                content: #"{"deep":{"a":[],"b":[true,false,null,{}]},"n":-9007199254740991}"#,
                id: "$zG2zUwcaODrJ0MxcZgZnuxpq4Xp7fCC42SaxJcDKty0",
                hash: "cBqDjciTHn28rd4psivp9XwLfpvKQfISZNoAH09Gmu4",
                signature: "SLlurOLObET22mvk49DkBwlvKB/glF2UFvVVPkKLPQa"
                    + "fTcsGsuD12MW9kkg2Gapd2bZXMwsYRTcgcQvLUJv1Aw",
                redacted: #"{}"#
            ),
        ]
    }
}
