/// The families of keys a ring holds. Numbers are on disk: never reuse one.
package enum KeyKind: UInt8, Sendable, CaseIterable {
    /// Files of the store (layer 1); its epochs are rotated weekly.
    case data = 1
    /// Checksums of files that an attacker could otherwise recompute.
    case mac = 2
    /// Wraps the keys in the key partition's rows and log.
    case wrap = 3
    /// This node's own secrets (session cookies, the transport's private key).
    case node = 4
}

/// One key of a ring.
package struct RingKey: Sendable {
    package let kind: KeyKind
    /// Counts the keys of one kind from 1.
    package let epoch: UInt32
    /// Milliseconds since 1970.
    package let createdMilliseconds: UInt64
    package let secret: SecretKey

    package init(kind: KeyKind, epoch: UInt32, createdMilliseconds: UInt64, secret: SecretKey) {
        self.kind = kind
        self.epoch = epoch
        self.createdMilliseconds = createdMilliseconds
        self.secret = secret
    }
}

/// The keys of one node's store, as they are once a root key has opened the file
/// (Specs/Formats/Keyring.md). A value: every change gives the next generation, which becomes true
/// when the shell has written it.
package struct KeyRing: Sendable {
    /// 16 random bytes that name this ring for ever.
    package let ringID: [UInt8]
    /// 16 random bytes that name the store; part of every file's key derivation.
    package let storeID: [UInt8]
    /// Counts the written states of the ring from 1.
    package internal(set) var generation: UInt64
    package internal(set) var slots: [RootSlot]
    /// In order of kind and epoch.
    package private(set) var keys: [RingKey]
    /// What the slots wrap and the keys lie under.
    var ringKey: SecretKey

    init(
        ringID: [UInt8],
        storeID: [UInt8],
        generation: UInt64,
        slots: [RootSlot],
        keys: [RingKey],
        ringKey: SecretKey
    ) {
        self.ringID = ringID
        self.storeID = storeID
        self.generation = generation
        self.slots = slots
        self.keys = keys
        self.ringKey = ringKey
    }

    /// A new ring with the first epoch of every kind and one slot for `root`.
    ///
    /// `random` gives that many bytes fit for keys.
    package static func create(
        root: SecretKey,
        milliseconds: UInt64,
        random: (Int) -> [UInt8]
    ) -> KeyRing {
        let ringID = random(16)
        let ringKey = SecretKey(random(SecretKey.count))
        let slot = RootSlot(
            .current,
            wrapping: ringKey,
            under: root,
            ringID: ringID,
            nonce: random(12)
        )
        let keys = KeyKind.allCases.map {
            RingKey(
                kind: $0,
                epoch: 1,
                createdMilliseconds: milliseconds,
                secret: SecretKey(random(SecretKey.count))
            )
        }
        return KeyRing(
            ringID: ringID,
            storeID: random(16),
            generation: 1,
            slots: [slot],
            keys: keys,
            ringKey: ringKey
        )
    }

    /// The key new things are sealed with: the highest epoch.
    package func current(_ kind: KeyKind) -> RingKey {
        guard let key = keys.last(where: { $0.kind == kind }) else {
            preconditionFailure("a ring holds a key of every kind")
        }
        return key
    }

    package func key(_ kind: KeyKind, epoch: UInt32) throws(KeyError) -> SecretKey {
        guard let key = keys.first(where: { $0.kind == kind && $0.epoch == epoch }) else {
            throw KeyError(
                .unknownEpoch,
                "the key ring has no \(kind) key of epoch \(epoch)",
                remedy: "restore the key ring that was in use, or rebuild this node from its peers"
            )
        }
        return key.secret
    }

    package func epochs(of kind: KeyKind) -> [UInt32] {
        keys.filter { $0.kind == kind }.map(\.epoch)
    }

    /// The next generation, with a new epoch of `kind` that new things are sealed with.
    package func rotating(
        _ kind: KeyKind,
        milliseconds: UInt64,
        random: (Int) -> [UInt8]
    ) -> KeyRing {
        var next = self
        next.generation += 1
        let added = RingKey(
            kind: kind,
            epoch: current(kind).epoch + 1,
            createdMilliseconds: milliseconds,
            secret: SecretKey(random(SecretKey.count))
        )
        let place = next.keys.lastIndex { $0.kind == kind }! + 1
        next.keys.insert(added, at: place)
        return next
    }

    /// The next generation without every epoch of `kind` below `epoch`; this very one when there
    /// is none. Nothing sealed with them opens any more.
    package func dropping(_ kind: KeyKind, before epoch: UInt32) throws(KeyError) -> KeyRing {
        guard epoch <= current(kind).epoch else {
            throw KeyError(
                .ringRefused,
                "epoch \(epoch) has not begun",
                remedy: "rotate the \(kind) key first"
            )
        }
        guard epochs(of: kind).contains(where: { $0 < epoch }) else { return self }
        var next = self
        next.generation += 1
        next.keys.removeAll { $0.kind == kind && $0.epoch < epoch }
        return next
    }

    /// The next generation without one old epoch. Nothing sealed with it opens any more: call
    /// this once no file and no checkpoint names it, or to destroy what does.
    package func dropping(_ kind: KeyKind, epoch: UInt32) throws(KeyError) -> KeyRing {
        _ = try key(kind, epoch: epoch)
        guard epoch != current(kind).epoch else {
            throw KeyError(
                .ringRefused,
                "epoch \(epoch) is the one in use",
                remedy: "rotate the \(kind) key first"
            )
        }
        var next = self
        next.generation += 1
        next.keys.removeAll { $0.kind == kind && $0.epoch == epoch }
        return next
    }
}
