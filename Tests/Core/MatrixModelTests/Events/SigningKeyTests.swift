import MatrixModel
import Testing

/// The appendices' "Cryptographic Test Vectors". Those for events are of room version 1: their
/// content hashes hold for every version, their signatures are checked over the version 1
/// redaction written out here.
@Suite("Signing")
struct SigningKeyTests {
    private let key = SigningKey(version: "1", seed: EventBuilderTests.seed)

    private func signed(_ text: String) throws -> String {
        let bytes = try JSONSigning.signedBytes(of: try JSONDocument(parsing: text).root)
        let key = try #require(key)
        return Base64.encode(try key.sign(bytes))
    }

    private func contentHash(_ text: String) throws -> String {
        let root = try JSONDocument(parsing: text).root
        return Base64.encode(
            sha256(try root.canonical(omitting: ["hashes", "signatures", "unsigned"]))
        )
    }

    @Test("JSON signing")
    func json() throws {
        #expect(
            try signed("{}")
                == "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"
        )
        #expect(
            try signed(#"{"two": "Two", "one": 1}"#)
                == "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"
        )
    }

    @Test("A minimal event")
    func minimalEvent() throws {
        let event = #"""
            { "room_id": "!x:domain", "sender": "@a:domain", "origin": "domain",
            "origin_server_ts": 1000000, "signatures": {}, "hashes": {}, "type": "X",
            "content": {}, "prev_events": [], "auth_events": [], "depth": 3,
            "unsigned": { "age_ts": 1000000 } }
            """#
        let hash = "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"
        #expect(try contentHash(event) == hash)
        // Redaction in version 1 keeps every field of this event.
        let hashed = event.replacing(#""hashes": {}"#, with: #""hashes": {"sha256": "\#(hash)"}"#)
        #expect(
            try signed(hashed)
                == "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"
        )
    }

    @Test("An event with content that redaction takes away")
    func redactableEvent() throws {
        let event = #"""
            { "content": { "body": "Here is the message content" }, "event_id": "$0:domain",
            "origin": "domain", "origin_server_ts": 1000000, "type": "m.room.message",
            "room_id": "!r:domain", "sender": "@u:domain", "signatures": {},
            "unsigned": { "age_ts": 1000000 } }
            """#
        let hash = "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"
        #expect(try contentHash(event) == hash)
        let redacted = event.replacing(
            #"{ "body": "Here is the message content" }"#,
            with: #"{}, "hashes": {"sha256": "\#(hash)"}"#
        )
        #expect(
            try signed(redacted)
                == "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA"
        )
    }

    @Test("A signed object verifies; a changed one, another name or another key does not")
    func verification() throws {
        let signature =
            "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"
        let text =
            #"{"two":"Two","signatures":{"domain":{"ed25519:1":""# + signature
            + #""}},"unsigned":{"age":3},"one":1}"#
        let key = try #require(key)
        let verify = try #require(VerifyKey(key.publicKey))
        func isSigned(
            _ text: String,
            by name: String = "domain",
            _ id: String = "ed25519:1"
        ) throws
            -> Bool
        {
            let root = try JSONDocument(parsing: text).root
            return JSONSigning.isSigned(root, by: name, keyID: id, key: verify)
        }
        #expect(try isSigned(text))
        #expect(try isSigned(text.replacing(#""age":3"#, with: #""age":4"#)))
        #expect(!(try isSigned(text.replacing(#""one":1"#, with: #""one":2"#))))
        #expect(!(try isSigned(text.replacing("KqmL", with: "KqmM"))))
        #expect(!(try isSigned(text.replacing("KqmL", with: "Kq!L"))))
        #expect(!(try isSigned(text, by: "other")))
        #expect(!(try isSigned(text, "ed25519:2")))
        #expect(!(try isSigned("[]")))
    }

    @Test("RFC 8032's first test vector")
    func rfc8032() throws {
        let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        let key = try #require(SigningKey(version: "a_1", seed: seed))
        #expect(
            key.publicKey
                == bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        )
        #expect(
            try key.sign([])
                == bytes(
                    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
                        + "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
                )
        )
    }

    @Test("Keys of another length and versions outside the grammar are refused")
    func grammar() {
        let seed = [UInt8](repeating: 1, count: 32)
        #expect(SigningKey(version: "a_1B", seed: seed)?.keyID == "ed25519:a_1B")
        #expect(SigningKey(version: "", seed: seed) == nil)
        #expect(SigningKey(version: "a:b", seed: seed) == nil)
        #expect(SigningKey(version: "1", seed: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(VerifyKey([UInt8](repeating: 1, count: 33)) == nil)
    }

    @Test("Printing or dumping a key shows its identifier and nothing else")
    func secrecy() throws {
        let key = try #require(key)
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "ed25519:1")
        #expect(dumped.contains("ed25519:1"))
        #expect(!dumped.contains("Curve25519") && !dumped.contains("rawRepresentation"))
    }

    @Test("SHA-256 of FIPS 180-4's example")
    func hash() {
        #expect(
            sha256(Array("abc".utf8))
                == bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        )
        #expect(sha256([]).count == 32)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
    }
}
