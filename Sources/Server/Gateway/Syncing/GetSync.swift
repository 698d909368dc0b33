import HTTPService
import Homeserver
import MatrixModel
import Primitives
import Projections

/// `GET /_matrix/client/v3/sync`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3sync>
extension Endpoint {
    static let sync = Endpoint(
        .get,
        "/sync",
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
        }
    )
}

extension Call {
    fileprivate func syncRequest() throws(MatrixError) -> SyncRequest {
        var sync = try SyncRequest(requester: requester, query: { request.query($0) })
        sync.timeout = min(sync.timeout, settings.limits.longPollMilliseconds)
        return sync
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
        confirmSession(of: ticket)
    }

    /// Listen, then look: a token that became void before its poll was known to wait is noticed
    /// here, a later one by the waiter.
    private func confirmSession(of ticket: SyncTicket) {
        guard let authenticated, !gateway.isCached(authenticated.mac) else { return }
        let gateway = gateway
        gateway.run(request.template) {
            if try await !gateway.isValid(authenticated.mac, of: authenticated.session) {
                gateway.syncs.revoke(ticket)
            }
        }
    }
}
