import Access
import Domain
import HTTPTypes
import Hummingbird
public import Ingest
import NIOCore

/// What `/metrics` tells of, at one moment.
public struct Measurements: Sendable {
  public var ingest: IngestMetrics.Counts
  /// Bytes of events that wait in memory.
  public var heldBytes: Int
  public var spool: SpoolStatus
  public var isEventStoreUp: Bool
  /// Streams of live dashboards that are open.
  public var liveStreams: Int
  /// Memory of this process; nil where the system does not tell.
  public var residentBytes: Int?

  public init(
    ingest: IngestMetrics.Counts, heldBytes: Int, spool: SpoolStatus, isEventStoreUp: Bool, liveStreams: Int = 0, residentBytes: Int?
  ) {
    self.ingest = ingest
    self.heldBytes = heldBytes
    self.spool = spool
    self.isEventStoreUp = isEventStoreUp
    self.liveStreams = liveStreams
    self.residentBytes = residentBytes
  }
}

/// `GET /metrics`: numbers for Prometheus. They name no organisation and no customer.
struct MetricsController: Controller {
  let measurements: @Sendable () -> Measurements

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/metrics", .public) { _ in
        let text = PrometheusText.of(measurements())
        return Response(
          status: .ok,
          headers: [
            .contentType: "text/plain; version=0.0.4; charset=utf-8", .contentLength: String(text.utf8.count), .cacheControl: "no-store",
          ],
          body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
      }
    ]
  }
}

/// The text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/
struct PrometheusText {
  private(set) var text = ""

  static func of(_ measured: Measurements) -> String {
    var page = PrometheusText()
    let ingest = measured.ingest
    let spool = measured.spool
    page.counter("emban_ingest_requests_total", "Requests with events that were answered.", ingest.requests)
    page.counter("emban_ingest_events_accepted_total", "Events that were answered as stored, resent ones included.", ingest.accepted)
    page.counters("emban_ingest_events_rejected_total", "Events that were not valid, by reason.", label: "code", ingest.rejected)
    page.counters(
      "emban_ingest_unavailable_total", "Requests with events that were answered 503, by code.", label: "code", ingest.unavailable)
    page.counter("emban_ingest_inserts_total", "Inserts that the event store acknowledged.", ingest.inserts)
    page.counter("emban_ingest_insert_rows_total", "Rows of these inserts.", ingest.insertedRows)
    page.counter("emban_ingest_insert_seconds_total", "Time that these inserts took.", ingest.insertSeconds)
    page.gauge("emban_ingest_buffer_bytes", "Events that wait in memory or are on their way to the event store.", measured.heldBytes)
    page.counter("emban_spool_events_total", "Events that went into the spool.", ingest.spooled)
    page.counter("emban_spool_replayed_events_total", "Events that came out of the spool.", ingest.replayed)
    page.gauge("emban_spool_pending_events", "Events in the spool that wait for the event store.", spool.pendingEvents)
    page.gauge("emban_spool_pending_bytes", "Bytes of these.", spool.pendingBytes)
    page.gauge("emban_spool_oldest_seconds", "How long the oldest of these waits, at most.", spool.oldestSeconds)
    page.gauge(
      "emban_spool_broken_inserts", "Inserts that were broken off and are in neither the event store nor the spool yet.",
      spool.brokenInserts)
    page.gauge("emban_spool_used_bytes", "Bytes of the spool's files.", spool.usedBytes)
    page.gauge("emban_spool_limit_bytes", "Bytes that the spool's files may have.", spool.limitBytes)
    page.gauge("emban_spool_set_aside", "Files with what could not be stored, for an operator to look at.", spool.setAside)
    let isRefusing = spool.state == .full || spool.state == .failing
    page.gauge("emban_spool_refusing", "1 while the spool is full or cannot be written.", isRefusing ? 1 : 0)
    page.gauge(
      "emban_spool_unreadable", "1 while a file of the spool cannot be read, before it is set aside.", spool.state == .unreadable ? 1 : 0)
    page.gauge("emban_live_streams", "Live dashboards that are open.", measured.liveStreams)
    page.gauge("emban_event_store_up", "1 while ClickHouse answers.", measured.isEventStoreUp ? 1 : 0)
    if let bytes = measured.residentBytes {
      page.gauge("process_resident_memory_bytes", "Memory of this process.", bytes)
    }
    return page.text
  }

  private mutating func counter(_ name: String, _ help: String, _ value: some LosslessStringConvertible) {
    family(name, help, "counter")
    text += "\(name) \(value)\n"
  }

  private mutating func gauge(_ name: String, _ help: String, _ value: some LosslessStringConvertible) {
    family(name, help, "gauge")
    text += "\(name) \(value)\n"
  }

  /// - Parameter values: by the value of the label, which has to be a plain word.
  private mutating func counters(_ name: String, _ help: String, label: String, _ values: [String: Int]) {
    family(name, help, "counter")
    for (word, value) in values.sorted(by: { $0.key < $1.key }) { text += "\(name){\(label)=\"\(word)\"} \(value)\n" }
  }

  private mutating func family(_ name: String, _ help: String, _ kind: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
  }
}
