import Synchronization

/// What a request costs, by kind: each kind has its own bucket per principal.
package enum RateKind: UInt8, Sendable, CaseIterable {
    case message, join, invite, createRoom, registration, loginPerAddress, loginPerAccount
    case profile, failedLogin, unknownToken, other, roomsPerDay, invitesPerDay
}

/// A token bucket. Time comes in.
struct TokenBucket: Sendable {
    private var tokens: Double
    private var filledAt: UInt64

    init(full burst: Double, at now: UInt64) {
        tokens = burst
        filledAt = now
    }

    /// Takes `cost` tokens, or says in how many milliseconds they will be there. A cost above the
    /// burst is taken from a full bucket, which then owes. A burst of zero means never.
    mutating func take(_ cost: Double, _ rate: GatewaySettings.Rate, at now: UInt64) -> UInt64? {
        fill(rate, at: now)
        guard rate.burst > 0 else { return Self.waitMax }
        let needed = min(cost, rate.burst)
        guard tokens >= needed else { return wait(for: needed, rate) }
        tokens -= cost
        return nil
    }

    /// The longest wait that is told, in milliseconds, also where there will never be a token.
    static let waitMax: UInt64 = 30 * 86_400_000

    /// Milliseconds until `needed` tokens are there, which are not yet.
    private func wait(for needed: Double, _ rate: GatewaySettings.Rate) -> UInt64 {
        let milliseconds = ((needed - tokens) / rate.perSecond * 1_000).rounded(.up)
        // Also false for what is no number, as without a refill.
        guard milliseconds < Double(Self.waitMax) else { return Self.waitMax }
        return UInt64(max(milliseconds, 0))
    }

    mutating func giveBack(_ cost: Double, _ rate: GatewaySettings.Rate) {
        tokens = min(rate.burst, tokens + cost)
    }

    func isFull(_ rate: GatewaySettings.Rate, at now: UInt64) -> Bool {
        var copy = self
        copy.fill(rate, at: now)
        return copy.tokens >= rate.burst
    }

    private mutating func fill(_ rate: GatewaySettings.Rate, at now: UInt64) {
        // The clock may have been set back: then nothing is added until it is past again.
        guard now > filledAt else { return }
        tokens = min(rate.burst, tokens + Double(now - filledAt) / 1_000 * rate.perSecond)
        filledAt = now
    }
}

/// Token buckets by kind and principal (a user, or an address where there is no user yet). A bucket
/// that is full says no more than one that is not there, so those are forgotten when many are kept.
package final class RateLimiter: Sendable {
    private struct Key: Hashable, Sendable {
        let kind: RateKind
        let principal: String
    }

    private struct State: Sendable {
        var buckets: [Key: TokenBucket] = [:]
        var sweepAt: Int
    }

    private let rates: [GatewaySettings.Rate]
    private let state: Mutex<State>

    /// - Parameter bucketsMax: above it full buckets are looked for and dropped.
    package init(_ rates: GatewaySettings.Rates, bucketsMax: Int = 50_000) {
        self.rates = RateKind.allCases.map { rates[$0] }
        state = Mutex(State(sweepAt: bucketsMax))
    }

    /// Takes from a bucket. Nil when it was granted, else the milliseconds to wait.
    package func take(
        _ kind: RateKind,
        _ principal: String,
        cost: Double = 1,
        now: UInt64
    ) -> UInt64? {
        change(kind, principal, now: now) { $0.take(cost, $1, at: now) }
    }

    /// Undoes a `take` of what turned out not to count.
    package func giveBack(_ kind: RateKind, _ principal: String) {
        let rate = rates[Int(kind.rawValue)]
        // A bucket that was dropped meanwhile was full.
        state.withLock {
            $0.buckets[Key(kind: kind, principal: principal)]?.giveBack(1, rate)
        }
    }

    private func change(
        _ kind: RateKind,
        _ principal: String,
        now: UInt64,
        _ body: (inout TokenBucket, GatewaySettings.Rate) -> UInt64?
    ) -> UInt64? {
        let rate = rates[Int(kind.rawValue)]
        guard !rate.isLifted else { return nil }
        return state.withLock { state in
            if state.buckets.count >= state.sweepAt {
                state.buckets = state.buckets.filter {
                    !$1.isFull(rates[Int($0.kind.rawValue)], at: now)
                }
                // Many that are all in use: look again when there are twice as many.
                state.sweepAt = max(state.sweepAt, 2 * state.buckets.count)
            }
            return body(
                &state.buckets[
                    Key(kind: kind, principal: principal),
                    default: TokenBucket(full: rate.burst, at: now)
                ],
                rate
            )
        }
    }
}

extension GatewaySettings.Rates {
    package subscript(_ kind: RateKind) -> GatewaySettings.Rate {
        switch kind {
        case .message: message
        case .join: join
        case .invite: invite
        case .createRoom: createRoom
        case .registration: registration
        case .loginPerAddress: loginPerAddress
        case .loginPerAccount: loginPerAccount
        case .profile: profile
        case .failedLogin: failedLogin
        case .unknownToken: unknownToken
        case .other: other
        case .roomsPerDay: roomsPerDay
        case .invitesPerDay: invitesPerDay
        }
    }
}
