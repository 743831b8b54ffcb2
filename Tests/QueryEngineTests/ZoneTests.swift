import Domain
import QueryEngine
import Testing

@Suite struct ZoneTests {
  @Test(arguments: ["Mars/Olympus", "EST", "+02:00", "GMT+2", "", "europe/berlin", "../etc/passwd", "UTC'; DROP"])
  func unknownZonesAreRefused(name: String) {
    let error = #expect(throws: AppError.self) { try Zone(name) }
    #expect(error?.status == 422)
    #expect(error?.code == "invalid_request")
    #expect(error?.details.first?.code == "unknown_timezone")
    #expect(error?.details.first?.field == "timezone")
  }
}
