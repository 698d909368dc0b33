import MatrixModel
import Testing

@Suite("Room versions")
struct RoomVersionTests {
    @Test("Identifiers are those of m.room.create; others are unknown")
    func identifiers() {
        #expect(RoomVersion(rawValue: "11") == .v11)
        #expect(RoomVersion(rawValue: "12") == .v12)
        for unknown in ["1", "10", "13", "", "012", "v12", "org.matrix.msc1234"] {
            #expect(RoomVersion(rawValue: unknown) == nil)
        }
        #expect(RoomVersion.v11 < .v12)
    }

    @Test("Version 12 names rooms by their create event and puts creators above all levels")
    func differences() {
        #expect(!RoomVersion.v11.roomIDIsCreateHash && RoomVersion.v12.roomIDIsCreateHash)
        #expect(!RoomVersion.v11.creatorsAreAboveLevels && RoomVersion.v12.creatorsAreAboveLevels)
        #expect(RoomVersion.v11.authEventsNameCreate && !RoomVersion.v12.authEventsNameCreate)
        #expect(!RoomVersion.v11.resolvesFromEmptyState && RoomVersion.v12.resolvesFromEmptyState)
        #expect(RoomVersion.v11.redactionRules == RoomVersion.v12.redactionRules)
    }
}
