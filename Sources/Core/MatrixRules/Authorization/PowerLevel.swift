/// How much a user may do in a room, or how much an action asks for. Content holds integers within
/// ±(2^53−1), so the two ends of `Int` are free to stand for something else.
package struct PowerLevel: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
    package let raw: Int

    @inlinable package init(_ raw: Int) { self.raw = raw }
    @inlinable package init(integerLiteral raw: Int) { self.raw = raw }

    /// The level of a room creator from room version 12 on: above every number, equal to itself,
    /// so that no creator can remove another.
    package static let infinite = PowerLevel(.max)

    @inlinable package static func < (a: PowerLevel, b: PowerLevel) -> Bool { a.raw < b.raw }
}

extension PowerLevel: CustomStringConvertible {
    package var description: String { self == .infinite ? "infinite" : String(raw) }
}
