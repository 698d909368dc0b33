/// A body that makes sense for an endpoint, to be spoilt field by field. Keys are endpoints as
/// the router has them, below the API's prefix.
struct SampleRequests {
    /// Values that path places and bodies name.
    let user: String
    let room: String
    let event: String
    let alias: String

    func bodies() -> [String: [(field: String, json: String)]] {
        let auth = #"{"type":"m.login.password","user":"alice","password":"secret","session":"x"}"#
        let someone: [(field: String, json: String)] = [
            ("user_id", #""\#(user)""#), ("reason", #""why""#),
        ]
        return [
            "POST /login": [
                ("type", #""m.login.password""#),
                ("identifier", #"{"type":"m.id.user","user":"alice"}"#),
                ("user", #""alice""#), ("password", #""secret""#), ("device_id", #""D""#),
                ("initial_device_display_name", #""Pot""#), ("token", #""t""#),
            ],
            "POST /register": [
                ("username", #""carol""#), ("password", #""long-enough""#),
                ("auth", #"{"type":"m.login.registration_token","token":"x","session":"y"}"#),
                ("device_id", #""D""#), ("inhibit_login", "true"),
                ("initial_device_display_name", #""Pot""#), ("type", #""x""#),
            ],
            "POST /login/get_token": [("auth", auth)],
            "POST /account/password": [
                ("auth", auth), ("new_password", #""long-enough""#), ("logout_devices", "false"),
            ],
            "POST /account/deactivate": [("auth", auth), ("erase", "true")],
            "PUT /devices/{deviceId}": [("display_name", #""Pot""#)],
            "DELETE /devices/{deviceId}": [("auth", auth)],
            "POST /delete_devices": [("auth", auth), ("devices", #"["D"]"#)],
            "PUT /profile/{userId}/displayname": [("displayname", #""Al""#)],
            "PUT /profile/{userId}/avatar_url": [("avatar_url", #""mxc://a/b""#)],
            "PUT /presence/{userId}/status": [
                ("presence", #""online""#), ("status_msg", #""hi""#),
            ],
            "POST /createRoom": [
                ("visibility", #""private""#), ("room_alias_name", #""x""#), ("name", #""N""#),
                ("topic", #""T""#), ("invite", #"["@bob:test.example"]"#), ("invite_3pid", "[]"),
                ("room_version", #""11""#), ("creation_content", #"{"m.federate":true}"#),
                (
                    "initial_state",
                    #"[{"type":"m.room.topic","state_key":"","content":{"topic":"x"}}]"#
                ), ("preset", #""private_chat""#), ("is_direct", "true"),
                ("power_level_content_override", #"{"users":{},"ban":50}"#),
            ],
            "POST /join/{roomIdOrAlias}": [
                ("reason", #""r""#), ("third_party_signed", "{}"),
            ],
            "POST /rooms/{roomId}/join": [("reason", #""r""#)],
            "POST /knock/{roomIdOrAlias}": [("reason", #""r""#)],
            "POST /rooms/{roomId}/leave": [("reason", #""r""#)],
            "POST /rooms/{roomId}/invite": someone,
            "POST /rooms/{roomId}/kick": someone,
            "POST /rooms/{roomId}/ban": someone,
            "POST /rooms/{roomId}/unban": someone,
            "PUT /rooms/{roomId}/send/{eventType}/{txnId}": [
                ("msgtype", #""m.text""#), ("body", #""b""#), ("redacts", #""\#(event)""#),
                ("m.relates_to", #"{"rel_type":"m.thread","event_id":"\#(event)"}"#),
                ("m.mentions", #"{"user_ids":["\#(user)"]}"#),
            ],
            "PUT /rooms/{roomId}/redact/{eventId}/{txnId}": [("reason", #""r""#)],
            "PUT /rooms/{roomId}/state/{eventType}": state,
            "PUT /rooms/{roomId}/state/{eventType}/{stateKey}": state,
            "PUT /directory/room/{roomAlias}": [("room_id", #""\#(room)""#)],
            "PUT /directory/list/room/{roomId}": [("visibility", #""private""#)],
            "POST /publicRooms": [
                ("limit", "5"), ("since", #""x""#), ("server", #""s""#),
                ("filter", #"{"generic_search_term":"tea","room_types":[null]}"#),
                ("include_all_networks", "false"),
            ],
            "PUT /rooms/{roomId}/typing/{userId}": [("typing", "true"), ("timeout", "100")],
            "POST /rooms/{roomId}/receipt/{receiptType}/{eventId}": [("thread_id", #""main""#)],
            "POST /rooms/{roomId}/read_markers": [
                ("m.fully_read", #""\#(event)""#), ("m.read", #""\#(event)""#),
                ("m.read.private", #""\#(event)""#),
            ],
            "PUT /user/{userId}/account_data/{type}": [("a", "1")],
            "PUT /user/{userId}/rooms/{roomId}/account_data/{type}": [("a", "1")],
            "PUT /user/{userId}/rooms/{roomId}/tags/{tag}": [("order", "0.5")],
            "POST /user/{userId}/filter": [
                ("event_fields", #"["content.body"]"#), ("event_format", #""client""#),
                ("account_data", "{}"), ("presence", #"{"types":["m.x"]}"#),
                ("room", #"{"timeline":{"limit":5,"types":["m.*"]},"rooms":["\#(room)"]}"#),
            ],
            "PUT /pushrules/global/{kind}/{ruleId}": [
                ("actions", #"["notify"]"#), ("pattern", #""tea""#), ("conditions", "[]"),
            ],
            "PUT /pushrules/global/{kind}/{ruleId}/enabled": [("enabled", "true")],
            "PUT /pushrules/global/{kind}/{ruleId}/actions": [("actions", #"["notify"]"#)],
        ]
    }

    private var state: [(field: String, json: String)] {
        [
            ("membership", #""join""#), ("displayname", #""d""#), ("users", "{}"),
            ("join_rule", #""public""#), ("alias", #""\#(alias)""#), ("alt_aliases", "[]"),
            ("is_direct", "true"), ("redacts", #""\#(event)""#),
        ]
    }

    /// What stands in the places of a path, sound.
    func place(_ name: String) -> [String] {
        switch name {
        case "userId", "stateKey": [user]
        case "roomId", "roomIdOrAlias": [room]
        case "eventId": [event]
        case "roomAlias": [alias.replacing("#", with: "%23")]
        case "eventType": ["m.room.message", "m.room.member", "m.room.power_levels"]
        case "receiptType": ["m.read"]
        case "txnId": ["t"]
        case "deviceId": ["D"]
        case "keyName": ["displayname"]
        case "type": ["m.direct"]
        case "tag": ["u.x"]
        case "filterId": ["f"]
        case "kind": ["content"]
        case "ruleId": ["tea"]
        default: ["x"]
        }
    }

    /// Query items that some GET reads.
    static let queries = [
        "from", "to", "dir", "limit", "filter", "since", "timeout", "full_state", "set_presence",
        "at", "membership", "not_membership", "format", "server", "access_token",
    ]
}
