import HTTPService
import Homeserver
import MatrixModel
import Primitives

/// `GET /_matrix/client/v3/sync`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3sync>
extension Endpoint {
    static let sync = Endpoint(
        .get, "/sync",
        work: .start { call, responder in
            do throws(MatrixError) {
                let request = try call.syncRequest()
                guard request.since == nil else {
                    call.wait(request, responder)
                    return
                }
                // A first sync is a latest read: of the account, then of the rooms it names.
                call.gateway.run(call.request.template, responder) {
                    let rooms = try await call.latestRows(of: call.user).memberships(call.user)
                    let partitions = Set(rooms.map { call.partition(of: $0.roomID) })
                    try await call.gateway.node.readBarrier(partitions.sorted())
                    call.wait(request, responder)
                    return nil
                }
            } catch {
                responder.respond(call.gateway.response(to: error))
            }
        })
}

extension Call {
    fileprivate func syncRequest() throws(MatrixError) -> SyncRequest {
        let since = request.query("since")
        var timeout: UInt64 = 0
        if let text = request.query("timeout"), !text.isEmpty {
            guard let number = Int64(text) else {
                throw .invalidParam("timeout must be a number of milliseconds")
            }
            timeout = UInt64(clamping: number)
        }
        let isFullState: Bool
        switch request.query("full_state") {
        case nil, "", "false", "0": isFullState = false
        case "true", "1": isFullState = true
        default: throw .invalidParam("full_state must be true or false")
        }
        switch request.query("set_presence") {
        case nil, "", "online", "offline", "unavailable": break
        default: throw .invalidParam("There is no such presence")
        }
        return SyncRequest(
            requester: requester, since: since?.isEmpty == true ? nil : since,
            filter: request.query("filter"), fullState: isFullState,
            timeout: min(timeout, settings.limits.longPollMilliseconds))
    }

    fileprivate func wait(_ request: SyncRequest, _ responder: Responder) {
        let gateway = gateway
        let ticket = gateway.syncs.start(request) { result in
            switch result {
            case .success(let body): responder.respond(HTTPResponse(json: body))
            case .failure(let error): responder.respond(gateway.response(to: error))
            }
        }
        responder.onClose { gateway.syncs.cancel(ticket) }
    }
}
