import Foundation

/// What this process takes of the machine's memory.
enum ProcessMemory {
  /// Nil where the system has no `/proc`.
  static var residentBytes: Int? {
    guard let line = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    let numbers = line.split(separator: " ")
    guard numbers.count > 1, let pages = Int(numbers[1]) else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
