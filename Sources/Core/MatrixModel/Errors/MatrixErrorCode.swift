/// The error codes of the Client-Server API (section "Standard error response" and the
/// endpoints' own), with the HTTP status each is answered with unless the endpoint says otherwise.
package enum MatrixErrorCode: String, Hashable, Sendable, CaseIterable {
    case forbidden = "M_FORBIDDEN"
    case unknownToken = "M_UNKNOWN_TOKEN"
    case missingToken = "M_MISSING_TOKEN"
    case userLocked = "M_USER_LOCKED"
    case userSuspended = "M_USER_SUSPENDED"
    case badJSON = "M_BAD_JSON"
    case notJSON = "M_NOT_JSON"
    case notFound = "M_NOT_FOUND"
    case limitExceeded = "M_LIMIT_EXCEEDED"
    case unrecognized = "M_UNRECOGNIZED"
    case unknown = "M_UNKNOWN"

    case unauthorized = "M_UNAUTHORIZED"
    case userDeactivated = "M_USER_DEACTIVATED"
    case userInUse = "M_USER_IN_USE"
    case invalidUsername = "M_INVALID_USERNAME"
    case weakPassword = "M_WEAK_PASSWORD"
    case roomInUse = "M_ROOM_IN_USE"
    case invalidRoomState = "M_INVALID_ROOM_STATE"
    case threepidInUse = "M_THREEPID_IN_USE"
    case threepidNotFound = "M_THREEPID_NOT_FOUND"
    case threepidAuthFailed = "M_THREEPID_AUTH_FAILED"
    case threepidDenied = "M_THREEPID_DENIED"
    case threepidMediumNotSupported = "M_THREEPID_MEDIUM_NOT_SUPPORTED"
    case serverNotTrusted = "M_SERVER_NOT_TRUSTED"
    case unsupportedRoomVersion = "M_UNSUPPORTED_ROOM_VERSION"
    case incompatibleRoomVersion = "M_INCOMPATIBLE_ROOM_VERSION"
    case badState = "M_BAD_STATE"
    case badStatus = "M_BAD_STATUS"
    case badAlias = "M_BAD_ALIAS"
    case guestAccessForbidden = "M_GUEST_ACCESS_FORBIDDEN"
    case captchaNeeded = "M_CAPTCHA_NEEDED"
    case captchaInvalid = "M_CAPTCHA_INVALID"
    case missingParam = "M_MISSING_PARAM"
    case invalidParam = "M_INVALID_PARAM"
    case invalidSignature = "M_INVALID_SIGNATURE"
    case tooLarge = "M_TOO_LARGE"
    case exclusive = "M_EXCLUSIVE"
    case resourceLimitExceeded = "M_RESOURCE_LIMIT_EXCEEDED"
    case userLimitExceeded = "M_USER_LIMIT_EXCEEDED"
    case cannotLeaveServerNoticeRoom = "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"
    case unableToAuthoriseJoin = "M_UNABLE_TO_AUTHORISE_JOIN"
    case unableToGrantJoin = "M_UNABLE_TO_GRANT_JOIN"
    case inviteBlocked = "M_INVITE_BLOCKED"
    case duplicateAnnotation = "M_DUPLICATE_ANNOTATION"
    case wrongRoomKeysVersion = "M_WRONG_ROOM_KEYS_VERSION"
    case appserviceLoginUnsupported = "M_APPSERVICE_LOGIN_UNSUPPORTED"
    case keyTooLarge = "M_KEY_TOO_LARGE"
    case profileTooLarge = "M_PROFILE_TOO_LARGE"
    case unknownDevice = "M_UNKNOWN_DEVICE"
    /// Sliding sync: the connection's position is not known (any more); begin anew.
    case unknownPosition = "M_UNKNOWN_POS"

    case notYetUploaded = "M_NOT_YET_UPLOADED"
    case cannotOverwriteMedia = "M_CANNOT_OVERWRITE_MEDIA"
    case urlNotSet = "M_URL_NOT_SET"
    case connectionFailed = "M_CONNECTION_FAILED"
    case connectionTimeout = "M_CONNECTION_TIMEOUT"

    /// The HTTP status answered with when the endpoint names no other.
    package var status: Int {
        switch self {
        case .unknownToken, .missingToken, .unauthorized, .userLocked: 401
        case .forbidden, .userSuspended, .userDeactivated, .guestAccessForbidden,
            .threepidAuthFailed, .threepidDenied, .cannotLeaveServerNoticeRoom, .inviteBlocked,
            .wrongRoomKeysVersion, .resourceLimitExceeded, .userLimitExceeded:
            403
        case .notFound, .unrecognized: 404
        case .cannotOverwriteMedia: 409
        case .tooLarge: 413
        case .limitExceeded: 429
        case .unknown: 500
        case .connectionFailed, .badStatus: 502
        case .connectionTimeout, .notYetUploaded: 504
        default: 400
        }
    }
}
