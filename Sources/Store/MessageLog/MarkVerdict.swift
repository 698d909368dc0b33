internal import KeyValue
package import Primitives

/// What a node may promise for one partition after a start (architecture 2.5).
package enum MarkVerdict: Equatable, Sendable {
    /// Everything the mark knows of is there.
    case clean
    /// The end is what was promised, but records below it are damaged. The replica votes and
    /// acknowledges; it does not campaign while the hole is unapplied, and serves an error for
    /// these records. Can become clean by repair or an accepted loss.
    case hole([LogIndex])
    /// The end itself is not what was promised: no vote, no campaign, no acknowledgement until
    /// rebuilt under a new replica ID, or until the loss is accepted where there is no peer.
    case amnesia(Amnesia)
}

/// How it shows that a replica forgot.
package enum Amnesia: Equatable, Sendable, CustomStringConvertible {
    /// The mark is gone while the database is not.
    case markMissing
    case endMissing(have: LogIndex, promised: LogIndex)
    /// The record the mark names is another one.
    case endDiffers(LogIndex)
    case termOlder(have: Term, promised: Term)
    /// The vote of the mark's term is not the stored one.
    case voteDiffers
    case replicaOlder(have: ReplicaID, promised: ReplicaID)
    /// The last record, or a row that says where the log begins or how it voted, is damaged.
    case endDamaged(String)

    package var description: String {
        switch self {
        case .markMissing: "the mark is gone while the log is not"
        case .endMissing(let have, let promised):
            "the log ends at \(have) but was promised up to \(promised)"
        case .endDiffers(let index): "record \(index) is not the one that was promised"
        case .termOlder(let have, let promised):
            "term \(have) is stored but \(promised) was promised"
        case .voteDiffers: "the stored vote is not the one that was given"
        case .replicaOlder(let have, let promised):
            "replica \(have) is stored but \(promised) was promised"
        case .endDamaged(let why): "the end of the log is damaged: \(why)"
        }
    }
}

extension MessageLog {
    /// Holds what is stored against the mark. Nil: nothing is missing.
    ///
    /// The mark lags, so the log may be ahead of it in every respect but never behind. A log that
    /// was cut since (`cuts` is higher) may be shorter than the mark says; one that was not may
    /// only have grown.
    func amnesia(against mark: MarkEntry?) -> Amnesia? {
        guard let mark else {
            let fresh = isEmpty && base.index == .zero && hardState == LogHardState()
            return fresh ? nil : .markMissing
        }
        let promised = mark.hardState
        if hardState.replica < promised.replica {
            return .replicaOlder(have: hardState.replica, promised: promised.replica)
        }
        // A new replica starts from nothing: what the mark says is about its predecessor.
        if hardState.replica > promised.replica { return nil }
        if hardState.term < promised.term {
            return .termOlder(have: hardState.term, promised: promised.term)
        }
        if hardState.term == promised.term, promised.vote != .none,
            hardState.vote != promised.vote
        {
            return .voteDiffers
        }
        if hardState.cuts > promised.cuts { return nil }
        if hardState.cuts < promised.cuts || lastIndex < mark.lastIndex {
            return .endMissing(have: lastIndex, promised: mark.lastIndex)
        }
        // Trimmed since: a base beyond the mark proves that the log had reached it.
        if base.index > mark.lastIndex { return nil }
        // A damaged record there is a hole, which verification names.
        guard let chain = try? chain(at: mark.lastIndex) else { return nil }
        return chain == mark.chain ? nil : .endDiffers(mark.lastIndex)
    }

    /// Rows are folded from durable records only, so they bear witness like a mark.
    func amnesia(applied: LogIndex) -> Amnesia? {
        applied > lastIndex ? .endMissing(have: lastIndex, promised: applied) : nil
    }
}
