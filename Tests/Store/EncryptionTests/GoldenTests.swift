import Encryption
import Testing

/// Bytes that another implementation of `Specs/Formats` produced. They may never change: what is
/// sealed today must open in ten years. A new version gets a golden value of its own.
@Suite("Golden bytes of what is sealed")
struct GoldenTests {
    private let room = RoomKey(id: KeyID(7), epoch: 3, secret: SecretKey(counting(from: 10, 32)))
    private let user = UserKey(id: KeyID(9), secret: SecretKey(counting(from: 70, 32)))
    private let text = Array(#"{"body":"meet at nine","msgtype":"m.text"}"#.utf8)

    @Test("Sealed content, version 1")
    func content() {
        let binding = ContentBinding(
            room: "!room:example.org",
            event: "$one",
            type: "m.room.message",
            schema: 1
        )
        let sealed = ContentSealer.seal(
            text,
            for: binding,
            with: ContentKey(room: room, user: user)
        )
        #expect(
            sealed
                == hex(
                    "010001000000030000000000000007000000000000000997ae8147401543552e"
                        + "dc3abfec1eef480033103975cf73944e050688c8a3c24a1b4c8746aaf47c1976"
                        + "ffed3e69b1f3ecc35cf998c8bc2c46d7a5"
                )
        )
    }

    @Test("Sealed account item, version 1")
    func item() {
        let sealed = ItemSealer.seal(
            text,
            for: ItemBinding(user: "@ann:x", kind: .accountData, name: "m.direct"),
            with: user,
            salt: counting(from: 40, 16)
        )
        #expect(
            sealed
                == hex(
                    "01000000000000000928292a2b2c2d2e2f303132333435363743318196e8edb6"
                        + "49c574399cb9a42ab01d546dc2627bffa12d3e0bbb05a40af08d56a947884f95"
                        + "a68884035c31da452cae3ec7dcff8527012588"
                )
        )
    }

    @Test("Wrapped key, version 1")
    func wrapped() {
        let header = WrappedHeader(kind: .room, id: KeyID(7), keyEpoch: 3, wrapEpoch: 11)
        let wrapped = KeyWrap.wrap(
            room.secret,
            as: header,
            with: SecretKey(counting(from: 200, 32)),
            nonce: counting(from: 90, 12)
        )
        #expect(
            wrapped
                == hex(
                    "01010000000000000007000000030000000b5a5b5c5d5e5f606162636465329d"
                        + "e5c8acd57d61384a793044b152293d09935dcb5e473676e41b860d4c842940c6"
                        + "76a11f4af9bfbc0ca500d604a081"
                )
        )
    }

    @Test("Key ring file, version 1, by its SHA-256")
    func ring() {
        var drawn = 0
        let ring = KeyRing.create(
            root: SecretKey(counting(from: 1, 32)),
            milliseconds: 1000,
            random: { count in
                defer { drawn += count }
                return counting(from: UInt8(truncatingIfNeeded: drawn), count)
            }
        )
        let file = ring.encoded(nonce: counting(from: 50, 12))
        #expect(file.count == 368)
        #expect(
            Cipher.sha256(file)
                == hex("8d3766de1b4afff4f19f07e01e3405a33e7c873d5bafa10134395a76ab47347d")
        )
    }
}
