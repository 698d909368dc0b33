import Synchronization

/// All instruments of a node, found by name and label values.
///
/// Look an instrument up once where that is possible and keep it: the look-up takes a lock. A
/// family keeps at most `labelSetsMax` sets of label values; later ones are counted together under
/// the value `other`, so that a client cannot make the server remember without bound.
package final class Metrics: Sendable {
    package static let labelSetsMax = 1_024

    private struct Key: Hashable {
        let name: String
        let values: [String]
    }

    private enum Instrument: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        case reading(@Sendable () -> Double)
        case counting(@Sendable () -> Int)
    }

    private struct State {
        var instruments: [Key: Instrument] = [:]
        var setsByName: [String: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func counter(_ name: MetricName, _ values: String...) -> Counter {
        precondition(name.kind == .counter, "\(name.name) is no counter")
        guard case .counter(let counter) = find(name, values, make: { .counter(Counter()) })
        else { preconditionFailure("\(name.name) was registered as something else") }
        return counter
    }

    package func gauge(_ name: MetricName, _ values: String...) -> Gauge {
        precondition(name.kind == .gauge, "\(name.name) is no gauge")
        guard case .gauge(let gauge) = find(name, values, make: { .gauge(Gauge()) })
        else { preconditionFailure("\(name.name) was registered as something else") }
        return gauge
    }

    package func histogram(_ name: MetricName, _ values: String...) -> Histogram {
        precondition(name.kind == .histogram, "\(name.name) is no histogram")
        let make = { Instrument.histogram(Histogram(bounds: name.buckets)) }
        guard case .histogram(let histogram) = find(name, values, make: make)
        else { preconditionFailure("\(name.name) was registered as something else") }
        return histogram
    }

    /// A gauge that is asked when somebody reads the metrics, on the reader's thread.
    package func gauge(
        _ name: MetricName,
        _ values: String...,
        reading: @escaping @Sendable () -> Double
    ) {
        precondition(name.kind == .gauge, "\(name.name) is no gauge")
        precondition(values.count == name.labels.count, "\(name.name) takes other labels")
        state.withLock {
            $0.instruments[Key(name: name.name, values: values)] = .reading(reading)
        }
    }

    /// A counter that something else keeps: asked when somebody reads the metrics.
    package func counter(
        _ name: MetricName,
        _ values: String...,
        reading: @escaping @Sendable () -> Int
    ) {
        precondition(name.kind == .counter, "\(name.name) is no counter")
        precondition(values.count == name.labels.count, "\(name.name) takes other labels")
        state.withLock {
            $0.instruments[Key(name: name.name, values: values)] = .counting(reading)
        }
    }

    private func find(
        _ name: MetricName,
        _ values: [String],
        make: () -> Instrument
    ) -> Instrument {
        precondition(values.count == name.labels.count, "\(name.name) takes other labels")
        return state.withLock { state in
            var key = Key(name: name.name, values: values)
            if let known = state.instruments[key] { return known }
            let sets = state.setsByName[name.name, default: 0]
            if sets >= Self.labelSetsMax {
                key = Key(name: name.name, values: values.map { _ in "other" })
                if let known = state.instruments[key] { return known }
            }
            let made = make()
            state.instruments[key] = made
            state.setsByName[name.name] = sets + 1
            return made
        }
    }

    // MARK: Reading

    package static let contentType =
        "application/openmetrics-text; version=1.0.0; charset=utf-8"

    /// Everything in OpenMetrics text, families in the order of `MetricName.all`.
    package func openMetricsText() -> String {
        let instruments = state.withLock(\.instruments)
        var byName: [String: [(values: [String], instrument: Instrument)]] = [:]
        for (key, instrument) in instruments {
            byName[key.name, default: []].append((key.values, instrument))
        }
        var text = ""
        for name in MetricName.all {
            guard let family = byName[name.name] else { continue }
            text += "# TYPE \(name.name) \(name.kind.rawValue)\n"
            text += "# HELP \(name.name) \(OpenMetrics.escaped(name.help))\n"
            for (values, instrument) in family.sorted(by: {
                $0.values.lexicographicallyPrecedes($1.values)
            }) {
                Self.write(name, values, instrument, to: &text)
            }
        }
        return text + "# EOF\n"
    }

    private static func write(
        _ name: MetricName,
        _ values: [String],
        _ instrument: Instrument,
        to text: inout String
    ) {
        let labels = Array(zip(name.labels, values))
        switch instrument {
        case .counter(let counter):
            text += OpenMetrics.sample(name.name + "_total", labels, Double(counter.count))
        case .gauge(let gauge):
            text += OpenMetrics.sample(name.name, labels, gauge.value)
        case .reading(let read):
            text += OpenMetrics.sample(name.name, labels, read())
        case .counting(let read):
            text += OpenMetrics.sample(name.name + "_total", labels, Double(read()))
        case .histogram(let histogram):
            let snapshot = histogram.snapshot
            var running = 0
            for (bound, count) in zip(histogram.bounds + [.infinity], snapshot.counts) {
                running += count
                text += OpenMetrics.sample(
                    name.name + "_bucket",
                    labels + [("le", OpenMetrics.number(bound))],
                    Double(running)
                )
            }
            text += OpenMetrics.sample(name.name + "_count", labels, Double(running))
            text += OpenMetrics.sample(name.name + "_sum", labels, snapshot.sum)
        }
    }
}

/// The text form of https://prometheus.io/docs/specs/om/open_metrics_spec/.
private enum OpenMetrics {
    static func sample(_ name: String, _ labels: [(String, String)], _ value: Double) -> String {
        guard !labels.isEmpty else { return "\(name) \(number(value))\n" }
        let pairs = labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
        return "\(name){\(pairs)} \(number(value))\n"
    }

    static func number(_ value: Double) -> String {
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String(value)
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
