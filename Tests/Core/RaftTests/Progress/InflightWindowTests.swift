import Primitives
import Raft
import Testing

@Suite("The window of messages under way")
struct InflightWindowTests {
    @Test("It behaves like a list", arguments: [(3, 0), (1, 0), (64, 0), (8, 40), (300, 1_000)])
    func model(maxCount: Int, maxBytes: Int) {
        var random = SeededGenerator(seed: UInt64(maxCount))
        var window = InflightWindow(maxCount: maxCount, maxBytes: maxBytes)
        var list: [(last: LogIndex, bytes: Int)] = []
        var next: UInt64 = 1
        for _ in 0..<20_000 {
            if random.next() % 3 != 0 {
                if !window.isFull {
                    next += random.next() % 4 + 1
                    let bytes = Int(random.next() % 20)
                    window.add(LogIndex(next), bytes: bytes)
                    list.append((LogIndex(next), bytes))
                }
            } else {
                let bound = LogIndex(next - min(next, random.next() % 40))
                window.free(upTo: bound)
                list.removeAll { $0.last <= bound }
            }
            if random.next() % 500 == 0 {
                window.reset()
                list = []
            }
            let bytes = list.reduce(0) { $0 + $1.bytes }
            #expect(window.count == list.count && window.bytes == bytes)
            #expect(
                window.isFull == (list.count >= maxCount || (maxBytes > 0 && bytes >= maxBytes))
            )
        }
    }
}
