/// Who really asks, behind proxies that are trusted to say so.
package enum ForwardedClient {
    /// Walks `X-Forwarded-For` from the right: each trusted hop vouches for the one before it, and
    /// the first address that is not trusted is the client. Text that is no address ends the walk
    /// at the hop that wrote it: nothing further left can be believed.
    package static func address(
        peer: IPAddress,
        forwardedFor: [String],
        trusted: [AddressRange]
    ) -> IPAddress {
        guard trusted.contains(where: { $0.contains(peer) }) else { return peer }
        var client = peer
        for line in forwardedFor.reversed() {
            for hop in line.split(separator: ",", omittingEmptySubsequences: false).reversed() {
                guard let address = IPAddress(Self.bare(hop)) else { return client }
                client = address
                guard trusted.contains(where: { $0.contains(address) }) else { return client }
            }
        }
        return client
    }

    /// Without blanks, brackets and port: some proxies write `1.2.3.4:567` or `[::1]:567`.
    private static func bare(_ hop: Substring) -> Substring {
        var text = hop.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        if text.first == "[", let end = text.firstIndex(of: "]") {
            return text[text.index(after: text.startIndex)..<end]
        }
        let colons = text.filter { $0 == ":" }.count
        if colons == 1, let colon = text.firstIndex(of: ":") { return text[..<colon] }
        return text
    }
}
