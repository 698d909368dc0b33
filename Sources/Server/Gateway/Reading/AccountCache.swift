import MatrixModel
import MatrixRules
import Primitives
import Sync
import Synchronization

/// What syncs need of an account again and again: its rooms and its push rules, as of one log
/// index of its partition. Good for as long as the feed says that nothing changed since.
final class AccountCache: Sendable {
    struct Account: Sendable {
        /// Read at this index of the account's partition.
        let index: LogIndex
        /// Sorted by partition.
        let standings: [RoomStanding]
        let rules: UserRules
        /// Users whose messages and invitations are not wanted (`m.ignored_user_list`).
        let ignored: Set<String>
    }

    /// A user's push rules, ready to judge.
    struct UserRules: Sendable {
        /// Log index that set them; zero for the defaults.
        let version: LogIndex
        let set: PushRuleSet
        var areDefaults: Bool { version == .zero }
    }

    private let max: Int
    private let kept = Mutex<[String: Account]>([:])

    init(max: Int) { self.max = max }

    /// - Parameter floor: from here on nothing of the account changed; nil for unknown.
    func find(_ userID: String, changedUpTo floor: LogIndex?) -> Account? {
        guard let floor else { return nil }
        return kept.withLock { $0[userID] }.flatMap { floor <= $0.index ? $0 : nil }
    }

    func keep(_ account: Account, of userID: String) {
        kept.withLock {
            if $0.count >= max, $0[userID] == nil { $0 = [:] }
            $0[userID] = account
        }
    }

    func removeAll() { kept.withLock { $0 = [:] } }
}
