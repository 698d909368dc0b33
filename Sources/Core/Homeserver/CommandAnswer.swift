package import Primitives

/// What a command that changed something is answered. Kept with its command ID, so that a retry
/// gets the same.
package enum CommandAnswer: Hashable, Sendable {
    case done
    case event(String)
    case room(String)
    /// A device that logged in.
    case device(String)
    case text(String)

    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 64)
        switch self {
        case .done: writer.u8(0)
        case .event(let id):
            writer.u8(1)
            writer.string(id)
        case .room(let id):
            writer.u8(2)
            writer.string(id)
        case .device(let id):
            writer.u8(3)
            writer.string(id)
        case .text(let text):
            writer.u8(4)
            writer.string(text)
        }
        return writer.bytes
    }

    package init(_ bytes: [UInt8]) throws(DecodeError) {
        var reader = ByteReader(bytes)
        switch try reader.u8() {
        case 0: self = .done
        case 1: self = .event(try reader.string())
        case 2: self = .room(try reader.string())
        case 3: self = .device(try reader.string())
        case 4: self = .text(try reader.string())
        case let other: throw .unknownKind(UInt64(other))
        }
        try reader.expectEnd()
    }
}
