internal import Encryption
internal import Primitives

/// One row of the records family: header, chain value, where the body is, and a kept body.
struct StoredRow {
    /// Where the body is. Outside the chain, for it changes when a body is pruned.
    enum BodyPlace: UInt8 {
        /// Behind this byte.
        case here = 0
        /// In the passing family, under the same key.
        case passing = 1
        /// Pruned: the record is blank.
        case pruned = 2
    }

    static let fixedCount = RecordHeader.count + Digest.count + 1

    var header: RecordHeader
    var headerBytes: [UInt8]
    var chain: Digest
    var place: BodyPlace
    var body: ArraySlice<UInt8>

    init(decoding bytes: [UInt8]) throws(DecodeError) {
        var reader = ByteReader(bytes)
        header = try RecordHeader(from: &reader)
        headerBytes = Array(bytes[..<RecordHeader.count])
        chain = Digest(try reader.raw(Digest.count))
        let rawPlace = try reader.u8()
        guard let place = BodyPlace(rawValue: rawPlace) else {
            throw .invalid("unknown place of a body \(rawPlace)")
        }
        self.place = place
        body = reader.rest()
        switch place {
        case .here:
            guard header.retention == .kept else {
                throw .invalid("a passing body among the kept ones")
            }
        case .passing:
            guard header.retention == .passing, body.isEmpty else {
                throw .invalid("a kept body among the passing ones")
            }
        case .pruned:
            guard body.isEmpty, header.bodyCount > 0 else {
                throw .invalid("a pruned record with a body, or without one to prune")
            }
        }
    }

    /// Builds a row and the chain value in it.
    static func encode(
        _ header: RecordHeader,
        after previous: Digest,
        place: BodyPlace,
        body: [UInt8]
    ) -> (row: [UInt8], chain: Digest) {
        let inline = place == .here ? body : []
        var writer = ByteWriter(reserving: fixedCount + inline.count)
        header.encode(into: &writer)
        let chain = previous.chained(with: writer.bytes[...])
        chain.withUnsafeBytes { writer.bytes.append(contentsOf: $0) }
        writer.u8(place.rawValue)
        writer.raw(inline)
        return (writer.bytes, chain)
    }

    /// The same record without its body.
    var blanked: [UInt8] {
        headerBytes + chain.bytes + [BodyPlace.pruned.rawValue]
    }
}
