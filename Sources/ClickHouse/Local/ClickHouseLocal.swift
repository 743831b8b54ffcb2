public import Foundation

/// Runs `clickhouse local`: ClickHouse's own readers of file formats in a process of their own, without a server and without tables.
///
/// A statement reads the file as ``parquet``; its rows come back as a stream of JSON lines.
public struct ClickHouseLocal: Sendable, Hashable {
  private let path: String

  /// Finds the program as the supervisor of the server does.
  ///
  /// - Parameter setting: `EMBAN_CLICKHOUSE_BIN`.
  /// - Throws: ``ClickHouseConfigurationError`` with a sentence that says what to do.
  public static func find(setting: String?) async throws -> ClickHouseLocal {
    ClickHouseLocal(path: try await ClickHouseBinary.find(setting: setting).path)
  }

  /// The file, in the place of a table. It is read as the standard input of the process, so that its name, in which ClickHouse would
  /// take a star for a pattern, is no part of the statement.
  public static let parquet: SQL = "file('/dev/stdin', Parquet)"

  /// A column whose name came from a file. The statement runs where there is nothing but that file.
  public static func column(_ name: String) -> SQL {
    SQL(trusted: "`\(name.replacing("\\", with: "\\\\").replacing("`", with: "\\`"))`")
  }

  /// Starts a SELECT. Nothing is read ahead beyond what fits into a pipe.
  ///
  /// - Parameters:
  ///   - select: without FORMAT and SETTINGS; its values travel as parameters.
  ///   - file: a file that can be read from any place, open for reading.
  /// - Throws: ``ClickHouseConfigurationError`` when the program does not start.
  public func lines(of select: SQL, reading file: FileHandle) throws -> Lines {
    let process = Process()
    process.executableURL = URL(filePath: path)
    // To the program's own output: what is printed instead is held in memory until the end by the ClickHouse of the set-up.
    let statement: SQL = "\(select) INTO OUTFILE '/dev/stdout' TRUNCATE FORMAT JSONEachRow \(Self.settings)"
    process.arguments = ["local", "--query", statement.text] + statement.parameters.map { "--param_\($0.name)=\($0.value)" }
    var environment = ProcessInfo.processInfo.environment
    environment["EMBAN_PARENT_PID"] = "\(ProcessInfo.processInfo.processIdentifier)"
    environment["TZ"] = "UTC"
    for secret in ["EMBAN_SECRET_KEY", "EMBAN_DATABASE_URL", "EMBAN_API_KEY", "EMBAN_CLICKHOUSE_URL"] { environment[secret] = nil }
    process.environment = environment
    process.standardInput = file
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    do {
      try process.run()
    } catch {
      throw ClickHouseConfigurationError(reason: "\(path) does not start: \(error.localizedDescription)")
    }
    return Lines(process: process, output: output.fileHandleForReading, errors: errors.fileHandleForReading)
  }

  /// Rows in the order of the file; two threads decode, because one keeps a core busy with the rest. Times are ISO 8601 in UTC; numbers are
  /// numbers of any size; what is no number is a text, so that nobody takes it for absent.
  private static let settings: SQL = """
    SETTINGS max_threads = 2, parallelize_output_from_storages = 0, input_format_parquet_preserve_order = 1, \
    date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 0, output_format_json_quote_denormals = 1, \
    output_format_json_escape_forward_slashes = 0
    """

  /// The lines of one statement as they come. Letting go of it ends the process.
  public final class Lines {
    private let process: Process
    private let output: FileHandle
    private let errors: FileHandle

    init(process: Process, output: FileHandle, errors: FileHandle) {
      self.process = process
      self.output = output
      self.errors = errors
    }

    deinit { if process.isRunning { process.terminate() } }

    /// The next bytes; empty at the end.
    ///
    /// - Throws: ``LocalFailure`` when the statement failed, also after rows have come.
    public func read(upTo count: Int) throws -> [UInt8] {
      if let data = try output.read(upToCount: count), !data.isEmpty { return [UInt8](data) }
      let message = String(decoding: (try? errors.readToEnd()) ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      guard process.terminationReason == .exit, process.terminationStatus == 0 else { throw LocalFailure(message: message) }
      return []
    }

    /// All that is left.
    public func readAll() throws -> [UInt8] {
      var all: [UInt8] = []
      while true {
        let bytes = try read(upTo: 65_536)
        if bytes.isEmpty { return all }
        all += bytes
      }
    }
  }

  /// Why a statement failed. The message is ClickHouse's, with SQL in it: it is for classification and for the curious.
  public struct LocalFailure: Error, Sendable, Hashable {
    public let message: String
    /// ClickHouse's number of the error; 0 when it did not say, as when it was killed.
    public var code: Int {
      guard let start = message.firstRange(of: "Code: ") else { return 0 }
      return Int(message[start.upperBound...].prefix(while: \.isNumber)) ?? 0
    }
  }
}
