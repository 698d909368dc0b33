import Primitives
import Testing

@Suite("CRC-32C")
struct ChecksumTests {
    @Test("The examples of RFC 3720, appendix B.4, and the check value")
    func examples() {
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.of(Array(0..<32)) == 0x46DD_794E)
        #expect(CRC32C.of(Array((0..<32).reversed())) == 0x113F_DB5C)
        #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.of([]) == 0)
    }

    @Test("Every length and every start give what bit by bit gives")
    func lengths() {
        let bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        for start in 0..<9 {
            for end in start...bytes.count {
                let slice = bytes[start..<end]
                let expected = slice.reduce(~UInt32(0)) { value, byte in
                    (0..<8).reduce(value ^ UInt32(byte)) { value, _ in
                        value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
                    }
                }
                #expect(CRC32C.of(slice) == ~expected)
            }
        }
    }
}
