import AdminProtocol
import Configuration
import Encryption
import Gateway
import HTTPService
import KeyValue
import MultiRaft
import Partitions
import Primitives
import RocksKeyValue

/// What `warbler status` shows of a running node.
struct NodePicture: Sendable {
    let configuration: Configuration
    let node: RocksNode
    let gateway: Gateway
    let files: NodeFiles
    let server: HTTPServer
    let upkeep: Upkeep
    let disk: DiskReserve
    let rotation: KeyRotation
    let health: Health
    private let started = wallMilliseconds()

    init(
        configuration: Configuration,
        node: RocksNode,
        gateway: Gateway,
        files: NodeFiles,
        server: HTTPServer,
        upkeep: Upkeep,
        disk: DiskReserve,
        rotation: KeyRotation,
        health: Health
    ) {
        self.configuration = configuration
        self.node = node
        self.gateway = gateway
        self.files = files
        self.server = server
        self.upkeep = upkeep
        self.disk = disk
        self.rotation = rotation
        self.health = health
    }

    func value() throws -> AdminValue {
        let http = server.statistics
        let readiness = health.report.object ?? []
        return .object(
            readiness + [
                .init("version", .string(Warblerd.version)),
                .init("server_name", .string(node.serverName)),
                .init("ready_since", .string(utc(milliseconds: started))),
                .init(
                    "uptime_seconds",
                    .integer(Int64((max(wallMilliseconds(), started) - started) / 1_000))
                ),
                .init("connections", .integer(Int64(http.connectionsOpen))),
                .init("requests_under_way", .integer(Int64(http.requestsInFlight))),
                .init("waiting_syncs", .integer(Int64(gateway.waitingSyncs))),
                .init("log", try logFigures()),
                .init("state", try stateFigures()),
                .init("disk", diskFigures),
                .init("keys", keyFigures),
                .init("partitions", partitions),
            ]
        )
    }

    private func bytes(of store: RocksKeyValueStore) throws -> AdminValue {
        let files = try RocksKeyValueStore.storedFiles(in: store.path)
        return .integer(Int64(files.reduce(0) { $0 + $1.bytes }))
    }

    /// Of this run, but for the bytes on disk.
    private func logFigures() throws -> AdminValue {
        let counters = node.storageStatistics
        return [
            "disk_bytes": try bytes(of: files.log),
            "entries": .integer(Int64(counters.entries)),
            "syncs": .integer(Int64(counters.syncs)),
            "bytes": .integer(Int64(counters.bytes)),
        ]
    }

    private func stateFigures() throws -> AdminValue {
        let unflushed = node.unflushed
        return [
            "disk_bytes": try bytes(of: files.state),
            "unflushed_entries": .integer(Int64(unflushed.entries)),
            "unflushed_bytes": .integer(Int64(unflushed.bytes)),
            "last_flush": upkeep.lastFlush.map { .string(utc(milliseconds: $0)) } ?? .null,
        ]
    }

    private var diskFigures: AdminValue {
        [
            "free_bytes": .integer(Int64(clamping: disk.freeBytes)),
            "reserve_low_bytes": .integer(Int64(clamping: disk.lowBytes)),
            "reserve_critical_bytes": .integer(Int64(clamping: disk.criticalBytes)),
            "writes_refused": .bool(disk.level != .enough),
        ]
    }

    private var keyFigures: AdminValue {
        let ring = node.keys.ring
        let current = ring.current(.data)
        return [
            "data_epoch": .integer(Int64(current.epoch)),
            "created": .string(utc(milliseconds: current.createdMilliseconds)),
            "data_epochs": .integer(Int64(ring.epochs(of: .data).count)),
            "next_rotation": .string(utc(milliseconds: rotation.due)),
        ]
    }

    private var partitions: AdminValue {
        .array(
            node.partitions().map { one in
                [
                    "partition": .string(one.partition.description),
                    "leader": .bool(one.isLeader), "term": .integer(Int64(one.term.raw)),
                    "last": .integer(Int64(one.last.raw)),
                    "commit": .integer(Int64(one.committed.raw)),
                    "applied": .integer(Int64(one.applied.raw)),
                ]
            }
        )
    }
}
