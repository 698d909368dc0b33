extension Endpoint {
    /// Every endpoint, in the order of `Specs/Matrix/Coverage.md`. A path that is not here is
    /// answered 404 M_UNRECOGNIZED, another method on one of these paths 405.
    static let all: [Endpoint] =
        discovery + sessions + accounts + profiles + rooms + timelines + directory + reading
        + userData + pushRules

    private static let discovery: [Endpoint] = [versions, wellKnown, capabilities]

    private static let sessions: [Endpoint] = [
        loginFlows, login, loginToken, logout, logoutAll, whoAmI,
    ]

    private static let accounts: [Endpoint] = [
        register, registerAvailable, registrationTokenValidity, changePassword, deactivate,
        devices, getDevice, renameDevice, deleteDevice, deleteDevices,
    ]

    private static let profiles: [Endpoint] = [
        getProfile, getProfileField, setDisplayName, setAvatar, getPresence, setPresence,
    ]

    private static let rooms: [Endpoint] = [
        createRoom, joinByAlias, join, invite, leave, kick, ban, unban, knock, forget,
        joinedRooms,
    ]

    private static let timelines: [Endpoint] = [
        sync, sendMessageEvent, redact, setState, setStateWithoutKey, getState,
        getStateWithoutKey, getWholeState, getEvent, getContext, getMessages, getMembers,
        getJoinedMembers,
    ]

    private static let directory: [Endpoint] = [
        getAlias, setAlias, deleteAlias, roomAliases, getListing, setListing, publicRooms,
        searchPublicRooms,
    ]

    private static let reading: [Endpoint] = [typing, setReceipt, readMarkers]

    private static let userData: [Endpoint] = [
        setAccountData, setRoomAccountData, getAccountData, getRoomAccountData, getTags, setTag,
        deleteTag, storeFilter, getFilter,
    ]

    private static let pushRules: [Endpoint] = [
        getPushRules, getPushRulesBare, getGlobalPushRules, getPushRule, setPushRule,
        deletePushRule, getPushRuleEnabled, setPushRuleEnabled, getPushRuleActions,
        setPushRuleActions, pushers,
    ]
}
