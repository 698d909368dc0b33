/// A body on its way in.
final class BodyIntake {
    enum Purpose {
        case handle(HTTPRoute)
        /// Answered already in thought: the body is dropped, so that the connection can go on.
        case refuse(HTTPResponse)
    }

    let request: HTTPRequest
    let purpose: Purpose
    let keepsAlive: Bool
    let bytesMax: Int
    private var framing: Framing
    private(set) var body: [UInt8] = []
    /// Bytes of the body so far, also of those dropped.
    private(set) var received = 0
    /// What `ServiceCore.reserveBody` counts for this body.
    private(set) var reserved = 0
    private(set) var pace: Pace

    private enum Framing {
        case length(Int)
        case chunked(ChunkedDecoder)
    }

    init(
        _ request: HTTPRequest,
        _ purpose: Purpose,
        framing: BodyFraming,
        bytesMax: Int,
        keepsAlive: Bool,
        _ context: LoopContext
    ) {
        let settings = context.settings
        pace = Pace(
            grace: settings.bodyGraceMilliseconds,
            stall: settings.bodyStallMilliseconds,
            context
        )
        self.request = request
        self.purpose = purpose
        self.keepsAlive = keepsAlive
        self.bytesMax = bytesMax
        switch framing {
        case .none: preconditionFailure("no body comes in without a framing")
        case .length(let length): self.framing = .length(length)
        case .chunked: self.framing = .chunked(ChunkedDecoder())
        }
    }

    /// Takes what belongs to the body from `bytes[index...]`; true once it is whole.
    ///
    /// - Parameter isLast: Whether the body ends with these bytes, where something else than its
    ///   framing tells.
    func take(
        _ bytes: [UInt8],
        at index: inout Int,
        isLast: Bool? = nil,
        _ context: LoopContext
    ) throws(HTTPFault) -> Bool {
        let service = context.service
        let held = body.count
        let isFramedWhole = try takeFramed(bytes, at: &index, service.settings)
        let isWhole = isLast ?? isFramedWhole
        let growth = body.count - held
        received += growth
        pace.moved(growth, bytesPerSecondMin: service.settings.bodyBytesPerSecondMin, context)
        switch purpose {
        case .refuse:
            body.removeAll(keepingCapacity: true)
        case .handle:
            // What is whole is handed on at once.
            guard !isWhole else { break }
            guard service.reserveBody(growth, from: request.remoteAddress) else {
                throw .overloaded
            }
            reserved += growth
        }
        return isWhole
    }

    private func takeFramed(
        _ bytes: [UInt8],
        at index: inout Int,
        _ settings: HTTPSettings
    ) throws(HTTPFault) -> Bool {
        switch framing {
        case .length(let length):
            let count = min(length - received, bytes.count - index)
            body.append(contentsOf: bytes[index..<(index + count)])
            index += count
            return received + count == length
        case .chunked(var decoder):
            // Dropped bytes count against the limit as kept ones do.
            let room = bytesMax - received + body.count
            try decoder.decode(bytes, at: &index, into: &body, bodyBytesMax: room, settings)
            framing = .chunked(decoder)
            return decoder.isDone
        }
    }

    func takeBody() -> [UInt8] {
        let whole = body
        body = []
        return whole
    }
}
