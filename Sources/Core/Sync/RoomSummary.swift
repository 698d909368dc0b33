/// `summary` of a joined room: what clients make a room's name from when it has none.
package struct RoomSummary: Hashable, Sendable {
    package static let heroesMax = 5

    /// Nil when the room has a name of its own.
    package var heroes: [String]?
    package var joined: Int
    package var invited: Int

    package init(heroes: [String]?, joined: Int, invited: Int) {
        self.heroes = heroes
        self.joined = joined
        self.invited = invited
    }

    /// Picks heroes from the room's members in the order they appeared: joined and invited ones
    /// first, and only when there are none, those who left (Client-Server API, `RoomSummary`).
    package static func heroes(
        among members: some Sequence<(userID: String, isPresent: Bool)>,
        without reader: String
    ) -> [String] {
        var present: [String] = []
        var gone: [String] = []
        for member in members where member.userID != reader {
            if member.isPresent {
                present.append(member.userID)
                if present.count == heroesMax { break }
            } else if gone.count < heroesMax {
                gone.append(member.userID)
            }
        }
        return present.isEmpty ? gone : present
    }
}
