package import MatrixModel

extension StoredEvent {
    /// What stays of the event once another redacted it: its envelope and, of what is clear, the
    /// keys that the room version keeps.
    /// - Parameter reason: the ID of the event that redacts it.
    package func redacted(by reason: String, in version: RoomVersion) -> StoredEvent {
        var event = self
        // What is clear was parsed when it was decided; an unreadable rest is nothing to keep.
        event.clear =
            (try? version.redactedContent(type: type, content: clear)) ?? ContentParts.emptyObject
        event.senderSealed = []
        event.subjectSealed = []
        event.relation = nil
        event.redactedBy = reason
        return event
    }
}
