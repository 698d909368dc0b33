import Glibc

/// What single parts do, without a server. A bar of `Specs/Performance.md` stands beside its
/// figure; a run of two seconds on a busy machine says nothing about speed.
@main
enum MicroBenchmarks {
    static func main() throws {
        var seconds = 10.0
        var folder = "."
        var parts: [String] = []
        var arguments = CommandLine.arguments.dropFirst().makeIterator()
        while let argument = arguments.next() {
            switch argument {
            case "--seconds":
                guard let text = arguments.next(), let number = Double(text), number > 0 else {
                    usage()
                }
                seconds = number
            case "--folder":
                guard let path = arguments.next() else { usage() }
                folder = path
            case "json", "raft", "append": parts.append(argument)
            default: usage()
            }
        }
        if parts.isEmpty { parts = ["json", "raft", "append"] }
        for part in parts {
            switch part {
            case "json": try JSONBenchmark().run(seconds: seconds / 2)
            case "raft":
                var benchmark = try ReplicationBenchmark()
                try benchmark.run(seconds: seconds / 2)
            default: try AppendBenchmark(folder: folder).run(seconds: seconds)
            }
        }
    }

    private static func usage() -> Never {
        print("usage: micro-benchmarks [json|raft|append]... [--seconds N] [--folder DIR]")
        exit(64)
    }
}
