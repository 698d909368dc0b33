import CRocksDB
package import KeyValue

/// What a file holds. Part of its key, so a file of one class cannot pass for another.
package enum FileClass: UInt8, Sendable, CaseIterable {
    case table = 1
    case log = 2
    /// MANIFEST, CURRENT, OPTIONS, IDENTITY.
    case manifest = 3
    case raft = 4
    case audit = 5
    case infoLog = 6
    case spool = 7
    case temporary = 8
    case media = 9
}

/// Whole files outside RocksDB: the same header, then frames of AES-256-GCM. Unlike a database
/// file, such a file does not open at all when a bit of it was changed, or its end cut off.
extension DataKeyring {
    /// The size of the sealed form of `plain` bytes.
    package static func sealedSize(of plain: Int) -> Int { Int(wdb_sealed_size(UInt64(plain))) }

    /// The bytes of a new file, under the current epoch.
    package func seal(_ plain: [UInt8], as fileClass: FileClass) throws(StoreError) -> [UInt8] {
        var sealed = [UInt8](repeating: 0, count: Self.sealedSize(of: plain.count))
        try check(wdb_seal(pointer, fileClass.rawValue, plain, plain.count, &sealed))
        return sealed
    }

    /// What `seal` was given. Throws `.wrongKey`, `.unknownEpoch`, `.plaintext`, or
    /// `.corruption` for anything altered, cut or of another class.
    package func open(_ sealed: [UInt8], as fileClass: FileClass) throws(StoreError) -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: sealed.count)
        var count = 0
        try check(
            wdb_unseal(pointer, fileClass.rawValue, sealed, sealed.count, &plain, &count)
        )
        plain.removeSubrange(count...)
        return plain
    }
}

/// Seals one file piece by piece; the caller writes what comes out, in order.
package struct SealedFileWriter: ~Copyable {
    package static let frameBytes = Int(WDB_FRAME_BYTES)

    private let frames: OpaquePointer
    private var number: UInt64 = 0
    private var pending: [UInt8] = []

    /// Starts a file; `header` is what goes first.
    package init(
        _ keyring: DataKeyring,
        as fileClass: FileClass,
        header: inout [UInt8]
    ) throws(StoreError) {
        var bytes = [UInt8](repeating: 0, count: Int(WDB_HEADER_BYTES))
        var made: OpaquePointer?
        try check(wdb_frames_create(keyring.pointer, fileClass.rawValue, &bytes, &made))
        guard let made else { throw StoreError(.ioError, "no frames") }
        frames = made
        header += bytes
    }

    deinit { wdb_frames_free(frames) }

    /// Takes more bytes and returns the frames they complete, perhaps none.
    package mutating func append(_ plain: ArraySlice<UInt8>) throws(StoreError) -> [UInt8] {
        pending += plain
        var out: [UInt8] = []
        var start = 0
        // The last frame is known only at the end, so one frame's worth stays behind.
        while pending.count - start > Self.frameBytes {
            try seal(pending[start..<start + Self.frameBytes], final: false, into: &out)
            start += Self.frameBytes
        }
        pending.removeSubrange(..<start)
        return out
    }

    /// The last frame. Nothing can be appended after it.
    package consuming func finish() throws(StoreError) -> [UInt8] {
        var out: [UInt8] = []
        try seal(pending[...], final: true, into: &out)
        return out
    }

    private mutating func seal(
        _ plain: ArraySlice<UInt8>,
        final: Bool,
        into out: inout [UInt8]
    ) throws(StoreError) {
        var sealed = [UInt8](repeating: 0, count: plain.count + Int(WDB_FRAME_TAG_BYTES))
        let result = plain.withUnsafeBufferPointer {
            wdb_frames_seal(frames, number, final, $0.baseAddress, $0.count, &sealed)
        }
        try check(result)
        number += 1
        out += sealed
    }
}

/// Opens one sealed file frame by frame, in any order.
package final class SealedFileReader: @unchecked Sendable {
    package static let headerBytes = Int(WDB_HEADER_BYTES)
    package static let sealedFrameBytes = Int(WDB_FRAME_BYTES + WDB_FRAME_TAG_BYTES)

    // Not for two threads at once: it holds one cipher context. Sendable to be handed over.
    private let frames: OpaquePointer
    /// Plain size of the file, bytes.
    package let count: Int
    package let frameCount: Int

    /// - Parameters:
    ///   - header: the file's first 4,096 bytes.
    ///   - fileBytes: the size of the whole file on disk.
    package init(
        _ keyring: DataKeyring,
        as fileClass: FileClass,
        header: [UInt8],
        fileBytes: Int
    ) throws(StoreError) {
        guard header.count == Self.headerBytes else {
            throw StoreError(.corruption, "shorter than its header")
        }
        let body = fileBytes - Self.headerBytes
        frameCount = (body + Self.sealedFrameBytes - 1) / Self.sealedFrameBytes
        count = body - frameCount * Int(WDB_FRAME_TAG_BYTES)
        guard body >= Int(WDB_FRAME_TAG_BYTES), count >= 0 else {
            throw StoreError(.corruption, "shorter than an empty sealed file")
        }
        var made: OpaquePointer?
        try check(wdb_frames_open(keyring.pointer, fileClass.rawValue, header, &made))
        guard let made else { throw StoreError(.ioError, "no frames") }
        frames = made
    }

    deinit { wdb_frames_free(frames) }

    /// Where frame `number` lies in the file on disk.
    package func range(ofFrame number: Int) -> Range<Int> {
        let start = Self.headerBytes + number * Self.sealedFrameBytes
        let left = count - number * SealedFileWriter.frameBytes
        let plain = max(0, min(SealedFileWriter.frameBytes, left))
        return start..<start + plain + Int(WDB_FRAME_TAG_BYTES)
    }

    package func open(frame number: Int, _ sealed: [UInt8]) throws(StoreError) -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: max(1, sealed.count))
        try check(
            wdb_frames_unseal(
                frames,
                UInt64(number),
                number == frameCount - 1,
                sealed,
                sealed.count,
                &plain
            )
        )
        plain.removeSubrange((sealed.count - Int(WDB_FRAME_TAG_BYTES))...)
        return plain
    }
}
