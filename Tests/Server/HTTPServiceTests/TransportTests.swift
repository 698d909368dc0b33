import Testing

import HTTPService

@Suite("Addresses")
struct AddressTests {
    @Test(
        "Text and address are one",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::ffff:1.2.3.4", "1.2.3.4"),
            ("fe80:0:0:0:1:2:3:4", "fe80::1:2:3:4"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("1:2:3:4:5:6::", "1:2:3:4:5:6::"),
        ]
    )
    func description(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
    }

    @Test("Anything else is no address", arguments: ["", "1.2.3", "a", "1.2.3.4:5", "::1%eth0"])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("A network is a /64 and a site a /48; of IPv4, both are the address")
    func networks() throws {
        let address = try #require(IPAddress("2001:db8:1:2:3:4:5:6"))
        #expect(address.network == IPAddress("2001:db8:1:2::"))
        #expect(address.site == IPAddress("2001:db8:1::"))
        let old = try #require(IPAddress("1.2.3.4"))
        #expect(old.network == old && old.site == old)
    }

    @Test("A block holds its addresses and no others")
    func blocks() throws {
        let block = try #require(AddressRange("10.1.0.0/16"))
        #expect(block.contains(try #require(IPAddress("10.1.255.255"))))
        #expect(!block.contains(try #require(IPAddress("10.2.0.0"))))
        #expect(!block.contains(try #require(IPAddress("::a01:0"))))
        let wide = try #require(AddressRange("2001:db8::/33"))
        #expect(wide.contains(try #require(IPAddress("2001:db8:7fff::1"))))
        #expect(!wide.contains(try #require(IPAddress("2001:db8:8000::1"))))
        let all = try #require(AddressRange("0.0.0.0/0"))
        #expect(all.contains(try #require(IPAddress("9.9.9.9"))))
        #expect(!all.contains(try #require(IPAddress("2001::"))))
        #expect(AddressRange("10.1.0.1/16") == nil)
        #expect(AddressRange("10.0.0.0/33") == nil)
        #expect(AddressRange("10.0.0.0/x") == nil)
    }

    @Test("One customer's network is an IPv4 address or an IPv6 /64")
    func network() throws {
        let one = try #require(IPAddress("2001:db8::1"))
        let two = try #require(IPAddress("2001:db8::ffff:2"))
        #expect(one.network == two.network)
        let four = try #require(IPAddress("1.2.3.4"))
        #expect(four.network == four)
    }

    @Test(
        "The client is the rightmost hop that no trusted proxy vouches for",
        arguments: [
            ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", ["8.8.8.8, 9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", ["8.8.8.8, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
            ("10.0.0.1", ["8.8.8.8", "9.9.9.9,10.0.0.2"], "9.9.9.9"),
            ("10.0.0.1", ["8.8.8.8, evil, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", ["", "9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", ["9.9.9.9:1234"], "9.9.9.9"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("11.0.0.1", ["9.9.9.9"], "11.0.0.1"),
        ]
    )
    func forwarded(peer: String, lines: [String], expected: String) throws {
        let trusted = [try #require(AddressRange("10.0.0.0/8"))]
        let address = ForwardedClient.address(
            peer: try #require(IPAddress(peer)),
            forwardedFor: lines,
            trusted: trusted
        )
        #expect(address.description == expected)
    }

    @Test("Each address holds as many connections as it may, and gets them back")
    func ledger() throws {
        var settings = HTTPSettings()
        settings.connectionsPerAddressMax = 2
        settings.connectionsPerTrustedAddressMax = 3
        settings.connectionsMax = 4
        let ledger = ConnectionLedger(settings)
        let stranger = try #require(IPAddress("1.2.3.4"))
        let loopback = try #require(IPAddress("127.0.0.1"))
        #expect(ledger.enter(stranger) && ledger.enter(stranger) && !ledger.enter(stranger))
        ledger.leave(stranger)
        #expect(ledger.enter(loopback) && ledger.enter(loopback) && ledger.enter(loopback))
        #expect(!ledger.enter(loopback))
        #expect(!ledger.enter(stranger))
        #expect(ledger.refused == 3)
    }
}

@Suite("Time")
struct TimeTests {
    @Test(
        "Dates are those of RFC 9110",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] as [(Int64, String)]
    )
    func dates(second: Int64, expected: String) {
        #expect(HTTPDate.text(second) == expected)
    }

    private final class Alarm: WheelEntry {
        var wakings: [Int] = []
        var next: Int?
        var wheelPlace = WheelPlace()

        func wake(at tick: Int) -> Int? {
            wakings.append(tick)
            defer { next = nil }
            return next
        }
    }

    @Test("An entry wakes at its tick, far ones in between, and sooner deadlines win")
    func wheel() {
        let wheel = TimerWheel()
        let near = Alarm()
        let far = Alarm()
        let moved = Alarm()
        let gone = Alarm()
        wheel.schedule(near, at: 3)
        wheel.schedule(far, at: 2_000)
        wheel.schedule(moved, at: 100)
        wheel.schedule(moved, at: 5)
        wheel.schedule(moved, at: 50)
        wheel.schedule(gone, at: 3)
        wheel.remove(gone)
        near.next = 7
        for _ in 0..<600 { wheel.advance() }
        #expect(near.wakings == [3, 7])
        #expect(far.wakings == [511])
        #expect(moved.wakings == [5])
        #expect(gone.wakings.isEmpty)
        #expect(wheel.count == 0)
    }

    @Test("An entry in the slot of the tick that just passed does not wait a whole round")
    func sameSlot() {
        let wheel = TimerWheel()
        let alarm = Alarm()
        wheel.advance()
        wheel.schedule(alarm, at: 0)
        wheel.advance()
        #expect(alarm.wakings == [2])
    }
}
