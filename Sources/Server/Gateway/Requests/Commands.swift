import HTTPService
import Homeserver
import Identity
import MatrixModel
import Partitions
import Primitives

extension Gateway {
    /// Has a partition decide and record something under a new command ID.
    func perform(
        _ action: Command.Action,
        in partition: PartitionID
    ) async throws(MatrixError) -> CommandAnswer {
        try await perform(
            Command(
                id: node.mintCommandID(),
                answerLifetime: Command.mintedLifetime,
                action: action
            ),
            in: partition
        )
    }

    /// Repeats a command under its ID, backing off, until it is answered or the deadline is there
    /// (architecture 2.2): a command that did happen gives the same answer again.
    func perform(
        _ command: Command,
        in partition: PartitionID
    ) async throws(MatrixError) -> CommandAnswer {
        try command.action.checkSize()
        let deadline = monotonicNanoseconds() + settings.deadlineMilliseconds * 1_000_000
        var pause: UInt64 = 5
        while true {
            let outcome = await withCheckedContinuation { continuation in
                node.submit(command, partition) { continuation.resume(returning: $0) }
            }
            let why: String
            switch outcome {
            case .answered(let answer, _): return answer
            case .rejected(let error): throw error.asRejection
            case .unavailable(let text): why = text
            case .outcomeUnknown: why = ""
            }
            guard monotonicNanoseconds() + pause * 1_000_000 < deadline else {
                throw .unavailable(why)
            }
            await sleep(milliseconds: pause)
            pause = min(2 * pause, 500)
        }
    }

    /// The path of commands that make up the load: from the event loop to the host and back,
    /// without a task. Only what has to be repeated takes the other path.
    func submit(
        _ command: Command,
        to partition: PartitionID,
        _ call: Call,
        _ responder: Responder,
        _ reply: @escaping @Sendable (CommandAnswer) -> Reply
    ) {
        do throws(MatrixError) {
            try command.action.checkSize()
        } catch {
            responder.respond(response(to: error))
            return
        }
        node.submit(command, partition) { [self] outcome in
            switch outcome {
            case .answered(let answer, _):
                responder.respond(HTTPResponse(json: reply(answer).body))
            case .rejected(let error): responder.respond(response(to: error.asRejection))
            case .unavailable, .outcomeUnknown:
                run(call.request.template, responder) { [self] in
                    await sleep(milliseconds: 5)
                    return HTTPResponse(json: reply(try await perform(command, in: partition)).body)
                }
            }
        }
    }

    private func sleep(milliseconds: UInt64) async {
        await withCheckedContinuation { continuation in
            alarms.schedule(afterMilliseconds: milliseconds) { continuation.resume() }
        }
    }
}

extension Command.Action {
    /// No content that is too large for an event goes as far as a partition. The leader checks the
    /// whole event, with what it adds.
    fileprivate func checkSize() throws(MatrixError) {
        let drafts: [EventIntent]
        switch self {
        case .sendEvent(let send): drafts = [send.draft]
        case .createRoom(let create): drafts = create.events
        default: return
        }
        guard drafts.allSatisfy({ $0.content.count <= PDU.bytesMax }) else {
            throw .tooLarge("An event has at most \(PDU.bytesMax) bytes")
        }
    }
}

extension MatrixError {
    /// A decision that no client caused (it found no key, say) asks to try again.
    var asRejection: MatrixError {
        status == 500 ? MatrixError(code, message, status: 503, fields: fields) : self
    }
}

extension CommandAnswer {
    /// `{"event_id": …}`
    var eventReply: Reply {
        guard case .event(let id) = self else { return .empty }
        return Reply { $0.member("event_id", id) }
    }

    /// `{"room_id": …}`
    var roomReply: Reply {
        guard case .room(let id) = self else { return .empty }
        return Reply { $0.member("room_id", id) }
    }
}
