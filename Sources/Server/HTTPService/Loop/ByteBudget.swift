import Synchronization

/// Bytes that clients make the server hold, counted in all and by network, so that no network has
/// the whole budget to itself. Shared by all event loops.
final class ByteBudget: Sendable {
    private struct Books {
        var held: [IPAddress: Int] = [:]
        var total = 0
    }

    private let totalMax: Int
    private let shareMax: Int
    private let books = Mutex(Books())

    /// - Parameters:
    ///   - totalMax: bytes held for all networks.
    ///   - shareMax: bytes held for one IPv4 address or one IPv6 /64.
    init(totalMax: Int, shareMax: Int) {
        self.totalMax = totalMax
        self.shareMax = shareMax
    }

    /// Counts bytes; false if there is no room for them. Who speaks for many has no share of their
    /// own, and who holds nothing may hold one piece of any size.
    func take(_ bytes: Int, for address: IPAddress, hasShare: Bool) -> Bool {
        guard bytes > 0 else { return true }
        return books.withLock { books in
            let held = books.held[address.network, default: 0]
            guard books.total + bytes <= totalMax,
                !hasShare || held == 0 || held + bytes <= shareMax
            else { return false }
            books.held[address.network] = held + bytes
            books.total += bytes
            return true
        }
    }

    func giveBack(_ bytes: Int, for address: IPAddress) {
        guard bytes > 0 else { return }
        books.withLock { books in
            let held = books.held[address.network, default: 0]
            precondition(held >= bytes, "what is given back was taken")
            books.held[address.network] = held == bytes ? nil : held - bytes
            books.total -= bytes
        }
    }

    var held: Int { books.withLock { $0.total } }
}
