/// Every metric of the server: its name, its labels and what it says. OpenMetrics base units:
/// seconds and bytes. A counter's sample gets `_total` when it is written.
package struct MetricName: Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package let name: String
    package let kind: Kind
    package let help: String
    package let labels: [String]
    /// Upper bounds of a histogram's buckets, ascending.
    package let buckets: [Double]

    private init(
        _ kind: Kind,
        _ name: String,
        labels: [String] = [],
        buckets: [Double] = [],
        _ help: String
    ) {
        self.name = "warbler_" + name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.buckets = buckets
    }
}

extension MetricName {
    /// From 0.1 ms to 30 s, for requests and disk syncs alike.
    private static let secondsBuckets: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
        5, 10, 30,
    ]
    private static let sizeBuckets: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]

    // MARK: Process

    package static let buildInfo = MetricName(
        .gauge,
        "build_info",
        labels: ["version"],
        "1, labelled with the version."
    )
    package static let startTime = MetricName(
        .gauge,
        "process_start_time_seconds",
        "Start of the process, seconds since 1970."
    )
    package static let residentBytes = MetricName(
        .gauge,
        "process_resident_memory_bytes",
        "Memory of the process that is in RAM."
    )
    package static let cpuSeconds = MetricName(
        .gauge,
        "process_cpu_seconds",
        "User and system CPU time spent so far."
    )
    package static let openFiles = MetricName(
        .gauge,
        "process_open_fds",
        "Open file descriptors."
    )
    package static let ready = MetricName(
        .gauge,
        "ready",
        "1 when /readyz answers 200."
    )

    // MARK: HTTP

    package static let httpRequests = MetricName(
        .counter,
        "http_requests",
        labels: ["method", "route", "status"],
        "Requests answered, by route template."
    )
    package static let httpSeconds = MetricName(
        .histogram,
        "http_request_seconds",
        labels: ["route"],
        buckets: secondsBuckets,
        "From the head of a request to the end of its answer, waits of /sync left out."
    )
    package static let httpConnections = MetricName(
        .gauge,
        "http_connections",
        "Open client connections."
    )
    package static let httpRefusedConnections = MetricName(
        .counter,
        "http_connections_refused",
        labels: ["reason"],
        "Connections closed at once."
    )
    package static let rateLimited = MetricName(
        .counter,
        "http_rate_limited",
        labels: ["group"],
        "Requests answered 429."
    )
    package static let syncWaiters = MetricName(
        .gauge,
        "sync_waiters",
        "Requests that wait for something new."
    )
    package static let syncWakeups = MetricName(
        .counter,
        "sync_wakeups",
        labels: ["cause"],
        "Waits that ended, by change or time-out."
    )
    package static let passwordQueue = MetricName(
        .gauge,
        "password_hashes_waiting",
        "Logins that wait for a password hash."
    )

    // MARK: Turns, Raft and the log

    package static let proposals = MetricName(
        .counter,
        "proposals",
        labels: ["outcome"],
        "Commands proposed, by outcome."
    )
    package static let proposalsPending = MetricName(
        .gauge,
        "raft_proposals_pending",
        "Commands proposed and not yet answered."
    )
    package static let raftLeaders = MetricName(
        .gauge,
        "raft_partitions_led",
        "Partitions this node leads."
    )
    package static let raftLeaderChanges = MetricName(
        .counter,
        "raft_leader_changes",
        "Times a partition got another leader."
    )
    package static let turnSeconds = MetricName(
        .histogram,
        "turn_seconds",
        buckets: secondsBuckets,
        "Length of a host's turn."
    )
    package static let logSyncSeconds = MetricName(
        .histogram,
        "log_sync_seconds",
        buckets: secondsBuckets,
        "Length of one synced write of the message log."
    )
    package static let logSyncs = MetricName(
        .counter,
        "log_syncs",
        "Synced writes of the message log."
    )
    package static let logEntries = MetricName(
        .counter,
        "log_entries",
        "Records appended to the message log since the start."
    )
    package static let logEntriesPerSync = MetricName(
        .histogram,
        "log_entries_per_sync",
        buckets: sizeBuckets,
        "Entries that shared one synced write."
    )
    package static let logAppendedBytes = MetricName(
        .counter,
        "log_appended_bytes",
        "Bytes appended to the message log."
    )
    package static let logLastIndex = MetricName(
        .gauge,
        "log_last_index",
        labels: ["partition"],
        "Last index appended."
    )
    package static let appliedIndex = MetricName(
        .gauge,
        "applied_index",
        labels: ["partition"],
        "Last index applied."
    )
    package static let replayEntriesLeft = MetricName(
        .gauge,
        "replay_entries_left",
        "Entries still to fold before the node is ready."
    )
    package static let events = MetricName(
        .counter,
        "events_persisted",
        "Matrix events made durable."
    )

    // MARK: Disk and keys

    package static let diskFreeBytes = MetricName(
        .gauge,
        "disk_free_bytes",
        "Free space where the data lies."
    )
    package static let diskState = MetricName(
        .gauge,
        "disk_state",
        "0 enough space, 1 below the low reserve, 2 below the critical."
    )
    package static let cacheHits = MetricName(
        .counter,
        "cache_hits",
        labels: ["cache"],
        "Look-ups answered from memory."
    )
    package static let cacheMisses = MetricName(
        .counter,
        "cache_misses",
        labels: ["cache"],
        "Look-ups that had to read."
    )
    package static let keyEpoch = MetricName(
        .gauge,
        "key_epoch",
        "Data-key epoch in use."
    )
    package static let keyProviderUp = MetricName(
        .gauge,
        "key_provider_up",
        "1 when the root key's provider answered last time."
    )
    package static let damagedRecords = MetricName(
        .gauge,
        "log_damaged_records",
        "Records whose digest does not fit."
    )
    package static let failures = MetricName(
        .counter,
        "failures",
        labels: ["code"],
        "Failures by the code `warbler explain` knows."
    )

    package static let all: [MetricName] = [
        buildInfo, startTime, residentBytes, cpuSeconds, openFiles, ready,
        httpRequests, httpSeconds, httpConnections, httpRefusedConnections, rateLimited,
        syncWaiters, syncWakeups, passwordQueue,
        proposals, proposalsPending, raftLeaders, raftLeaderChanges, turnSeconds, logSyncSeconds,
        logSyncs, logEntries, logEntriesPerSync, logAppendedBytes, logLastIndex, appliedIndex,
        replayEntriesLeft, events,
        diskFreeBytes, diskState, cacheHits, cacheMisses, keyEpoch, keyProviderUp,
        damagedRecords, failures,
    ]
}
