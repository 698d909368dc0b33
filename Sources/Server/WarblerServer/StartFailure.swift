import Encryption
import KeyValue
import MessageLog
import MultiRaft
import Partitions

/// Why the node does not start: one line with a code from the catalogue.
struct StartFailure: Error, CustomStringConvertible {
    var code: String
    var message: String
    var exitStatus: Int32

    var description: String { "\(code): \(message)" }

    init(_ code: String, _ message: String, exitStatus: Int32) {
        self.code = code
        self.message = message
        self.exitStatus = exitStatus
    }

    init(_ error: any Error) {
        switch error {
        case let error as StartFailure: self = error
        case let error as KeyError:
            self.init(
                error.code.rawValue,
                "\(error.message) (\(error.remedy))",
                exitStatus: error.exitStatus
            )
        case let error as StoreError: self.init(error)
        case LogError.store(let error): self.init(error)
        case LogError.damaged(let partition, let index, let why):
            self.init(
                "E-LOG-HOLE",
                "record \(index) of partition \(partition) is damaged: \(why)\(Self.wayOut)",
                exitStatus: 74
            )
        case NodeError.logsLost(let findings): self.init(lost: findings)
        case let error as UnfoldableRecord:
            self.init(
                "E-LOG-HOLE",
                "record \(error.index) of partition \(error.partition) is damaged, and its rows "
                    + "must still be folded\(Self.wayOut)",
                exitStatus: 74
            )
        default: self.init("E-NODE-START", "\(error)", exitStatus: 74)
        }
    }

    private static let wayOut =
        ": `warbler log verify` names all that is damaged, `warbler log accept-loss` goes on "
        + "without it"

    private init(lost findings: [LogFinding]) {
        var code = "E-LOG-HOLE"
        var texts: [String] = []
        for finding in findings {
            switch finding.verdict {
            case .clean: continue
            case .hole(let indexes):
                let first = indexes.first.map { "\($0)" } ?? "?"
                texts.append("partition \(finding.partition): record \(first) is damaged")
            case .amnesia(let why):
                if why != .markMissing || code == "E-LOG-HOLE" {
                    code = why == .markMissing ? "E-NODE-MARK" : "E-NODE-AMNESIA"
                }
                texts.append("partition \(finding.partition): \(why)")
            }
        }
        let shown = texts.prefix(3).joined(separator: "; ")
        let more = texts.count > 3 ? "; and \(texts.count - 3) more partitions" : ""
        self.init(code, shown + more + Self.wayOut, exitStatus: 74)
    }

    init(_ error: StoreError) {
        switch error.code {
        case .wrongKey: self.init("E-KEY-010", error.message, exitStatus: 78)
        case .unknownEpoch: self.init("E-KEY-020", error.message, exitStatus: 78)
        case .plaintext: self.init("E-KEY-021", error.message, exitStatus: 78)
        case .noSpace: self.init("E-DISK-FULL", error.message, exitStatus: 74)
        case .ioError: self.init("E-DISK-IO", error.message, exitStatus: 74)
        default: self.init("E-DISK-DAMAGED", error.description, exitStatus: 74)
        }
    }
}
