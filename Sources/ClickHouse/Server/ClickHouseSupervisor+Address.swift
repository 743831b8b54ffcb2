import Foundation

extension ClickHouseSupervisor {
  /// Where the server of a data directory listens or last listened, as its configuration file says: for tools beside a running emban.
  /// Nil when there was none.
  public static func address(dataDirectory: String) -> String? {
    guard let text = ServerFiles.read(dataDirectory + "/clickhouse/config.xml"),
      let start = text.firstRange(of: "<http_port>"), let end = text.firstRange(of: "</http_port>"),
      let port = Int(text[start.upperBound..<end.lowerBound])
    else { return nil }
    return "http://127.0.0.1:\(port)"
  }
}
