/// One way into a key ring: the ring key, wrapped under one root key.
package struct RootSlot: Sendable, Equatable {
    /// Numbers are on disk: never reuse one.
    package enum Kind: UInt8, Sendable {
        /// Opens the ring today. Can be dropped once a next one was promoted.
        case current = 1
        /// Written ahead of a change of root; opens the ring too. Can become current.
        case next = 2
        /// For the owner's offline key (HPKE). Reserved: written and kept, not yet opened here.
        case recovery = 3
    }

    package let kind: Kind
    package let fingerprint: KeyFingerprint
    /// For a root slot: 12 bytes nonce, 32 bytes wrapped key, 16 bytes tag.
    let wrapped: [UInt8]
    static let wrappedCount = Cipher.nonceCount + SecretKey.count + Cipher.tagCount

    init(kind: Kind, fingerprint: KeyFingerprint, wrapped: [UInt8]) {
        self.kind = kind
        self.fingerprint = fingerprint
        self.wrapped = wrapped
    }

    init(
        _ kind: Kind,
        wrapping ringKey: SecretKey,
        under root: SecretKey,
        ringID: [UInt8],
        nonce: [UInt8]
    ) {
        let fingerprint = root.fingerprint
        var clear = ringKey.exposedBytes
        defer { Cipher.wipe(&clear) }
        let sealed = Cipher.sealGCM(
            key: RootSlot.wrapKey(root, ringID),
            nonce: nonce,
            aad: RootSlot.associatedData(fingerprint, ringID),
            clear
        )
        self.init(kind: kind, fingerprint: fingerprint, wrapped: nonce + sealed)
    }

    /// The ring key, or nil when `root` is not this slot's.
    func open(with root: SecretKey, ringID: [UInt8]) -> SecretKey? {
        guard kind != .recovery, wrapped.count == RootSlot.wrappedCount else { return nil }
        let opened = try? Cipher.openGCM(
            key: RootSlot.wrapKey(root, ringID),
            nonce: Array(wrapped.prefix(Cipher.nonceCount)),
            aad: RootSlot.associatedData(fingerprint, ringID),
            wrapped.dropFirst(Cipher.nonceCount)
        )
        guard var bytes = opened else { return nil }
        defer { Cipher.wipe(&bytes) }
        return SecretKey(bytes)
    }

    /// The same slot under another kind: what it wraps stays.
    func becoming(_ kind: Kind) -> RootSlot {
        RootSlot(kind: kind, fingerprint: fingerprint, wrapped: wrapped)
    }

    private static func wrapKey(_ root: SecretKey, _ ringID: [UInt8]) -> SecretKey {
        Cipher.derive(from: root, salt: ringID, info: "warbler/root-wrap/1")
    }

    // The kind is left out: promotion changes it without the root key at hand. The ring's body
    // authenticates it.
    private static func associatedData(_ fingerprint: KeyFingerprint, _ ringID: [UInt8]) -> [UInt8]
    {
        Array("warbler/slot/1".utf8) + ringID + fingerprint.bytes
    }
}

extension KeyRing {
    package func slot(_ kind: RootSlot.Kind) -> RootSlot? { slots.first { $0.kind == kind } }

    /// First step of a change of root: the next generation opens with `root` too.
    package func addingNextRoot(
        _ root: SecretKey,
        random: (Int) -> [UInt8]
    ) throws(KeyError) -> KeyRing {
        if let waiting = slot(.next) {
            throw KeyError(
                .ringRefused,
                "slot \(waiting.fingerprint) is already waiting to be promoted",
                remedy: "promote it, or drop it, before adding another"
            )
        }
        guard root.fingerprint != slot(.current)?.fingerprint else {
            throw KeyError(
                .ringRefused,
                "the new root key is the one in use",
                remedy: "make a new root key"
            )
        }
        var changed = self
        changed.generation += 1
        changed.slots.append(
            RootSlot(.next, wrapping: ringKey, under: root, ringID: ringID, nonce: random(12))
        )
        return changed
    }

    /// Second step: next becomes current; the old one still opens the ring, as next.
    package func promotingRoot() throws(KeyError) -> KeyRing {
        guard let next = slot(.next), let current = slot(.current) else {
            throw KeyError(
                .ringRefused,
                "no root key is waiting to be promoted",
                remedy: "add the next root key first"
            )
        }
        var changed = self
        changed.generation += 1
        changed.slots.removeAll { $0.kind != .recovery }
        changed.slots.insert(contentsOf: [next.becoming(.current), current.becoming(.next)], at: 0)
        return changed
    }

    /// Last step: the slot beside the current one goes away, and with it the ring key it could
    /// open: what the old root key has seen opens no later generation.
    package func droppingOldRoot(
        current root: SecretKey,
        random: (Int) -> [UInt8]
    ) throws(KeyError) -> KeyRing {
        guard let current = slot(.current), current.open(with: root, ringID: ringID) != nil else {
            throw KeyError(
                .wrongRoot,
                "the root key at hand is not the current one",
                remedy: "configure the promoted root key, then drop the old one"
            )
        }
        guard slot(.next) != nil else {
            throw KeyError(
                .ringRefused,
                "there is no old root key to drop",
                remedy: "nothing is left to do"
            )
        }
        var changed = self
        changed.generation += 1
        changed.ringKey = SecretKey(random(SecretKey.count))
        // A recovery slot wraps the old ring key and must be written anew by whoever holds the
        // recipient's public key.
        changed.slots = [
            RootSlot(
                .current,
                wrapping: changed.ringKey,
                under: root,
                ringID: ringID,
                nonce: random(12)
            )
        ]
        return changed
    }
}
