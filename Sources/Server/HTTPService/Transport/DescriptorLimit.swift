#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How many files and sockets the system lets this process hold.
enum DescriptorLimit {
    /// What connections may take of it: a quarter stays for everything else, since a process
    /// without descriptors cannot even write its log.
    static func connectionsMax(wanted: Int) -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < UInt64(Int32.max) else {
            return wanted
        }
        return min(wanted, Int(limit.rlim_cur) / 4 * 3)
    }
}
