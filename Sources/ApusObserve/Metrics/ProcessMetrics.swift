import CLinux
import ApusRuntime
import CLinux
import Glibc

extension Metrics {
    /// Adds what every Prometheus client tells about its process: CPU time, memory, descriptors, start time.
    ///
    /// - SeeAlso: Prometheus, "Writing client libraries", process metrics.
    public func observeProcess() {
        observeTotal("process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.") {
            ProcessFacts.cpuSeconds
        }
        observe("process_resident_memory_bytes", help: "Resident memory size in bytes.") {
            ProcessFacts.memoryBytes(column: 1)
        }
        observe("process_virtual_memory_bytes", help: "Virtual memory size in bytes.") {
            ProcessFacts.memoryBytes(column: 0)
        }
        observe("process_open_fds", help: "Number of open file descriptors.") { ProcessFacts.openDescriptors }
        observe("process_max_fds", help: "Maximum number of open file descriptors.") { ProcessFacts.descriptorsMax }
        let started = ProcessFacts.startSeconds
        observe("process_start_time_seconds", help: "Start time of the process since unix epoch in seconds.") {
            started
        }
    }
}

/// What the kernel says about this process.
public enum ProcessFacts {
    /// CPU time of all threads, in seconds.
    public static var cpuSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// CPU time of the thread that asks, in seconds.
    public static var threadCPUSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident memory, in bytes.
    public static var residentBytes: Int { Int(memoryBytes(column: 1)) }

    static func memoryBytes(column: Int) -> Double {
        let columns = text(of: "/proc/self/statm").split(separator: " ")
        guard column < columns.count, let pages = Double(columns[column]) else { return 0 }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    static var openDescriptors: Double {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Less ".", ".." and the folder itself.
        return Double(max(0, count - 3))
    }

    static var descriptorsMax: Double {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Double(limit.rlim_cur) : 0
    }

    /// When the process started, in seconds since 1970.
    static var startSeconds: Double {
        // The name in parentheses may hold spaces; field 22 is the 20th after it.
        let status = text(of: "/proc/self/stat")
        guard let end = status.lastIndex(of: ")") else { return 0 }
        let fields = status[end...].split(separator: " ")
        let boot = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard fields.count > 20, let ticks = Double(fields[20]), let boot, let seconds = Double(boot.dropFirst(6))
        else {
            return 0
        }
        return seconds + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func text(of path: String) -> String { (try? Files.readText(path)) ?? "" }
}
