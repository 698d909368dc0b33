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
    /// From 0.1 ms to 30 s.
    private static let secondsBuckets: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
        5, 10, 30,
    ]

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
        "From the whole head of a request to its answer; /sync, which waits, is left out."
    )
    package static let httpConnections = MetricName(
        .gauge,
        "http_connections",
        "Open client connections."
    )
    package static let httpRefusedConnections = MetricName(
        .counter,
        "http_connections_refused",
        "Connections closed at once, because there were too many."
    )
    package static let syncWaiters = MetricName(
        .gauge,
        "sync_waiters",
        "Requests that wait for something new."
    )

    // MARK: The log

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
    package static let logAppendedBytes = MetricName(
        .counter,
        "log_appended_bytes",
        "Bytes appended to the message log."
    )
    package static let replayEntriesLeft = MetricName(
        .gauge,
        "replay_entries_left",
        "Entries still to fold before the node is ready."
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
    package static let keyEpoch = MetricName(
        .gauge,
        "key_epoch",
        "Data-key epoch in use."
    )

    package static let all: [MetricName] = [
        buildInfo, startTime, residentBytes, cpuSeconds, openFiles, ready,
        httpRequests, httpSeconds, httpConnections, httpRefusedConnections, syncWaiters,
        logSyncs, logEntries, logAppendedBytes, replayEntriesLeft,
        diskFreeBytes, diskState, keyEpoch,
    ]
}
