import MatrixRules
import Testing

@Suite("Visibility timeline")
struct VisibilityTimelineTests {
    typealias Setting = VisibilityTimeline.Change<HistoryVisibility>
    typealias Standing = VisibilityTimeline.Change<Membership>

    private func timeline(
        _ visibility: [(UInt64, HistoryVisibility)],
        _ membership: [(UInt64, Membership)]
    ) -> VisibilityTimeline {
        VisibilityTimeline(
            visibility: visibility.map { Setting(at: $0.0, $0.1) },
            membership: membership.map { Standing(at: $0.0, $0.1) }
        )
    }

    private func readable(_ timeline: VisibilityTimeline, upTo end: UInt64) -> [UInt64] {
        (1...end).filter { timeline.permits($0) }
    }

    @Test("Somebody who was never there reads only what is world-readable")
    func stranger() {
        let timeline = timeline([(3, .joined), (6, .worldReadable), (9, .shared)], [])
        // 6 opens the room and 9 closes it; both are readable, being judged before or after.
        #expect(readable(timeline, upTo: 12) == [6, 7, 8, 9])
        #expect(!timeline.mayEnter)
        #expect(!timeline.hasEverJoined)
    }

    @Test("With no setting at all, history is shared")
    func defaultIsShared() {
        let joined = timeline([], [(5, .join)])
        #expect(joined.readable == [0...UInt64.max])
        #expect(timeline([], []).readable.isEmpty)
    }

    @Test("Shared history reaches back from a join and ends at the leave")
    func sharedUntilLeave() {
        let left = timeline([(1, .shared)], [(5, .join), (8, .leave)])
        #expect(readable(left, upTo: 12) == Array(1...8))
        // Coming back opens what was said in between.
        let back = timeline([(1, .shared)], [(5, .join), (8, .leave), (11, .join)])
        #expect(back.readable == [0...UInt64.max])
        // Being invited again opens nothing.
        let invited = timeline([(1, .shared)], [(5, .join), (8, .leave), (11, .invite)])
        #expect(readable(invited, upTo: 14) == Array(1...8))
    }

    @Test("Joined history shows the user's own join and leave and what lies between")
    func joinedOnly() {
        let timeline = timeline([(1, .joined)], [(5, .join), (8, .leave), (11, .join), (13, .ban)])
        // Position 0 is before the setting, shared by default and joined later.
        #expect(timeline.readable == [0...1, 5...8, 11...13])
    }

    @Test("Invited history starts at the invitation and stops when it is withdrawn")
    func invitedHistory() {
        let accepted = timeline([(1, .invited)], [(4, .invite), (7, .join)])
        #expect(readable(accepted, upTo: 9) == [1, 4, 5, 6, 7, 8, 9])
        let withdrawn = timeline([(1, .invited)], [(4, .invite), (7, .leave)])
        #expect(readable(withdrawn, upTo: 9) == [4, 5, 6, 7])
        #expect(!withdrawn.mayEnter)
        let knocked = timeline([(1, .invited)], [(4, .knock), (7, .invite), (9, .join)])
        #expect(readable(knocked, upTo: 10) == [1, 7, 8, 9, 10])
    }

    @Test("Under joined visibility an invited user does not see the invitation's history")
    func invitedButJoinedOnly() {
        let timeline = timeline([(1, .joined)], [(4, .invite), (7, .join)])
        #expect(readable(timeline, upTo: 9) == [1, 7, 8, 9])
    }

    @Test(
        "A change of the setting is readable if either side allows it",
        arguments: HistoryVisibility.allCases,
        HistoryVisibility.allCases
    )
    func settingChange(before: HistoryVisibility, after: HistoryVisibility) {
        let stranger = timeline([(1, before), (5, after)], [])
        let isOpen = before == .worldReadable || after == .worldReadable
        #expect(stranger.permits(5) == isOpen)
        let laterMember = timeline([(1, before), (5, after)], [(9, .join)])
        let isShared = before == .shared || after == .shared
        #expect(laterMember.permits(5) == (isOpen || isShared))
    }

    @Test(
        "The user's own member event is readable if either side allows it",
        arguments: Membership.allCases,
        Membership.allCases
    )
    func ownMembership(before: Membership, after: Membership) {
        let timeline = timeline([(1, .joined)], [(3, before), (5, after)])
        #expect(timeline.permits(5) == (before == .join || after == .join))
    }

