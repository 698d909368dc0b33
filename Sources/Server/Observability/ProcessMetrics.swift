import Glibc

extension Metrics {
    /// Adds what the kernel knows about this process, and the build.
    package func registerProcess(version: String) {
        gauge(.buildInfo, version).set(1)
        gauge(.startTime).set(Double(time(nil)))
        gauge(.residentBytes) { Double(ProcessFigures.residentBytes) }
        gauge(.cpuSeconds) { ProcessFigures.cpuSeconds }
        gauge(.openFiles) { Double(ProcessFigures.openFiles) }
    }
}

package enum ProcessFigures {
    /// 0 where /proc is missing.
    package static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    package static var cpuSeconds: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    package static var openFiles: Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // ".", ".." and the folder itself.
        return max(0, count - 3)
    }
}
