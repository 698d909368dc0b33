import NIOCore

/// Receive buffers of two sizes: a connection keeps a small one, and while a large body comes in
/// each read borrows a large one. An adaptive allocator would leave every connection that once
/// uploaded something with its largest buffer for the rest of its (long-polling) life.
///
/// Needs `maxMessagesPerRead` of 1: then the channel keeps only the first buffer it was given.
struct ReceiveBuffers: RecvByteBufferAllocator {
    private static let smallBytes = 1024
    private static let largeBytes = 32 * 1024

    private var isBusy = false

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: isBusy ? Self.largeBytes : Self.smallBytes)
    }

    /// True asks the channel for a new buffer instead of the one it keeps.
    mutating func record(actualReadBytes: Int) -> Bool {
        isBusy = actualReadBytes >= Self.smallBytes
        return isBusy
    }
}
