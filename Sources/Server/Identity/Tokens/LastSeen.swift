import Synchronization

/// When and from where each device was last heard of. In memory only: a hint for the person who
/// looks through their devices, gone with a restart.
package final class LastSeen: Sendable {
    package struct Sighting: Sendable, Hashable {
        /// Milliseconds since 1970.
        package let time: UInt64
        package let address: String
        package init(time: UInt64, address: String) {
            self.time = time
            self.address = address
        }
    }

    private struct Device: Hashable, Sendable {
        let user: String
        let device: String
    }

    private let sightings = Mutex<[Device: Sighting]>([:])
    private let devicesMax: Int

    package init(devicesMax: Int = 100_000) { self.devicesMax = devicesMax }

    /// `address` is asked for only when it is kept: once a minute for each device.
    package func note(
        _ session: Session,
        time: UInt64,
        address: @autoclosure () -> String
    ) {
        let device = Device(user: session.userID, device: session.deviceID)
        sightings.withLock { sightings in
            if let last = sightings[device], last.time + 60_000 > time { return }
            if sightings.count >= devicesMax { sightings.removeAll() }
            sightings[device] = Sighting(time: time, address: address())
        }
    }

    package subscript(_ user: String, _ device: String) -> Sighting? {
        sightings.withLock { $0[Device(user: user, device: device)] }
    }
}
