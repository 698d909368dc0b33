import MatrixModel
import Testing

@Suite("State slots")
struct StateSlotTests {
    @Test("Two spellings of one character fill two slots")
    func bytes() {
        let composed = StateSlot("t", "\u{E9}")
        let decomposed = StateSlot("t", "e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
    }

    @Test("Type and key do not run into one another")
    func boundary() {
        #expect(StateSlot("ab", "c") != StateSlot("a", "bc"))
        #expect(StateSlot("a") == StateSlot("a", ""))
        #expect(
            [StateSlot("b", "a"), StateSlot("a", "z"), StateSlot("a", "b")].sorted()
                == [StateSlot("a", "b"), StateSlot("a", "z"), StateSlot("b", "a")]
        )
    }
}
