import Synchronization

/// Bytes that clients make the server hold, counted in all, by network and by site, so that nobody
/// has the whole budget to themselves. Shared by all event loops.
final class ByteBudget: Sendable {
    private struct Books {
        var networks: [IPAddress: Int] = [:]
        var sites: [IPAddress: Int] = [:]
        var total = 0

        mutating func add(_ bytes: Int, for address: IPAddress) {
            total += bytes
            Self.add(bytes, to: &networks[address.network, default: 0])
            Self.add(bytes, to: &sites[address.site, default: 0])
            guard bytes < 0 else { return }
            if networks[address.network] == 0 { networks[address.network] = nil }
            if sites[address.site] == 0 { sites[address.site] = nil }
        }

        private static func add(_ bytes: Int, to held: inout Int) {
            held += bytes
            precondition(held >= 0, "what is given back was taken")
        }
    }

    /// How many full networks one site may have.
    private static let networksOfSite = 4

    private let totalMax: Int
    private let shareMax: Int
    private let books = Mutex(Books())

    /// - Parameters:
    ///   - totalMax: bytes held for all networks.
    ///   - shareMax: bytes held for one IPv4 address or one IPv6 /64; four times as many for one
    ///     IPv6 /48.
    init(totalMax: Int, shareMax: Int) {
        self.totalMax = totalMax
        self.shareMax = shareMax
    }

    /// Counts bytes; false if there is no room for them. Who speaks for many has no share of their
    /// own, and who holds nothing may hold one piece of any size.
    func take(_ bytes: Int, for address: IPAddress, hasShare: Bool) -> Bool {
        guard bytes > 0 else { return true }
        return books.withLock { books in
            guard books.total + bytes <= totalMax else { return false }
            if hasShare {
                let network = books.networks[address.network] ?? 0
                let site = books.sites[address.site] ?? 0
                let siteMax = shareMax * Self.networksOfSite
                guard network == 0 || network + bytes <= shareMax,
                    site == 0 || site + bytes <= siteMax
                else { return false }
            }
            books.add(bytes, for: address)
            return true
        }
    }

    func giveBack(_ bytes: Int, for address: IPAddress) {
        guard bytes > 0 else { return }
        books.withLock { $0.add(-bytes, for: address) }
    }

    var held: Int { books.withLock { $0.total } }
}
