import Synchronization

/// How many connections each network holds. Shared by all event loops; asked once when a
/// connection comes and once when it goes.
package final class ConnectionLedger: Sendable {
    private struct Books {
        var open: [IPAddress: Int] = [:]
        var total = 0
        var refused = 0
    }

    private let perAddressMax: Int
    private let perTrustedAddressMax: Int
    private let totalMax: Int
    private let trusted: [AddressRange]
    private let books = Mutex(Books())

    package init(_ settings: HTTPSettings) {
        perAddressMax = settings.connectionsPerAddressMax
        perTrustedAddressMax = settings.connectionsPerTrustedAddressMax
        totalMax = settings.connectionsMax
        trusted = settings.trustedProxies
    }

    func isTrustedProxy(_ address: IPAddress) -> Bool {
        trusted.contains { $0.contains(address) }
    }

    /// False if the connection must be closed; true obliges to `leave`.
    package func enter(_ address: IPAddress) -> Bool {
        let isTrusted = address.isLoopback || isTrustedProxy(address)
        let most = isTrusted ? perTrustedAddressMax : perAddressMax
        return books.withLock { books in
            let held = books.open[address.network, default: 0]
            guard held < most, books.total < totalMax else {
                books.refused += 1
                return false
            }
            books.open[address.network] = held + 1
            books.total += 1
            return true
        }
    }

    package func leave(_ address: IPAddress) {
        books.withLock { books in
            let held = books.open[address.network, default: 0]
            precondition(held > 0, "who leaves has entered")
            books.open[address.network] = held == 1 ? nil : held - 1
            books.total -= 1
        }
    }

    package var refused: Int { books.withLock { $0.refused } }
}