    @Test("A later, stricter setting does not hide what was open, nor a looser one open it")
    func judgedAtTheEvent() {
        let stricter = timeline([(1, .shared), (5, .joined)], [(9, .join)])
        #expect(readable(stricter, upTo: 10) == [1, 2, 3, 4, 5, 9, 10])
        let looser = timeline([(1, .joined), (5, .shared)], [(9, .join)])
        #expect(readable(looser, upTo: 10) == [1, 5, 6, 7, 8, 9, 10])
    }

    @Test("A ban ends reading like a leave does")
    func banned() {
        let timeline = timeline([(1, .shared)], [(2, .join), (6, .ban)])
        #expect(readable(timeline, upTo: 9) == Array(1...6))
        #expect(timeline.mayEnter)
    }

    @Test("Ranges are walked in both directions")
    func neighbours() {
        let timeline = timeline(
            [(0, .joined)],
            [(5, .join), (8, .leave), (20, .join), (30, .leave)]
        )
        #expect(timeline.readable == [0...0, 5...8, 20...30])
        #expect(timeline.lastReadable(atOrBefore: 40) == 30)
        #expect(timeline.lastReadable(atOrBefore: 25) == 25)
        #expect(timeline.lastReadable(atOrBefore: 19) == 8)
        #expect(timeline.lastReadable(atOrBefore: 4) == 0)
        #expect(timeline.firstReadable(atOrAfter: 1) == 5)
        #expect(timeline.firstReadable(atOrAfter: 6) == 6)
        #expect(timeline.firstReadable(atOrAfter: 9) == 20)
        #expect(timeline.firstReadable(atOrAfter: 31) == nil)
        let nothing = self.timeline([(0, .joined)], [])
        #expect(nothing.lastReadable(atOrBefore: 9) == nil)
    }

    @Test("Changes at the very first and last positions are judged")
    func extremes() {
        let timeline = timeline([(0, .joined)], [(0, .join), (UInt64.max, .leave)])
        #expect(timeline.readable == [0...UInt64.max])
        let lateOpen = self.timeline([(0, .joined), (UInt64.max, .worldReadable)], [])
        #expect(lateOpen.readable == [UInt64.max...UInt64.max])
    }

    @Test("The timeline agrees with the rules judged event by event")
    func agreesWithOracle() {
        var seed: UInt64 = 42
        func next(_ bound: UInt64) -> UInt64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (seed >> 33) % bound
        }
        for _ in 0..<2_000 {
            var settings: [(UInt64, HistoryVisibility)] = []
            var standings: [(UInt64, Membership)] = []
            for position in UInt64(0)..<24 {
                switch next(5) {
                case 0: settings.append((position, HistoryVisibility(rawValue: UInt8(next(4)))!))
                case 1: standings.append((position, Membership(rawValue: UInt8(next(5)))!))
                default: break
                }
            }
            let timeline = timeline(settings, standings)
            for position in UInt64(0)..<24 {
                let expected = oracle(settings, standings, position)
                #expect(timeline.permits(position) == expected)
            }
        }
    }

    /// The specification's text, read literally, for one event.
    private func oracle(
        _ settings: [(UInt64, HistoryVisibility)],
        _ standings: [(UInt64, Membership)],
        _ position: UInt64
    ) -> Bool {
        let joinsLater = standings.contains { $0.0 > position && $0.1 == .join }
        func allow(
            _ settingsAt: [(UInt64, HistoryVisibility)],
            _ at: [(UInt64, Membership)]
        ) -> Bool {
            let setting = settingsAt.last?.1 ?? .shared
            let membership = at.last?.1 ?? .leave
            if setting == .worldReadable { return true }
            if membership == .join { return true }
            if setting == .shared, joinsLater { return true }
            return membership == .invite && setting == .invited
        }
        let (settingsBefore, settingsAfter) = (
            settings.filter { $0.0 < position }, settings.filter { $0.0 <= position }
        )
        let (before, after) = (
            standings.filter { $0.0 < position }, standings.filter { $0.0 <= position }
        )
        return allow(settingsBefore, before) || allow(settingsAfter, after)
    }
}
