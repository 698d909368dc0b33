import KeyFiles
import Testing

@Suite("Process memory")
struct ProcessMemoryTests {
    @Test("The kernel keeps this process out of core dumps when asked")
    func dumps() { #expect(ProcessMemory.forbidDumps()) }
}
