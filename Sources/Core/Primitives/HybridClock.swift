/// A hybrid logical clock value: 48 bits of milliseconds since 1970, 16 bits of counter
/// (architecture 2.7). Compares like its raw value.
package struct HybridTimestamp: Hashable, Comparable, Sendable {
    package let raw: UInt64
    package init(_ raw: UInt64) { self.raw = raw }
    package init(milliseconds: UInt64, counter: UInt16 = 0) {
        raw = milliseconds << 16 | UInt64(counter)
    }
    package static let zero = HybridTimestamp(0)
    package var milliseconds: UInt64 { raw >> 16 }
    package static func < (a: HybridTimestamp, b: HybridTimestamp) -> Bool { a.raw < b.raw }
}

/// Hands out ever-growing timestamps. Wall time comes in as a parameter.
package struct HybridClock: Sendable {
    package private(set) var last: HybridTimestamp

    package init(last: HybridTimestamp = .zero) { self.last = last }

    /// A timestamp above everything handed out or observed, and not below `wallMilliseconds`.
    package mutating func next(wallMilliseconds: UInt64) -> HybridTimestamp {
        let wall = HybridTimestamp(milliseconds: wallMilliseconds)
        last = wall > last ? wall : HybridTimestamp(last.raw + 1)
        return last
    }

    /// Moves past a timestamp that came from elsewhere.
    package mutating func observe(_ other: HybridTimestamp) {
        if other > last { last = other }
    }
}
