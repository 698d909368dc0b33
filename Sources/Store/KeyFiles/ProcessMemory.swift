import CCipher

/// The memory that keys lie in while the process runs.
package enum ProcessMemory {
    /// Keeps it from core dumps and from tracers without the rights of root. Returns whether it is.
    @discardableResult
    package static func forbidDumps() -> Bool { warbler_forbid_dumps() == 1 }
}
