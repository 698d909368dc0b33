import MatrixRules
import Testing

@Suite("History visibility")
struct HistoryVisibilityTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let setting: HistoryVisibility
        let then: Membership
        /// For each membership the user has now: whether the event may be read. "Now" is reached
        /// directly from "then"; `join` now means the user joined after the event, if not before.
        let now: [Membership: Bool]

        var testDescription: String { "\(setting), then \(then)" }
    }

    /// setting × membership at the event × membership now.
    static let table: [Row] = HistoryVisibility.allCases.flatMap { setting in
        Membership.allCases.map { then in
            var now: [Membership: Bool] = [:]
            for current in Membership.allCases {
                let joinedAfter = current == .join && then != .join
                now[current] =
                    switch (setting, then) {
                    case (.worldReadable, _), (_, .join): true
                    case (.shared, _): joinedAfter
                    case (.invited, .invite): true
                    case (.invited, _), (.joined, _): false
                    }
            }
            return Row(setting: setting, then: then, now: now)
        }
    }

    @Test("Setting × membership at the event × membership now", arguments: table)
    func settings(_ row: Row) {
        for (now, expected) in row.now {
            let timeline = VisibilityTimeline(
                visibility: [.init(at: 1, row.setting)],
                membership: [.init(at: 5, row.then), .init(at: 20, now)]
            )
            #expect(timeline.permits(10) == expected, "now \(now)")
            #expect(timeline.membership == now)
        }
    }

    @Test("Words of event content round-trip, and unknown ones mean shared")
    func words() {
        for setting in HistoryVisibility.allCases {
            #expect(HistoryVisibility(setting.word) == setting)
        }
        #expect(HistoryVisibility("everyone") == nil)
        #expect(HistoryVisibility(orShared: "everyone") == .shared)
        #expect(HistoryVisibility(orShared: nil) == .shared)
        #expect(HistoryVisibility(orShared: "joined") == .joined)
        for membership in Membership.allCases {
            #expect(Membership(membership.word) == membership)
        }
        #expect(Membership("Join") == nil)
    }
}
